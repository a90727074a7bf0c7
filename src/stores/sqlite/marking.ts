/** Finds what nothing refers to, at one moment: messages without a mailbox, contents without a message, hollow segments. */

import type { Sql } from './sql.ts'

/** What is there to be swept. */
export interface Marks {
  /** Messages that are in no mailbox. */
  readonly messages: readonly number[]
  /** Contents that no message has, stored or queued, and that an earlier look had found so too. */
  readonly contents: readonly number[]
  /** Contents that no message has, found so for the first time. */
  readonly doom: readonly number[]
  /** Contents in use in each segment. */
  readonly segments: readonly SegmentMark[]
}

/** A segment that is not retired. */
export interface SegmentMark {
  readonly id: number
  readonly writer: number
  /** Octets of the contents in it. */
  readonly octets: number
  readonly contents: number
}

/** Looks at everything within one read transaction. */
export function mark(sql: Sql): Marks {
  return sql.together(() => {
    const used = new Marked(sql.number("SELECT seq FROM sqlite_sequence WHERE name = 'message'"))
    for (const [message] of sql.each<[number]>('SELECT message FROM state')) used.add(message)
    const messages: number[] = []
    const held = new Marked(sql.number("SELECT seq FROM sqlite_sequence WHERE name = 'content'"))
    for (const [id, content] of sql.each<[number, number]>('SELECT id, content FROM message')) {
      if (used.has(id)) held.add(content)
      else messages.push(id)
    }
    // What waits to leave has its content too. RFC 5321 §4.5.4.
    for (const [content] of sql.each<[number]>('SELECT content FROM queue_message WHERE content IS NOT NULL')) held.add(content)
    const contents: number[] = []
    const doom: number[] = []
    for (const [id, doomed] of sql.each<[number, number]>('SELECT id, doomed FROM content')) {
      if (!held.has(id)) (doomed === 1 ? contents : doom).push(id)
    }
    const segments = sql
      .rows<[number, number, number, number]>(
        `SELECT s.id, s.writer, ifnull(sum(c.size), 0), count(c.id) FROM segment AS s LEFT JOIN content AS c ON c.segment = s.id
         WHERE s.retired IS NULL GROUP BY s.id`,
      )
      .map(([id, writer, octets, count]) => ({ id, writer, octets, contents: count }))
    return { messages, contents, doom, segments }
  })
}

/** A set of row numbers in a bit for each number there ever was: ten million messages take little more than a megabyte. */
class Marked {
  readonly #bits: Uint8Array

  constructor(largest: number) {
    this.#bits = new Uint8Array(Math.floor(largest / 8) + 1)
  }

  add(id: number): void {
    const at = Math.floor(id / 8)
    this.#bits[at] = (this.#bits[at] ?? 0) | (1 << (id % 8))
  }

  has(id: number): boolean {
    return ((this.#bits[Math.floor(id / 8)] ?? 0) & (1 << (id % 8))) !== 0
  }
}
