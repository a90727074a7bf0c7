/**
 * A disk with a cache that is lost with the power. What was synced stays. Of everything since then, any part may have reached the disk:
 * each write by sectors of 512 octets, each change of a size, and each change of a folder.
 */

import type { Change } from './trace.ts'

/** What a sector is: written as a whole or not at all. */
export const SECTOR = 512

/** When names are durable. */
export type Naming =
  /** As POSIX says: with the sync of the folder, and until then each change of it by itself. */
  | 'strict'
  /** As ext4, XFS and btrfs do: changes of folders in their order, and a file's name with the sync of the file. */
  | 'ordered'

/** A change of a file that no sync has covered. */
export type Pending =
  | { readonly id: number; readonly kind: 'write'; readonly at: number; readonly data: Buffer }
  | { readonly id: number; readonly kind: 'truncate'; readonly size: number }

/** A change of a folder that no sync has covered: names that are given, or taken away (`undefined`), together. */
export interface PendingName {
  readonly id: number
  readonly folder: Folder
  readonly names: readonly (readonly [string, Node | undefined])[]
}

/** A file, under whatever name. */
export class File {
  readonly kind = 'file'
  readonly id: number
  /** What is on the disk for certain. */
  durable: Buffer = Buffer.alloc(0)
  #room: Buffer = Buffer.alloc(0)
  /** Changes with each sync that changed it. */
  version = 0
  pending: Pending[] = []
  /** What a reader sees while the power is on; made when asked for. */
  #cached: Buffer | undefined

  constructor(id: number) {
    this.id = id
  }

  change(pending: Pending): void {
    this.pending.push(pending)
    if (this.#cached !== undefined) this.#cached = applied(this.#cached, pending)
  }

  get cached(): Buffer {
    return (this.#cached ??= this.pending.reduce(applied, this.durable))
  }

  /** Makes durable what ended before the sync began. */
  sync(covered: ReadonlySet<number>): void {
    const rest: Pending[] = []
    for (const pending of this.pending) {
      if (!covered.has(pending.id)) rest.push(pending)
      else this.#settle(pending)
    }
    if (rest.length < this.pending.length) this.version++
    this.pending = rest
  }

  /** In place, with room to grow: what is thrown away would cost more than all else. */
  #settle(change: Pending): void {
    const { length } = this.durable
    const size = change.kind === 'truncate' ? change.size : Math.max(length, change.at + change.data.length)
    if (size > this.#room.length) {
      this.#room = Buffer.alloc(size * 2)
      this.durable.copy(this.#room)
    }
    if (size < length) this.#room.fill(0, size, length)
    if (change.kind === 'write') change.data.copy(this.#room, change.at)
    this.durable = this.#room.subarray(0, size)
  }
}

/** A folder. */
export class Folder {
  readonly kind = 'folder'
  readonly id: number
  readonly durable: Map<string, Node> = new Map()
  readonly cached: Map<string, Node> = new Map()

  constructor(id: number) {
    this.id = id
  }
}

export type Node = File | Folder

/** The content with a change made to it. */
function applied(content: Buffer, change: Pending): Buffer {
  if (change.kind === 'truncate') return sized(content, change.size)
  const result = sized(content, Math.max(content.length, change.at + change.data.length))
  change.data.copy(result, change.at)
  return result
}

function sized(content: Buffer, size: number): Buffer {
  const result = Buffer.alloc(size)
  content.copy(result, 0, 0, size)
  return result
}

/** The disk as a trace left it, one change after the other. */
export class Disk {
  readonly root: Folder = new Folder(0)
  readonly #naming: Naming
  /** In the order in which they were asked for. */
  names: PendingName[] = []
  #ids = 1
  /** Of the changes under way, what their end makes true. */
  readonly #open = new Map<number, () => void>()
  readonly #ended = new Set<number>()
  readonly #nameOf = new Map<Node, number>()

  constructor(naming: Naming) {
    this.#naming = naming
  }

  begin(id: number, change: Change): void {
    switch (change.kind) {
      case 'make-folder':
        this.#name(id, change.path, new Folder(this.#ids++))
        return
      case 'remove':
        this.#name(id, change.path, undefined)
        return
      case 'rename': {
        const [folder, name] = this.#place(change.path)
        const [other, newName] = this.#place(change.to)
        if (folder !== other) throw new Error('a file was moved into another folder: the model of a disk does not know it')
        const node = folder.cached.get(name)
        this.#rename(id, folder, [
          [name, undefined],
          [newName, node],
        ])
        if (node !== undefined) this.#nameOf.set(node, id)
        return
      }
      case 'open': {
        const [folder, name] = this.#place(change.path)
        const there = folder.cached.get(name)
        if (there === undefined) this.#name(id, change.path, new File(this.#ids++))
        else if (change.truncate && there.kind === 'file') there.change({ id, kind: 'truncate', size: 0 })
        return
      }
      case 'write':
        this.#file(change.path).change({ id, kind: 'write', at: change.at, data: change.data })
        return
      case 'copy': {
        const data = this.#file(change.from).cached.subarray(change.start, change.start + change.length)
        this.#file(change.path).change({ id, kind: 'write', at: change.at, data: Buffer.from(data) })
        return
      }
      case 'truncate':
        this.#file(change.path).change({ id, kind: 'truncate', size: change.size })
        return
      case 'sync':
        this.#sync(id, change.path)
    }
  }

  end(id: number): void {
    this.#open.get(id)?.()
    this.#open.delete(id)
    this.#ended.add(id)
  }

  /** Files that can be reached, with whatever of them is pending. */
  *files(): Generator<File> {
    const seen = new Set<Node>()
    const walk = function* (folder: Folder): Generator<File> {
      for (const node of folder.cached.values()) {
        if (seen.has(node)) continue
        seen.add(node)
        if (node.kind === 'file') yield node
        else yield* walk(node)
      }
    }
    yield* walk(this.root)
    // Removed, and perhaps there again.
    for (const { folder, names } of this.names) {
      for (const [name] of names) {
        const node = folder.durable.get(name)
        if (node?.kind === 'file' && !seen.has(node)) {
          seen.add(node)
          yield node
        }
      }
    }
  }

  /** What a sync of this path covers is what had ended when it began; it is true once it ended. */
  #sync(id: number, path: string): void {
    const node = path === '' ? this.root : this.#find(path)
    if (node === undefined) return
    const covered = new Set<number>()
    if (node.kind === 'file') for (const { id } of node.pending) if (this.#ended.has(id)) covered.add(id)
    const named = this.#nameOf.get(node) ?? -1
    const lastName = this.names.findLastIndex(pending =>
      node.kind === 'folder' ? pending.folder === node && this.#ended.has(pending.id) : pending.id === named,
    )
    const settled =
      this.#naming === 'ordered'
        ? this.names.slice(0, lastName + 1)
        : node.kind === 'folder'
          ? this.names.filter(pending => pending.folder === node && this.#ended.has(pending.id))
          : []
    this.#open.set(id, () => {
      if (node.kind === 'file') node.sync(covered)
      for (const { folder, names } of settled) give(folder.durable, names)
      this.names = this.names.filter(pending => !settled.includes(pending))
    })
  }

  #name(id: number, path: string, node: Node | undefined): void {
    const [folder, name] = this.#place(path)
    this.#rename(id, folder, [[name, node]])
    if (node !== undefined) this.#nameOf.set(node, id)
  }

  #rename(id: number, folder: Folder, names: PendingName['names']): void {
    give(folder.cached, names)
    this.names.push({ id, folder, names })
  }

  #place(path: string): readonly [Folder, string] {
    const at = path.lastIndexOf('/')
    const folder = at === -1 ? this.root : this.#find(path.slice(0, at))
    if (folder?.kind !== 'folder') throw new Error(`${path} lies in no folder that the trace made`)
    return [folder, path.slice(at + 1)]
  }

  #find(path: string): Node | undefined {
    let node: Node | undefined = this.root
    for (const name of path.split('/')) node = node?.kind === 'folder' ? node.cached.get(name) : undefined
    return node
  }

  #file(path: string): File {
    const node = this.#find(path)
    if (node?.kind !== 'file') throw new Error(`${path} is no file that the trace made`)
    return node
  }
}

/** Gives names, or takes them away. */
export function give(folder: Map<string, Node>, names: PendingName['names']): void {
  for (const [name, node] of names) {
    if (node === undefined) folder.delete(name)
    else folder.set(name, node)
  }
}
