/**
 * Appends contents to this process's own segment file: octets once, in the order in which they came, with a header that
 * says what follows. No other process writes to it, so nothing interleaves. The row in `content` is what makes octets exist;
 * octets without a row are waste that compaction takes away.
 */

import { closeSync, fdatasyncSync, ftruncateSync, openSync, statfsSync, statSync, writeSync, writevSync } from 'node:fs'
import { join } from 'node:path'
import { MailError } from '../../contracts/mail-error.ts'
import { unwritten } from '../unwritten.ts'
import { syncFolder } from '../../files/folder.ts'
import { quietly } from '../quietly.ts'
import { databasePath } from './database.ts'
import { failpoint } from './failpoints.ts'
import { isNoSpace } from './faults.ts'
import type { ContentFile, ContentInput } from './operation.ts'
import { inFile, inPieces, isSame, isSameAsFile, type Octets } from './same-octets.ts'
import { BLOCK, HEADER, headerOf, keyOf, readFully, segmentPath, sumsOf } from './segment-format.ts'
import type { Sql } from './sql.ts'

/** How much of a large content is in memory at a time. */
const CHUNK = 262_144

/** What the rows of a message take, about, until SQLite's log is moved into the database. */
const ROWS = 16_384

/** Octets free beyond those to keep, with which the end is far. */
const FAR = 67_108_864

/**
 * Octets that are written as zeros ahead of the contents, at most; in a young segment a quarter of what it holds. To sync what is
 * written over them costs half of what growing costs.
 */
const AHEAD = 1_048_576
const YOUNG = 262_144

/** Groups above this are written behind the end: for them the zeros would cost more than they save. */
const FEW = 65_536

/** Octets that must be free for writing ahead. */
const ROOMY = 268_435_456

/** A content that is in a segment (perhaps not synced yet) or was there already. */
export interface StagedContent {
  readonly key: number
  readonly sums: Uint8Array
  readonly size: number
  readonly segment: number
  readonly start: number
  /** The octets, unless they came in a file. */
  pieces: readonly Uint8Array[] | undefined
  /** Its row, once there is one. */
  id: number | undefined
  /** Whether the row was there before. */
  readonly known: boolean
}

/** What was staged for one transaction, by key. */
export type Group = Map<number, StagedContent[]>

/** Settings of a {@link SegmentWriter}. */
export interface SegmentWriterOptions {
  readonly folder: string
  readonly segmentSize: number
  readonly minimumFree: number | undefined
  /** The number under which this process writes. */
  readonly writer: () => number
}

/** The segment that this process appends to. */
export class SegmentWriter {
  readonly #sql: Sql
  readonly #options: SegmentWriterOptions
  #segment = 0
  #fd = -1
  #tail = 0
  #pending: Uint8Array[] = []
  #pendingAt = 0
  /** Where the octets end that are written ahead. */
  #ahead = 0
  #unsynced = false
  #lost = false
  #chunk: Uint8Array | undefined
  /** Segments that this group filled and left. */
  #left: number[] = []
  /** Octets free for what this group stages; unknown until it asks. */
  #free: number | undefined

  constructor(sql: Sql, options: SegmentWriterOptions) {
    this.#sql = sql
    this.#options = options
  }

  /** The segment that is being written, if one is. */
  get current(): number | undefined {
    return this.#fd === -1 ? undefined : this.#segment
  }

  /** Puts a content at the end, unless it is there already. `group` knows what came earlier in the same transaction. */
  stage(input: ContentInput, group: Group): StagedContent {
    this.#checkFree(input.size)
    return 'pieces' in input ? this.#stagePieces(input.pieces, input.size, group) : this.#stageFile(input, group)
  }

  /** Puts a copy of a content at the end although it is there already: it is being moved. */
  restage(input: ContentFile): StagedContent {
    return this.#stageFile(input, undefined)
  }

  #stagePieces(pieces: readonly Uint8Array[], size: number, group: Group): StagedContent {
    const sums = sumsOf(pieces, size)
    const key = keyOf(sums, size)
    const known = this.#find(key, sums, size, inPieces(pieces), group)
    if (known !== undefined) {
      known.pieces ??= pieces
      return known
    }
    this.#ensureSegment()
    const start = this.#tail + HEADER
    if (this.#pending.length === 0) this.#pendingAt = this.#tail
    this.#pending.push(headerOf(size, sums), ...pieces)
    this.#tail = start + size
    return remembered(group, { key, sums, size, segment: this.#segment, start, pieces, id: undefined, known: false })
  }

  /** Copies from a file, a chunk at a time: what a large message costs is one chunk. */
  #stageFile(input: ContentFile, group: Group | undefined): StagedContent {
    this.#writePending()
    this.#ensureSegment()
    const chunk = (this.#chunk ??= new Uint8Array(CHUNK))
    const { size } = input
    const sums = new Uint8Array(Math.ceil(size / BLOCK) * 4)
    const start = this.#tail + HEADER
    const source = openSync(input.path, 'r')
    let done = 0
    try {
      while (done < size) {
        const part = chunk.subarray(0, Math.min(CHUNK, size - done))
        const got = readFrom(source, part, input.start + done, input.path)
        if (got < part.length) throw new MailError('corrupt', `${input.path} ended after ${done + got} octets of ${size}`)
        sums.set(sumsOf([part], part.length), (done / BLOCK) * 4)
        this.#write([part], start + done)
        done += part.length
      }
    } finally {
      quietly(() => closeSync(source))
    }
    const key = keyOf(sums, size)
    // There already: the tail stays where it was, and the next content goes over what was just written.
    const known = group === undefined ? undefined : this.#find(key, sums, size, inFile(this.#fd, start), group)
    if (known !== undefined) return known
    this.#write([headerOf(size, sums)], this.#tail)
    this.#tail = start + size
    const staged = { key, sums, size, segment: this.#segment, start, pieces: undefined, id: undefined, known: false }
    return group === undefined ? staged : remembered(group, staged)
  }

  /** The same octets, staged before or in the store. */
  #find(key: number, sums: Uint8Array, size: number, octets: Octets, group: Group): StagedContent | undefined {
    // Not more than two of either: who makes many with one key gains nothing.
    for (const staged of group.get(key)?.slice(-2) ?? []) {
      if (staged.size === size && Buffer.compare(staged.sums, sums) === 0 && this.#holds(staged, octets)) return staged
    }
    const rows = this.#sql.rows<[number, number, number, Uint8Array]>(
      'SELECT id, segment, start, sums FROM content WHERE key = ? AND size = ? ORDER BY id DESC LIMIT 2',
      key,
      size,
    )
    for (const [id, segment, start, candidate] of rows) {
      const known = { key, sums, size, segment, start, pieces: undefined, id, known: true }
      if (Buffer.compare(candidate, sums) === 0 && this.#holds(known, octets)) return remembered(group, known)
    }
    return undefined
  }

  #holds({ pieces, segment, start, size }: StagedContent, octets: Octets): boolean {
    if (pieces !== undefined) return isSame(octets, inPieces(pieces), size)
    if (segment === this.#segment && this.#fd !== -1) return isSame(octets, inFile(this.#fd, start), size)
    return isSameAsFile(octets, segmentPath(this.#options.folder, segment), start, size)
  }

  /** Whether what this group staged could not be written or synced: nothing that it staged may be relied on. */
  get lost(): boolean {
    return this.#lost
  }

  /** Writes what waits, and brings it to the disk. Answers whether a sync was needed. */
  sync(): boolean {
    this.#writePending()
    if (!this.#unsynced) return false
    failpoint('after-segment-write')
    this.#lost = true
    fdatasyncSync(this.#fd)
    this.#lost = false
    this.#unsynced = false
    failpoint('after-segment-sync')
    return true
  }

  /** Forgets what waits and was not written: its group failed. */
  discard(): void {
    if (this.#pending.length > 0) this.#tail = this.#pendingAt
    this.#pending = []
  }

  /** Whether the segments that this group wrote to are still ours: another process may have retired them, for no row pointed to them. */
  isOurs(): boolean {
    const writer = this.#options.writer()
    const segments = this.#fd === -1 ? this.#left : [...this.#left, this.#segment]
    return segments.every(
      segment => this.#sql.number('SELECT count(*) FROM segment WHERE id = ? AND writer = ? AND retired IS NULL', segment, writer) === 1,
    )
  }

  /** Leaves the current segment: the next content begins another. */
  leave(): void {
    this.discard()
    const fd = this.#fd
    const isTooLong = this.#ahead > this.#tail
    this.#ahead = 0
    // First: a number that was closed may be another file's soon.
    this.#fd = -1
    this.#unsynced = false
    if (fd === -1) return
    // What is needed was synced before: the zeros at the end are in nobody's way.
    if (isTooLong) quietly(() => ftruncateSync(fd, this.#tail))
    quietly(() => closeSync(fd))
  }

  /** Begins a group: what was so in the last one tells nothing any more. */
  beginGroup(): void {
    this.#free = undefined
    this.#lost = false
    this.#left = []
  }

  #writePending(): void {
    if (this.#pending.length === 0) return
    failpoint('before-segment-write')
    const pending = this.#pending
    try {
      this.#write(pending, this.#pendingAt)
    } catch (error) {
      this.discard()
      this.#lost = true
      throw error
    }
    this.#pending = []
    this.#writeAhead()
  }

  #writeAhead(): void {
    if (this.#tail <= this.#ahead || this.#tail < YOUNG || this.#tail - this.#pendingAt > FEW || (this.#free ?? 0) < ROOMY) return
    const octets = Math.min(AHEAD, this.#tail >> 2)
    try {
      this.#write([new Uint8Array(octets)], this.#tail)
      this.#ahead = this.#tail + octets
    } catch (error) {
      // Nothing needs the zeros.
      if (!isNoSpace(error)) throw error
    }
  }

  #write(parts: readonly Uint8Array[], position: number): void {
    this.#unsynced = true
    let rest = [...parts]
    let at = position
    while (rest.length > 0) {
      const written = rest.length === 1 ? writeSync(this.#fd, rest[0] ?? new Uint8Array(), 0, null, at) : writevSync(this.#fd, rest, at)
      at += written
      rest = unwritten(rest, written)
    }
  }

  #ensureSegment(): void {
    if (this.#fd !== -1 && this.#tail < this.#options.segmentSize) return
    if (this.#fd !== -1) {
      this.sync()
      this.#left.push(this.#segment)
      this.leave()
    }
    const segment = this.#sql.insert('INSERT INTO segment (writer) VALUES (?)', this.#options.writer())
    this.#fd = openSync(segmentPath(this.#options.folder, segment), 'wx+', 0o600)
    this.#segment = segment
    this.#tail = 0
    this.#unsynced = false
    try {
      // The file's name must survive too.
      syncFolder(join(this.#options.folder, 'segments'))
    } catch (error) {
      // Nothing may be put into a file whose name may be gone after a crash.
      this.leave()
      throw error
    }
    failpoint('after-segment-create')
  }

  /** Octets by which the database will grow when the log is moved into it. */
  #owed(): number {
    const pages = this.#sql.number('PRAGMA page_count') * this.#sql.number('PRAGMA page_size')
    return Math.max(0, pages - statSync(databasePath(this.#options.folder)).size)
  }

  #checkFree(size: number): void {
    if (this.#free === undefined) {
      const { bavail, blocks, bsize } = statfsSync(this.#options.folder)
      // By default a hundredth, at least 256 KiB and at most 64 MiB: room for expunging and for SQLite's own log.
      const kept = this.#options.minimumFree ?? Math.max(262_144, Math.min(67_108_864, (blocks * bsize) / 100))
      const free = bavail * bsize - kept
      // What waits in SQLite's log needs room in the database when it is moved there; far from the end nobody need ask how much.
      this.#free = kept === 0 ? Infinity : free > FAR ? free : free - this.#owed()
    }
    const left = this.#free - size - ROWS
    if (left < 0) throw new MailError('no-space', 'hardly anything is free where the mail store lies: make room, no restart is needed')
    this.#free = left
  }
}

/** Reads what is to be copied. That it cannot be read is no fault of what is written: only who needs it is refused. */
function readFrom(source: number, into: Uint8Array, position: number, path: string): number {
  try {
    return readFully(source, into, position)
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error)
    throw new MailError('corrupt', `${path} cannot be read (${text}): check the disk, run verify, restore a backup`, { cause: error })
  }
}

function remembered(group: Group, staged: StagedContent): StagedContent {
  const others = group.get(staged.key)
  if (others === undefined) group.set(staged.key, [staged])
  else others.push(staged)
  return staged
}
