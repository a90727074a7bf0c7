/** What the doors of one store share: the connection that reads, the writer, the feed, the segment files. */

import type { CallOptions } from '../../contracts/call.ts'
import { MailError } from '../../contracts/mail-error.ts'
import type { MessageSource } from '../../contracts/message.ts'
import { quietly } from '../quietly.ts'
import { ChangeFeed } from './change-feed.ts'
import { type ContentPlace, ContentReader } from './content-reader.ts'
import { connect } from './database.ts'
import { isFromBelow, mailErrorOf } from './faults.ts'
import { KeywordSets } from './flag-bits.ts'
import type { ContentInput, Operation, WriterOptions } from './operation.ts'
import type { Sql } from './sql.ts'
import { stashLarge } from './stash.ts'
import { WriterClient } from './writer-client.ts'

/** Contents up to this size go to the writer in memory; larger ones by the file they lie in. */
const IN_MEMORY = 262_144

/** Contents ready for the writer. */
export interface Parcel {
  readonly contents: readonly ContentInput[]
  readonly octets: readonly ArrayBuffer[]
  /** Which content a message's source became. */
  readonly indexOf: (source: MessageSource) => number
  /** To be called once the writer has answered. */
  readonly done: () => void
}

/** The inside of one open store. */
export class House {
  readonly folder: string
  /** Milliseconds that a connection waits for another's lock. */
  readonly busyTimeout: number
  readonly sql: Sql
  readonly keywords: KeywordSets
  readonly feed: ChangeFeed
  readonly writer: WriterClient
  readonly reader: ContentReader
  readonly #running = new Set<Promise<unknown>>()
  #closed = false

  constructor(options: WriterOptions, pollInterval: number) {
    this.folder = options.folder
    this.busyTimeout = options.busyTimeout
    try {
      this.sql = connect(options.folder, { busyTimeout: options.busyTimeout, writable: false })
    } catch (error) {
      throw mailErrorOf(error)
    }
    this.keywords = new KeywordSets(this.sql)
    this.feed = new ChangeFeed(this.sql, this.keywords, pollInterval)
    this.writer = new WriterClient(options, change => this.feed.tell(change))
    this.reader = new ContentReader(options.folder, id => this.#placeOf(id))
  }

  /** Runs a call: not at all when the store is closed or nobody waits, and before the store closes when it has begun. */
  async run<T>(options: CallOptions | undefined, call: () => T | Promise<T>): Promise<T> {
    this.checkOpen()
    options?.signal?.throwIfAborted()
    const running = this.#guarded(call)
    this.#running.add(running)
    try {
      return await running
    } finally {
      this.#running.delete(running)
    }
  }

  async #guarded<T>(call: () => T | Promise<T>): Promise<T> {
    try {
      return await call()
    } catch (error) {
      throw isFromBelow(error) ? mailErrorOf(error) : error
    }
  }

  checkOpen(): void {
    if (this.#closed) throw new MailError('unavailable', 'the store is closed')
  }

  /** An operation of the writer, and what it answers. */
  write<T>(operation: Operation, octets: readonly ArrayBuffer[] = []): Promise<T> {
    return this.writer.request(operation, octets) as Promise<T>
  }

  /** Brings the octets of messages into a form that the writer can take, each source once. */
  async pack(sources: Iterable<MessageSource>, options: CallOptions | undefined): Promise<Parcel> {
    const indexes = new Map<MessageSource, number>()
    const contents: ContentInput[] = []
    const octets: ArrayBuffer[] = []
    const stashed: (() => void)[] = []
    const done = (): void => {
      // The message may be durable by now: what stays is removed by a later start.
      for (const remove of stashed) quietly(remove)
    }
    try {
      for (const source of sources) {
        if (indexes.has(source)) continue
        indexes.set(source, contents.length)
        if (source.pieces !== undefined) contents.push({ pieces: source.pieces, size: source.size })
        else if (source.size <= IN_MEMORY) {
          const read = source.read(0, source.size)
          const whole = read instanceof Uint8Array ? read : await read
          if (whole.length !== source.size) throw new MailError('corrupt', `${whole.length} octets of ${source.size} could be read`)
          // The source stays its owner's: what is given away to the writer is a copy.
          const own = new Uint8Array(whole)
          contents.push({ pieces: [own], size: own.length })
          octets.push(own.buffer)
        } else if (source.file !== undefined) contents.push({ ...source.file, size: source.size })
        else {
          const { path, remove } = await stashLarge(this.folder, source)
          stashed.push(remove)
          contents.push({ path, start: 0, size: source.size })
        }
      }
      options?.signal?.throwIfAborted()
    } catch (error) {
      done()
      throw error
    }
    return { contents, octets, indexOf: source => indexes.get(source) ?? -1, done }
  }

  #placeOf(id: number): ContentPlace | undefined {
    const row = this.sql.row<[number, number, number, Uint8Array]>('SELECT segment, start, size, sums FROM content WHERE id = ?', id)
    return row === undefined ? undefined : { id, segment: row[0], start: row[1], size: row[2], sums: row[3] }
  }

  /** Waits for what runs, then lets go of everything. */
  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    await Promise.allSettled(this.#running)
    await this.writer.close()
    this.feed.close()
    this.reader.close()
    this.sql.close()
  }
}
