/** Reads one page of records, all of one moment, with a statement for each set of columns so that no message costs a query. */

import type { MessageRecord, RecordColumn } from '../../contracts/message.ts'
import type { ModSeq, Uid, UidRange } from '../../contracts/numbers.ts'
import { StoredSource } from './content-reader.ts'
import type { House } from './house.ts'
import type { Row } from './sql.ts'

/** Records in one page: some milliseconds of work. */
export const PAGE = 1000

type NarrowRow = readonly [uid: number, modSeq: number, bits: number, keywords: number, size: number, date: number]
type MessageRow = readonly [...NarrowRow, summary: Uint8Array | null, email: Uint8Array | null]
type SourceRow = readonly [
  ...MessageRow,
  prefix: Uint8Array | null,
  content: number,
  segment: number,
  start: number,
  size: number,
  sums: Uint8Array,
]

const NARROW = `SELECT uid, modseq, flags, keywords, size, date FROM state
  WHERE mailbox = ?1 AND uid BETWEEN ?2 AND ?3 AND modseq > ?4 ORDER BY uid LIMIT ?5`

// iif: what was not asked for is not read, and does not travel.
const MESSAGE = `SELECT s.uid, s.modseq, s.flags, s.keywords, s.size, s.date, iif(?6, m.summary, NULL), iif(?7, m.email, NULL)
  FROM state AS s CROSS JOIN message AS m ON m.id = s.message
  WHERE s.mailbox = ?1 AND s.uid BETWEEN ?2 AND ?3 AND s.modseq > ?4 ORDER BY s.uid LIMIT ?5`

const SOURCE = `SELECT s.uid, s.modseq, s.flags, s.keywords, s.size, s.date, iif(?6, m.summary, NULL), iif(?7, m.email, NULL),
    m.prefix, c.id, c.segment, c.start, c.size, c.sums
  FROM state AS s CROSS JOIN message AS m ON m.id = s.message CROSS JOIN content AS c ON c.id = m.content
  WHERE s.mailbox = ?1 AND s.uid BETWEEN ?2 AND ?3 AND s.modseq > ?4 ORDER BY s.uid LIMIT ?5`

/** The first records in the ranges that changed after a MODSEQ: at most {@link PAGE}. */
export function readPage(
  house: House,
  mailbox: number,
  ranges: readonly UidRange[],
  columns: readonly RecordColumn[],
  since: number,
): readonly MessageRecord[] {
  const summary = columns.includes('summary') ? 1 : 0
  const email = columns.includes('emailId') ? 1 : 0
  const source = columns.includes('source')
  const text = source ? SOURCE : summary + email > 0 ? MESSAGE : NARROW
  const wide = text === NARROW ? [] : [summary, email]
  const toRecord = source ? sourceRecord : text === MESSAGE ? messageRecord : narrowRecord
  const page: MessageRecord[] = []
  const read = (): void => {
    for (const { first, last } of ranges) {
      const room = PAGE - page.length
      if (room === 0) return
      for (const row of house.sql.rows(text, mailbox, first, last, since, room, ...wide)) page.push(toRecord(house, row))
    }
  }
  if (ranges.length > 1) house.sql.together(read)
  else read()
  return page
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

function narrowRecord(house: House, row: Row): Fields {
  const [uid, modSeq, bits, keywords, size, date] = row as NarrowRow
  return { uid: uid as Uid, modSeq: modSeq as ModSeq, flags: house.keywords.flagsOf(bits, keywords), size, internalDate: date * 1000 }
}

function messageRecord(house: House, row: Row): Fields {
  const record = narrowRecord(house, row)
  const [, , , , , , summary, email] = row as MessageRow
  if (summary !== null) record.summary = summary
  if (email !== null) record.emailId = Buffer.from(email.buffer, email.byteOffset, email.byteLength).toString('base64url')
  return record
}

function sourceRecord(house: House, row: Row): Fields {
  const record = messageRecord(house, row)
  const [, , , , , , , , prefix, id, segment, start, size, sums] = row as SourceRow
  record.source = new StoredSource(house.reader, { id, segment, start, size, sums }, prefix ?? undefined)
  return record
}
