/**
 * Reads one page of records, all of one moment, with a statement for each set of columns so that no message costs a query.
 * The summaries of a page come as one array of octets: an array of its own for each costs more than reading it does.
 */

import type { Summaries } from '../../contracts/mail-store.ts'
import type { MessageRecord, RecordColumn } from '../../contracts/message.ts'
import type { ModSeq, Uid, UidRange } from '../../contracts/numbers.ts'
import { StoredSource } from './content-reader.ts'
import type { House } from './house.ts'
import type { Row } from './sql.ts'

/** Records in one page without summaries: some milliseconds of work. */
const NARROW_PAGE = 1024

/** Records in one page with summaries: some milliseconds too, and at most some megabytes. */
const SUMMARY_PAGE = 256

type NarrowRow = readonly [uid: number, modSeq: number, bits: number, keywords: number, size: number, date: number]
type EmailRow = readonly [...NarrowRow, email: Uint8Array]
type SourceRow = readonly [
  ...NarrowRow,
  email: Uint8Array | null,
  prefix: Uint8Array | null,
  content: number,
  segment: number,
  start: number,
  size: number,
  sums: Uint8Array,
]

const NARROW = `SELECT uid, modseq, flags, keywords, size, date FROM state
  WHERE mailbox = ?1 AND uid BETWEEN ?2 AND ?3 AND modseq > ?4 ORDER BY uid LIMIT +?5`

const EMAIL = `SELECT s.uid, s.modseq, s.flags, s.keywords, s.size, s.date, m.email
  FROM state AS s CROSS JOIN message AS m ON m.id = s.message
  WHERE s.mailbox = ?1 AND s.uid BETWEEN ?2 AND ?3 AND s.modseq > ?4 ORDER BY s.uid LIMIT +?5`

// iif: what was not asked for does not travel.
const SOURCE = `SELECT s.uid, s.modseq, s.flags, s.keywords, s.size, s.date, iif(?6, m.email, NULL),
    m.prefix, c.id, c.segment, c.start, c.size, c.sums
  FROM state AS s CROSS JOIN message AS m ON m.id = s.message CROSS JOIN content AS c ON c.id = m.content
  WHERE s.mailbox = ?1 AND s.uid BETWEEN ?2 AND ?3 AND s.modseq > ?4 ORDER BY s.uid LIMIT +?5`

// The casts change no octet, as the database is one of UTF-8 and SQLite never looks into a text that it only passes on.
// LEFT: where damage took a message's row, its neighbours still get their own summaries.
const SUMMARIES = `SELECT group_concat(length), CAST(group_concat(octets, '') AS BLOB), count(*), min(uid), max(uid)
  FROM (SELECT s.uid AS uid, ifnull(length(m.summary), 0) AS length, ifnull(CAST(m.summary AS TEXT), '') AS octets
    FROM state AS s LEFT JOIN message AS m ON m.id = s.message
    WHERE s.mailbox = ?1 AND s.uid BETWEEN ?2 AND ?3 AND s.modseq > ?4 ORDER BY s.uid LIMIT +?5)`

const UIDS = 'SELECT uid FROM state WHERE mailbox = ? AND uid BETWEEN ? AND ? ORDER BY uid'

type SummariesRow = readonly [lengths: string | null, octets: Uint8Array | null, count: number, least: number, most: number]

const NO_SUMMARIES: SummariesRow = [null, null, 0, 0, 0]
const COMMA = 0x2c
const ZERO = 0x30

/** What is asked of a mailbox. */
export interface PageQuestion {
  /** The mailbox's row. */
  readonly mailbox: number
  readonly columns: readonly RecordColumn[]
  /** Only what changed after this MODSEQ. */
  readonly since: number
}

/** The first records in the ranges. */
export interface RecordPage {
  readonly records: readonly MessageRecord[]
  /** There may be more in the ranges. */
  readonly isFull: boolean
}

/** Reads the first records in the ranges. */
export function readPage(house: House, question: PageQuestion, ranges: readonly UidRange[]): RecordPage {
  const { columns } = question
  const withSummary = columns.includes('summary')
  const most = withSummary ? SUMMARY_PAGE : NARROW_PAGE
  const records: Fields[] = []
  const read = (): void => {
    for (const range of ranges) {
      const room = most - records.length
      if (room === 0) return
      const from = records.length
      readRange(house, question, range, room, records)
      if (withSummary && records.length > from) addSummaries(house, question, range, records, from)
    }
  }
  if (withSummary || ranges.length > 1) house.sql.together(read)
  else read()
  return { records, isFull: records.length === most }
}

interface Fields {
  uid: Uid
  modSeq: ModSeq
  flags: readonly string[]
  size: number
  internalDate: number
  summary?: Uint8Array
  emailId?: string
  source?: StoredSource
}

function readRange(house: House, { mailbox, columns, since }: PageQuestion, range: UidRange, room: number, records: Fields[]): void {
  const email = columns.includes('emailId')
  const where = [mailbox, range.first, range.last, since, room] as const
  if (columns.includes('source')) {
    for (const row of house.sql.rows(SOURCE, ...where, email ? 1 : 0)) records.push(sourceRecord(house, row))
  } else if (email) {
    for (const row of house.sql.rows(EMAIL, ...where)) records.push(emailRecord(house, row))
  } else {
    for (const row of house.sql.rows(NARROW, ...where)) records.push(narrowRecord(house, row))
  }
}

/** Gives the records from `from` on, which are those of the range, their summaries. */
function addSummaries(house: House, { mailbox, since }: PageQuestion, range: UidRange, records: Fields[], from: number): void {
  const row = house.sql.row<SummariesRow>(SUMMARIES, mailbox, range.first, range.last, since, records.length - from)
  const [lengths, octets] = row ?? NO_SUMMARIES
  if (lengths === null || octets === null) return
  const ends = endsOf(lengths, records.length - from)
  let start = 0
  for (let n = 0; n < ends.length; n++) {
    const record = records[from + n]
    const end = ends[n] ?? 0
    if (record !== undefined) record.summary = octets.subarray(start, end)
    start = end
  }
}

/** The summaries in a range and nothing else. */
export function readSummaries(house: House, mailbox: number, { first, last }: UidRange): Summaries {
  return house.sql.together(() => {
    const row = house.sql.row<SummariesRow>(SUMMARIES, mailbox, first, last, 0, last - first + 1)
    const [lengths, octets, count, least, most] = row ?? NO_SUMMARIES
    if (lengths === null || octets === null) return { uids: new Uint32Array(), octets: new Uint8Array(), ends: new Uint32Array() }
    const uids = new Uint32Array(count)
    if (most - least + 1 === count) for (let n = 0; n < count; n++) uids[n] = least + n
    else for (const [n, [uid]] of house.sql.rows<[number]>(UIDS, mailbox, first, last).entries()) uids[n] = uid
    return { uids, octets, ends: endsOf(lengths, count) }
  })
}

/** Where things of these lengths end that lie behind one another. */
function endsOf(lengths: string, count: number): Uint32Array {
  const ends = new Uint32Array(count)
  let end = 0
  let length = 0
  let n = 0
  for (let at = 0; at < lengths.length; at++) {
    const code = lengths.charCodeAt(at)
    if (code !== COMMA) {
      length = length * 10 + code - ZERO
      continue
    }
    ends[n++] = end += length
    length = 0
  }
  ends[n] = end + length
  return ends
}

function narrowRecord(house: House, row: Row): Fields {
  const [uid, modSeq, bits, keywords, size, date] = row as NarrowRow
  return { uid: uid as Uid, modSeq: modSeq as ModSeq, flags: house.keywords.flagsOf(bits, keywords), size, internalDate: date * 1000 }
}

function emailRecord(house: House, row: Row): Fields {
  const record = narrowRecord(house, row)
  const [, , , , , , email] = row as EmailRow
  record.emailId = emailIdOf(email)
  return record
}

function sourceRecord(house: House, row: Row): Fields {
  const record = narrowRecord(house, row)
  const [, , , , , , email, prefix, id, segment, start, size, sums] = row as SourceRow
  if (email !== null) record.emailId = emailIdOf(email)
  record.source = new StoredSource(house.reader, { id, segment, start, size, sums }, prefix ?? undefined)
  return record
}

function emailIdOf(email: Uint8Array): string {
  return Buffer.from(email.buffer, email.byteOffset, email.byteLength).toString('base64url')
}
