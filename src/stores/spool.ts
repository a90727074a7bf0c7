/**
 * A spool that keeps small messages in memory and lets larger ones become a file as they arrive, so that what a message
 * costs in memory does not grow with its size.
 */

import { closeSync, openSync, read as readLater, readdirSync, readSync, rmSync } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { tmpdir, userInfo } from 'node:os'
import { join, resolve } from 'node:path'
import { ConfigurationError, MailError } from '../contracts/mail-error.ts'
import type { Spool, SpooledMessage, SpoolWriter } from '../contracts/spool.ts'
import { makeFolder } from '../files/folder.ts'
import { isLeftBehind, ownName } from './own-file.ts'
import { quietly } from './quietly.ts'
import { LARGE_BLOCK, SharedBlocks, SMALL_BLOCK } from './shared-blocks.ts'
import { faultOf } from './spool-faults.ts'
import { unwritten } from './unwritten.ts'

/** Octets of one message that may wait for the disk before its writer is asked to wait. */
const MOST_WAITING = 262_144

/** Smaller arrays are left to the garbage collector. */
const WORTH_RELEASING = 4096

/** Ranges up to this size are answered at once, larger ones with a promise. */
const AT_ONCE = 262_144

/** Options of {@link fileSpool}. */
export interface FileSpoolOptions {
  /**
   * Where files are made; made itself where it is missing. Files that a dead process left there are removed. Best on the file
   * system of the store. Default: a directory of this user's among the system's temporary ones.
   */
  readonly directory?: string
  /** Octets up to which a message stays in memory. Default: 262,144. */
  readonly memoryLimit?: number
  /**
   * Octets that all messages in memory may take together, counted in blocks of 16,384 (the first of each message) and 65,536;
   * beyond it, also small ones become files. Default: 33,554,432.
   */
  readonly memoryBudget?: number
}

/**
 * Makes a spool in a directory.
 *
 * @example
 * ```ts
 * import { fileSpool } from 'mailwright/stores/sqlite'
 *
 * const spool = fileSpool({ directory: './data/spool' })
 * const writer = spool.begin()
 * await writer.write(new TextEncoder().encode('Subject: hello\r\n\r\n'))
 * const message = await writer.finish()
 * message.dispose()
 * ```
 */
export function fileSpool({ directory, memoryLimit = 262_144, memoryBudget = 33_554_432 }: FileSpoolOptions = {}): Spool {
  const folder = resolve(directory ?? join(tmpdir(), `mailwright-spool-${userInfo().uid}`))
  try {
    makeFolder(folder)
    clear(folder)
  } catch (error) {
    throw new ConfigurationError('MW_SPOOL_DIRECTORY', `${folder} cannot be used for spooling: name a directory that can be written to`, {
      cause: error,
    })
  }
  const room: Room = { folder, memoryLimit, blocks: new SharedBlocks(memoryBudget), files: 0 }
  return { begin: () => new Writer(room) }
}

/** What the messages of one spool share. */
interface Room {
  readonly folder: string
  readonly memoryLimit: number
  readonly blocks: SharedBlocks
  files: number
}

function clear(folder: string): void {
  for (const name of readdirSync(folder)) {
    // One that cannot be removed stands in nobody's way: the next start tries again.
    if (name.endsWith('.spool') && isLeftBehind(name)) quietly(() => rmSync(join(folder, name), { force: true }))
  }
}

class Writer implements SpoolWriter {
  readonly #room: Room
  /** What the message is while it is in memory, and how much of the last one is filled. */
  #blocks: Uint8Array[] = []
  #filled = 0
  /** What waits for the file, and its octets, those of the batch that is being written among them; the blocks aside. */
  #chunks: Uint8Array[] = []
  #held = 0
  #taken = 0
  /** Those of them whose memory is ours, and those of the batch. */
  #owned: Uint8Array[] = []
  #done: Uint8Array[] = []
  #size = 0
  #path: string | undefined
  #file: FileHandle | undefined
  #written = 0
  #writing: Promise<void> | undefined
  #fault: MailError | undefined
  #over = false

  constructor(room: Room) {
    this.#room = room
  }

  write(octets: Uint8Array): Promise<void> | undefined {
    if (this.#over) throw new MailError('unavailable', 'the message was finished or discarded')
    if (this.#fault !== undefined) throw this.#fault
    this.#size += octets.length
    let rest = octets
    if (this.#path === undefined) {
      if (this.#size <= this.#room.memoryLimit) rest = this.#copied(octets)
      if (rest.length === 0) return undefined
      this.#path = join(this.#room.folder, ownName(`${++this.#room.files}.spool`))
      this.#chunks = this.#pieces()
    } else if (rest.length === 0) return undefined
    this.#chunks.push(rest)
    this.#held += rest.length
    this.#room.blocks.count(rest.length)
    this.#writing ??= this.#flush(this.#path)
    if (this.#held <= MOST_WAITING) return undefined
    return this.#settled()
  }

  writeOwned(octets: Uint8Array): Promise<void> | undefined {
    const pause = this.write(octets)
    if (this.#path === undefined) release(octets)
    else this.#owned.push(octets)
    return pause
  }

  /** Copies into blocks; answers what no block was to be had for. */
  #copied(octets: Uint8Array): Uint8Array {
    let rest = octets
    for (;;) {
      const block = this.#blocks.at(-1)
      if (block !== undefined) {
        const part = rest.subarray(0, block.length - this.#filled)
        block.set(part, this.#filled)
        this.#filled += part.length
        rest = rest.subarray(part.length)
      }
      if (rest.length === 0) return rest
      const another = this.#room.blocks.take(block === undefined ? SMALL_BLOCK : LARGE_BLOCK)
      if (another === undefined) return rest
      this.#blocks.push(another)
      this.#filled = 0
    }
  }

  /** The message so far, as it lies in the blocks. */
  #pieces(): Uint8Array[] {
    return this.#blocks.map((block, at) => (at < this.#blocks.length - 1 ? block : block.subarray(0, this.#filled)))
  }

  #giveBlocks(): void {
    this.#room.blocks.give(this.#blocks)
    this.#blocks = []
  }

  async #settled(): Promise<void> {
    await this.#writing
    if (this.#fault !== undefined) throw this.#fault
  }

  /** Writes until nothing waits. Never rejects: the fault is told by the next call. */
  async #flush(path: string): Promise<void> {
    try {
      this.#file ??= await open(path, 'wx+', 0o600)
      while (this.#chunks.length > 0 && !this.#over) {
        let rest = this.#take()
        while (rest.length > 0) {
          const { bytesWritten } = await this.#file.writev(rest, this.#written)
          this.#written += bytesWritten
          rest = unwritten(rest, bytesWritten)
        }
        this.#letGo()
      }
    } catch (error) {
      this.#fault = faultOf(error)
    } finally {
      this.#writing = undefined
    }
  }

  #take(): Uint8Array[] {
    const batch = this.#chunks
    this.#chunks = []
    this.#taken = this.#held
    this.#done = this.#owned
    this.#owned = []
    return batch
  }

  /** What was taken is not needed any more. */
  #letGo(): void {
    this.#giveBlocks()
    this.#room.blocks.count(-this.#taken)
    this.#held -= this.#taken
    this.#taken = 0
    for (const octets of this.#done) release(octets)
    this.#done = []
  }

  async finish(): Promise<SpooledMessage> {
    if (this.#over) throw new MailError('unavailable', 'the message was finished or discarded')
    if (this.#path !== undefined) {
      while (this.#writing !== undefined) await this.#writing
      if (this.#fault === undefined && this.#chunks.length > 0) await this.#flush(this.#path)
      if (this.#fault !== undefined) {
        const fault = this.#fault
        this.discard()
        throw fault
      }
    }
    this.#over = true
    const path = this.#path
    if (path === undefined) {
      return new InMemory(this.#pieces(), this.#blocks, this.#size, this.#room)
    }
    try {
      await this.#file?.close()
    } catch (error) {
      quietly(() => rmSync(path, { force: true }))
      throw faultOf(error)
    }
    return new InFile(path, this.#size)
  }

  discard(): void {
    if (this.#over) return
    this.#over = true
    const path = this.#path
    if (path === undefined) {
      this.#giveBlocks()
      return
    }
    void (async () => {
      await this.#writing
      this.#take()
      this.#letGo()
      // Closing what was to be forgotten cannot fail in a way that matters.
      await this.#file?.close().catch(() => undefined)
      quietly(() => rmSync(path, { force: true }))
    })()
  }
}

/** Lets go of memory now: the collector would come for it only after tens of megabytes. */
function release(octets: Uint8Array): void {
  const { buffer } = octets
  if (buffer instanceof ArrayBuffer && octets.byteLength === buffer.byteLength && buffer.byteLength >= WORTH_RELEASING) buffer.transfer(0)
}

function gone(): MailError {
  return new MailError('no-such-message', 'the spooled message was disposed of')
}

class InMemory implements SpooledMessage {
  readonly size: number
  readonly #room: Room
  readonly #blocks: readonly Uint8Array[]
  #pieces: readonly Uint8Array[] | undefined

  constructor(pieces: readonly Uint8Array[], blocks: readonly Uint8Array[], size: number, room: Room) {
    this.#pieces = pieces
    this.#blocks = blocks
    this.size = size
    this.#room = room
  }

  get pieces(): readonly Uint8Array[] {
    if (this.#pieces === undefined) throw gone()
    return this.#pieces
  }

  /** A copy: the blocks will hold another message before who asked has forgotten this one. */
  read(start: number, end: number): Uint8Array {
    const from = Math.max(0, Math.min(start, this.size))
    const octets = new Uint8Array(Math.max(from, Math.min(end, this.size)) - from)
    let at = 0
    for (const piece of this.pieces) {
      const first = Math.max(0, from - at)
      const last = Math.min(piece.length, from + octets.length - at)
      if (first < last) octets.set(piece.subarray(first, last), at + first - from)
      at += piece.length
    }
    return octets
  }

  dispose(): void {
    if (this.#pieces === undefined) return
    this.#pieces = undefined
    this.#room.blocks.give(this.#blocks)
  }
}

class InFile implements SpooledMessage {
  readonly size: number
  readonly file: { readonly path: string; readonly start: number }
  #fd: number | undefined
  #reading = 0
  #disposed = false

  constructor(path: string, size: number) {
    this.size = size
    this.file = { path, start: 0 }
  }

  read(start: number, end: number): Uint8Array | Promise<Uint8Array> {
    if (this.#disposed) throw gone()
    const from = Math.max(0, Math.min(start, this.size))
    const to = Math.max(from, Math.min(end, this.size))
    if (to === from) return new Uint8Array()
    const octets = new Uint8Array(to - from)
    try {
      const fd = (this.#fd ??= openSync(this.file.path, 'r'))
      return octets.length > AT_ONCE ? this.#readLater(fd, octets, from) : this.#readNow(fd, octets, from)
    } catch (error) {
      throw faultOf(error)
    }
  }

  #readNow(fd: number, octets: Uint8Array, from: number): Uint8Array {
    let got = 0
    while (got < octets.length) {
      const count = readSync(fd, octets, got, octets.length - got, from + got)
      if (count === 0) throw new MailError('corrupt', `${this.file.path} was cut short`)
      got += count
    }
    return octets
  }

  async #readLater(fd: number, octets: Uint8Array, from: number): Promise<Uint8Array> {
    this.#reading++
    try {
      let got = 0
      while (got < octets.length) {
        const at = got
        const count = await new Promise<number>((resolve, reject) => {
          readLater(fd, octets, at, octets.length - at, from + at, (error, read) =>
            error === null ? resolve(read) : reject(faultOf(error)),
          )
        })
        if (count === 0) throw new MailError('corrupt', `${this.file.path} was cut short`)
        got += count
      }
      return octets
    } finally {
      this.#reading--
      this.#close()
    }
  }

  #close(): void {
    if (!this.#disposed || this.#reading > 0 || this.#fd === undefined) return
    const fd = this.#fd
    this.#fd = undefined
    quietly(() => closeSync(fd))
  }

  dispose(): void {
    if (this.#disposed) return
    this.#disposed = true
    this.#close()
    quietly(() => rmSync(this.file.path, { force: true }))
  }
}
