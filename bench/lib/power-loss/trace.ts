/** Reads what strace wrote down (`-f -xx`, all data) as changes of one folder, and the lines of the ledger between them. */

import { join, relative } from 'node:path'
import type { Line } from './story.ts'

/** A change asked of the file system. Paths are relative to the recorded folder; `''` is that folder. */
export type Change =
  | { readonly kind: 'make-folder' | 'remove'; readonly path: string }
  /** Opened so that it is made where it is missing, or emptied. */
  | { readonly kind: 'open'; readonly path: string; readonly truncate: boolean; readonly create: boolean }
  | { readonly kind: 'write'; readonly path: string; readonly at: number; readonly data: Buffer }
  | {
      readonly kind: 'copy'
      readonly path: string
      readonly at: number
      readonly from: string
      readonly start: number
      readonly length: number
    }
  | { readonly kind: 'truncate'; readonly path: string; readonly size: number }
  | { readonly kind: 'rename'; readonly path: string; readonly to: string }
  | { readonly kind: 'sync'; readonly path: string }

/** One moment of the trace: a change begins, a change has ended, or something was said. */
export type Moment =
  | { readonly kind: 'begin'; readonly id: number; readonly change: Change }
  | { readonly kind: 'end'; readonly id: number }
  | { readonly kind: 'line'; readonly line: Line }

/** The system calls that change files; what strace is asked to trace. */
export const CALLS: string =
  'openat,open,creat,close,dup,dup2,dup3,write,pwrite64,writev,pwritev,pwritev2,ftruncate,truncate,fallocate,rename,renameat,renameat2,link,linkat,unlink,unlinkat,mkdir,mkdirat,rmdir,fsync,fdatasync,sync_file_range,copy_file_range,sendfile'

interface File {
  readonly path: string
  offset: number
}

/** Reads the trace of one process. `root` is the recorded folder, `ledger` the file that its lines went to. */
export class TraceReader {
  readonly #root: string
  readonly #ledger: string
  readonly #files = new Map<number, File>()
  /** Calls that another thread's line interrupted, by thread. */
  readonly #cut = new Map<string, { readonly text: string; readonly id: number | undefined; readonly isDone: boolean }>()
  readonly moments: Moment[] = []
  #ids: number

  constructor(root: string, ledger: string, firstId: number) {
    this.#root = root
    this.#ledger = ledger
    this.#ids = firstId
  }

  /** The next number that no change has. */
  get nextId(): number {
    return this.#ids
  }

  read(text: string): void {
    for (const line of text.split('\n')) {
      const [, thread = '', rest = ''] = /^(\d+) +([^]*)$/.exec(line) ?? []
      if (rest === '' || rest.startsWith('+++') || rest.startsWith('---')) continue
      if (rest.endsWith(' <unfinished ...>')) this.#begin(thread, rest.slice(0, -' <unfinished ...>'.length))
      else if (rest.startsWith('<... ')) this.#resume(thread, rest)
      else this.#whole(rest)
    }
    // What was under way when the process was killed has begun, and may have been done in part.
    this.#cut.clear()
  }

  #whole(text: string): void {
    const [call, answer] = split(text)
    if (answer < 0) return
    const id = this.#start(call, answer)
    this.#finish(call, answer, id)
  }

  #begin(thread: string, text: string): void {
    const before = this.moments.length
    const id = this.#start(text, undefined)
    // A line of the ledger is said when it begins; a number is free for the next file when its closing begins.
    this.#cut.set(thread, { text, id, isDone: text.startsWith('close(') || (id === undefined && this.moments.length > before) })
  }

  #resume(thread: string, rest: string): void {
    const cut = this.#cut.get(thread)
    this.#cut.delete(thread)
    if (cut === undefined) throw new Error(`a call ends that never began: ${rest.slice(0, 80)}`)
    const [end, answer] = split(rest.replace(/^<\.\.\. \w+ resumed>/, ''))
    const call = cut.text + end
    if (answer < 0 || cut.isDone) return
    if (cut.id === undefined) this.#finish(call, answer, this.#start(call, answer))
    else this.#finish(call, answer, cut.id)
  }

  /** The change of a call; `undefined` where it changes nothing here, or where only its end tells what it changes. */
  #start(call: string, answer: number | undefined): number | undefined {
    const [, name = '', rest = ''] = /^(\w+)\(([^]*)$/.exec(call) ?? []
    if (name === 'close') this.#files.delete(Number.parseInt(rest))
    const change = this.#changeOf(name, rest, answer)
    if (change === undefined) return undefined
    const id = this.#ids++
    this.moments.push({ kind: 'begin', id, change })
    return id
  }

  #finish(call: string, answer: number, id: number | undefined): void {
    const [, name = '', rest = ''] = /^(\w+)\(([^]*)$/.exec(call) ?? []
    if (id !== undefined) this.moments.push({ kind: 'end', id })
    if (name === 'openat' || name === 'open' || name === 'creat') {
      const path = this.#inside(pathsOf(rest)[0])
      if (path !== undefined) this.#files.set(answer, { path, offset: 0 })
    } else if (name.startsWith('dup')) {
      const file = this.#files.get(Number.parseInt(rest))
      if (file !== undefined) this.#files.set(answer, file)
    } else if (name === 'write' || name === 'writev') {
      const file = this.#files.get(Number.parseInt(rest))
      if (file !== undefined) file.offset += answer
    }
  }

  #changeOf(name: string, rest: string, answer: number | undefined): Change | undefined {
    const file = this.#files.get(Number.parseInt(rest))
    const path = file?.path
    switch (name) {
      case 'openat':
      case 'open':
      case 'creat': {
        // Whether it succeeds is known at its end only.
        const opened = this.#inside(pathsOf(rest)[0])
        if (answer === undefined || opened === undefined || opened === this.#ledger || isMemory(opened)) return undefined
        const create = name === 'creat' || rest.includes('O_CREAT')
        const truncate = name === 'creat' || rest.includes('O_TRUNC')
        return create || truncate ? { kind: 'open', path: opened, create, truncate } : undefined
      }
      case 'mkdir':
      case 'mkdirat':
      case 'unlink':
      case 'unlinkat':
      case 'rmdir': {
        const named = this.#inside(pathsOf(rest)[0])
        if (named === undefined || answer === undefined || isMemory(named)) return undefined
        return { kind: name.startsWith('mkdir') ? 'make-folder' : 'remove', path: named }
      }
      case 'rename':
      case 'renameat':
      case 'renameat2': {
        const [from, to] = pathsOf(rest).map(found => this.#inside(found))
        if (answer === undefined || (from === undefined && to === undefined)) return undefined
        if (from === undefined || to === undefined) throw new Error('a file was moved into the recorded folder or out of it')
        return { kind: 'rename', path: from, to }
      }
      case 'write':
      case 'writev':
        if (file === undefined || path === undefined) return undefined
        if (path === this.#ledger) {
          for (const line of dataOf(rest).toString().trimEnd().split('\n')) {
            this.moments.push({ kind: 'line', line: JSON.parse(line) as Line })
          }
          return undefined
        }
        return { kind: 'write', path, at: file.offset, data: dataOf(rest).subarray(0, answer) }
      case 'pwrite64':
      case 'pwritev': {
        if (path === undefined || isMemory(path)) return undefined
        const whole = /, (\d+)\)?$/.exec(rest)
        if (whole === null) throw new Error(`a write without a place: ${rest.slice(-80)}`)
        return { kind: 'write', path, at: Number(whole[1]), data: dataOf(rest).subarray(0, answer) }
      }
      case 'ftruncate':
        if (path === undefined || isMemory(path)) return undefined
        return { kind: 'truncate', path, size: Number(/, (\d+)/.exec(rest)?.[1]) }
      case 'fsync':
      case 'fdatasync':
        return path === undefined ? undefined : { kind: 'sync', path }
      case 'copy_file_range': {
        const [, from = '', start = '', to = '', at = ''] = /^(\d+), ([^,]+), (\d+), ([^,]+), /.exec(rest) ?? []
        const [source, target] = [this.#files.get(Number(from)), this.#files.get(Number(to))]
        if (target === undefined || answer === undefined || answer === 0) return undefined
        if (source === undefined) throw new Error('octets were copied from outside the recorded folder')
        const place = (text: string, other: File): number => {
          const given = /^\[(\d+)/.exec(text)
          if (given !== null) return Number(given[1])
          other.offset += answer
          return other.offset - answer
        }
        return {
          kind: 'copy',
          path: target.path,
          at: place(at, target),
          from: source.path,
          start: place(start, source),
          length: answer,
        }
      }
      case 'link':
      case 'linkat':
        if (pathsOf(rest).every(found => this.#inside(found) === undefined)) return undefined
        throw new Error('a link in the recorded folder: the model of a disk knows none')
      case 'pwritev2':
      case 'truncate':
      case 'fallocate':
      case 'sendfile':
        if (path === undefined && this.#inside(pathsOf(rest)[0]) === undefined) return undefined
        throw new Error(`${name} in the recorded folder: the reader of traces does not know it`)
      default:
        // sync_file_range among them: it promises nothing.
        return undefined
    }
  }

  #inside(path: string | undefined): string | undefined {
    if (path === undefined || (path !== this.#root && !path.startsWith(`${this.#root}/`))) return undefined
    return relative(this.#root, join(path, '.'))
  }
}

/** SQLite's shared memory is no part of what is on a disk: it is made anew by who opens first. */
function isMemory(path: string): boolean {
  return path.endsWith('-shm')
}

/** The call with its arguments, and what it answered; `-1` for an error. */
function split(text: string): readonly [string, number] {
  const at = text.lastIndexOf(') = ')
  // strace puts blanks in front of the sign where a call is short.
  const wide = at === -1 ? /\)\s+= (-?\d+)[^=]*$/.exec(text) : undefined
  if (wide !== undefined && wide !== null) return [text.slice(0, wide.index), Number(wide[1])]
  if (at === -1) return [text, -1]
  return [text.slice(0, at), Number.parseInt(text.slice(at + 4))]
}

function pathsOf(rest: string): readonly string[] {
  return [...rest.matchAll(/"((?:\\x[\da-f]{2})*)"/g)].map(([, hex = '']) => octetsOf(hex).toString())
}

function dataOf(rest: string): Buffer {
  if (/"\.\.\./.test(rest)) throw new Error('strace cut a string short')
  return Buffer.concat([...rest.matchAll(/"((?:\\x[\da-f]{2})*)"/g)].map(([, hex = '']) => octetsOf(hex)))
}

function octetsOf(hex: string): Buffer {
  return Buffer.from(hex.replaceAll(String.raw`\x`, ''), 'hex')
}
