/**
 * Reads contents back from segment files. Every octet that is handed out was checked against the sum of its block, so that
 * damage is found and never served. Messages that lie beside one another share one large read.
 */

import { closeSync, openSync, read as readLater } from 'node:fs'
import { crc32 } from 'node:zlib'
import { MailError } from '../../contracts/mail-error.ts'
import type { MessageSource } from '../../contracts/message.ts'
import { quietly } from '../quietly.ts'
import { isFromBelow, isMissing, mailErrorOf, missingSegment } from './faults.ts'
import { BLOCK, readFully, segmentPath } from './segment-format.ts'

/** Ranges up to this size are answered at once, larger ones with a promise. */
const AT_ONCE = 262_144

/** What is read at a time while reads follow one another through a segment. */
const WINDOW = 262_144

/** A read this far behind the last one still counts as following it. */
const NEAR = 65_536

/** Segment files kept open. */
const MOST_FILES = 128

/** Where a content lies, and its sums. */
export interface ContentPlace {
  readonly id: number
  readonly segment: number
  readonly start: number
  readonly size: number
  readonly sums: Uint8Array
}

interface OpenFile {
  readonly fd: number
  reading: number
  unwanted: boolean
}

/** What a reader asks when a content is no longer where it was. */
export type Relocate = (content: number) => ContentPlace | undefined

/** The open segment files of one store. */
export class ContentReader {
  readonly #folder: string
  readonly #relocate: Relocate
  readonly #files = new Map<number, OpenFile>()
  #windowSegment = 0
  #windowStart = 0
  #window = new Uint8Array()
  #lastSegment = 0
  #lastEnd = 0

  constructor(folder: string, relocate: Relocate) {
    this.#folder = folder
    this.#relocate = relocate
  }

  /** Octets from `from` up to `to` of a content, at once. */
  readNow(place: ContentPlace, from: number, to: number): Uint8Array {
    return this.#withPlace(place, now => {
      const first = from - (from % BLOCK)
      const last = Math.min(now.size, Math.ceil(to / BLOCK) * BLOCK)
      let octets = this.#take(now, first, last)
      if (faultyBlock(now, octets, first) !== undefined) {
        // The window reaches beyond what was written when it was read: what lies there now is another matter.
        this.#window = new Uint8Array()
        octets = this.#take(now, first, last)
        checkSums(now, octets, first)
      }
      return octets.subarray(from - first, to - first)
    })
  }

  /** Writes a whole content to `target` from `at` on, at once. */
  copyTo(place: ContentPlace, target: Uint8Array, at: number): void {
    const octets = target.subarray(at, at + place.size)
    this.#withPlace(place, now => {
      if (readFully(this.#file(now.segment).fd, octets, now.start) < octets.length) throw cutShort(now)
      checkSums(now, octets, 0)
    })
  }

  /** The same for large ranges, off the event loop. */
  async readLater(place: ContentPlace, from: number, to: number): Promise<Uint8Array> {
    const first = from - (from % BLOCK)
    const last = Math.min(place.size, Math.ceil(to / BLOCK) * BLOCK)
    const octets = new Uint8Array(last - first)
    const got = await this.#withPlace(place, now => this.#fill(now, octets, first))
    if (got < octets.length) throw cutShort(place)
    checkSums(place, octets, first)
    return octets.subarray(from - first, to - first)
  }

  #withPlace<T>(place: ContentPlace, read: (place: ContentPlace) => T): T {
    for (let now = place; ;) {
      try {
        return read(now)
      } catch (error) {
        if (!isMissing(error)) throw isFromBelow(error) ? mailErrorOf(error) : error
        // Compaction may have moved it since the record was read, and again since we asked: each time it is elsewhere.
        const moved = this.#relocated(place.id)
        if (moved === undefined)
          throw new MailError('no-such-message', 'the message was expunged and its octets are gone', { cause: error })
        if (moved.segment === now.segment) throw missingSegment(segmentPath(this.#folder, now.segment), error)
        now = moved
      }
    }
  }

  #relocated(content: number): ContentPlace | undefined {
    try {
      return this.#relocate(content)
    } catch (error) {
      throw mailErrorOf(error)
    }
  }

  #take(place: ContentPlace, first: number, last: number): Uint8Array {
    const { segment } = place
    const at = place.start + first
    const end = place.start + last
    const inWindow = segment === this.#windowSegment && at >= this.#windowStart && end <= this.#windowStart + this.#window.length
    if (!inWindow) {
      const follows = segment === this.#lastSegment && at >= this.#lastEnd && at - this.#lastEnd <= NEAR
      const wanted = follows ? Math.max(WINDOW, last - first) : last - first
      const octets = new Uint8Array(wanted)
      const got = readFully(this.#file(segment).fd, octets, at)
      if (got < last - first) throw cutShort(place)
      // A window is never written to again: who holds a part of it may keep it.
      this.#windowSegment = segment
      this.#windowStart = at
      this.#window = octets.subarray(0, got)
    }
    this.#lastSegment = segment
    this.#lastEnd = end
    return this.#window.subarray(at - this.#windowStart, end - this.#windowStart)
  }

  #fill(place: ContentPlace, octets: Uint8Array, first: number): Promise<number> {
    const file = this.#file(place.segment)
    file.reading++
    return new Promise<number>((resolve, reject) => {
      const more = (got: number): void => {
        readLater(file.fd, octets, got, octets.length - got, place.start + first + got, (error, count) => {
          if (error === null && count > 0 && got + count < octets.length) {
            more(got + count)
            return
          }
          file.reading--
          if (file.unwanted && file.reading === 0) quietly(() => closeSync(file.fd))
          if (error === null) resolve(got + count)
          else reject(mailErrorOf(error))
        })
      }
      more(0)
    })
  }

  #file(segment: number): OpenFile {
    const known = this.#files.get(segment)
    if (known !== undefined) return known
    const file = { fd: openSync(segmentPath(this.#folder, segment), 'r'), reading: 0, unwanted: false }
    if (this.#files.size >= MOST_FILES) {
      const [oldest] = this.#files.keys()
      if (oldest !== undefined) this.#drop(oldest)
    }
    this.#files.set(segment, file)
    return file
  }

  #drop(segment: number): void {
    const file = this.#files.get(segment)
    if (file === undefined) return
    this.#files.delete(segment)
    file.unwanted = true
    if (file.reading === 0) quietly(() => closeSync(file.fd))
  }

  close(): void {
    for (const segment of this.#files.keys()) this.#drop(segment)
    this.#window = new Uint8Array()
    this.#windowSegment = 0
  }
}

function cutShort({ segment }: ContentPlace): MailError {
  return new MailError('corrupt', `segment ${segment} ends before a message in it does: run verify, restore it from a backup`)
}

/** Where the first block begins that is not what was written. */
function faultyBlock({ sums }: ContentPlace, octets: Uint8Array, first: number): number | undefined {
  const view = new DataView(sums.buffer, sums.byteOffset, sums.byteLength)
  for (let at = 0; at < octets.length; at += BLOCK) {
    if (crc32(octets.subarray(at, at + BLOCK)) !== view.getUint32(((first + at) / BLOCK) * 4)) return first + at
  }
  return undefined
}

function checkSums(place: ContentPlace, octets: Uint8Array, first: number): void {
  const fault = faultyBlock(place, octets, first)
  if (fault === undefined) return
  const { segment, start } = place
  throw new MailError('corrupt', `octets at ${start + fault} of segment ${segment} are not what was written: run verify, restore a backup`)
}

/** A stored message: what belongs in front for its mailbox alone, then the content. */
export class StoredSource implements MessageSource {
  readonly size: number
  readonly #reader: ContentReader
  readonly #place: ContentPlace
  readonly #prefix: Uint8Array | undefined

  constructor(reader: ContentReader, place: ContentPlace, prefix: Uint8Array | undefined) {
    this.size = place.size + (prefix?.length ?? 0)
    this.#reader = reader
    this.#place = place
    this.#prefix = prefix
  }

  read(start: number, end: number): Uint8Array | Promise<Uint8Array> {
    const from = Math.max(0, Math.min(start, this.size))
    const to = Math.max(from, Math.min(end, this.size))
    const prefix = this.#prefix ?? NOTHING
    if (to === from) return NOTHING
    if (to <= prefix.length) return prefix.subarray(from, to)
    const contentFrom = Math.max(0, from - prefix.length)
    const contentTo = to - prefix.length
    const before = prefix.subarray(Math.min(from, prefix.length))
    if (contentTo - contentFrom > AT_ONCE) {
      return this.#reader.readLater(this.#place, contentFrom, contentTo).then(octets => joined(before, octets))
    }
    return joined(before, this.#reader.readNow(this.#place, contentFrom, contentTo))
  }

  copyTo(target: Uint8Array, at: number): void {
    const prefix = this.#prefix ?? NOTHING
    target.set(prefix, at)
    this.#reader.copyTo(this.#place, target, at + prefix.length)
  }
}

const NOTHING = new Uint8Array()

function joined(before: Uint8Array, octets: Uint8Array): Uint8Array {
  if (before.length === 0) return octets
  const all = new Uint8Array(before.length + octets.length)
  all.set(before)
  all.set(octets, before.length)
  return all
}
