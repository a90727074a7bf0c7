/** Looks for damage: everything that must be so in the tables, and that every octet is what was written. */

import { quietly } from '../quietly.ts'
import { closeSync, fstatSync, openSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { isIoError, isMissing } from './faults.ts'
import { inspectQueue } from './queue-inspection.ts'
import { BLOCK, readFully, segmentPath, sumsOf } from './segment-format.ts'
import type { Sql } from './sql.ts'

/** Something that is not as it must be. */
export interface StoreProblem {
  /**
   * - `database`: SQLite itself found damage.
   * - `counters`: a number kept beside the messages is not what they add up to.
   * - `dangling-row`: a row refers to something that is not there.
   * - `missing-file`, `short-file`: a segment file that is needed is not there, or ends too early.
   * - `stray-file`: a file that belongs to nothing; harmless.
   * - `damaged-content`: octets are not what was written.
   */
  readonly kind: 'database' | 'counters' | 'dangling-row' | 'missing-file' | 'short-file' | 'stray-file' | 'damaged-content'
  /** What and where, for an operator. */
  readonly text: string
}

/** How far an inspection is. */
export interface InspectionProgress {
  /** What is being looked at. */
  readonly phase: 'database' | 'counters' | 'references' | 'contents'
  readonly done: number
  readonly total: number
}

/** What an inspection tells, one by one. */
export type Finding =
  | { readonly kind: 'problem'; readonly problem: StoreProblem }
  | { readonly kind: 'progress'; readonly progress: InspectionProgress }

function problem(kind: StoreProblem['kind'], text: string): Finding {
  return { kind: 'problem', problem: { kind, text } }
}

function progress(phase: InspectionProgress['phase'], done: number, total: number): Finding {
  return { kind: 'progress', progress: { phase, done, total } }
}

/** Inspects a store within one read transaction, so that what is delivered meanwhile does not look like damage. */
export function* inspect(sql: Sql, folder: string, deep: boolean): Generator<Finding> {
  const missing: number[] = []
  sql.database.exec('BEGIN')
  try {
    yield* inspectDatabase(sql, deep)
    yield* inspectCounters(sql)
    yield* inspectReferences(sql)
    for (const { kind, text } of inspectQueue(sql)) yield problem(kind, text)
    yield* inspectContents(sql, folder, deep, missing)
  } finally {
    if (sql.database.isTransaction) sql.database.exec('COMMIT')
  }
  // Another process that compacts takes a file away once nothing refers to it any more, which the transaction did not show.
  for (const segment of missing) {
    const lost = sql.number('SELECT count(*) FROM content WHERE segment = ?', segment)
    if (lost === 0 || opened(segmentPath(folder, segment))) continue
    yield problem(
      'missing-file',
      `${segmentPath(folder, segment)} cannot be opened: ${lost} contents are lost unless it is restored from a backup`,
    )
  }
}

function opened(path: string): boolean {
  try {
    closeSync(openSync(path, 'r'))
    return true
  } catch {
    return false
  }
}

function* inspectDatabase(sql: Sql, deep: boolean): Generator<Finding> {
  yield progress('database', 0, 1)
  const rows = deep ? sql.rows<[string]>('PRAGMA integrity_check') : sql.rows<[string]>('PRAGMA quick_check')
  // What could not be read looks like damage to the check, and so does all that hangs on it.
  const unread = rows.map(([text]) => /unable to get the page\. error code=(\d+)/.exec(text)?.[1]).find(code => isIoError(Number(code)))
  if (unread === undefined) {
    for (const [text] of rows) if (text !== 'ok') yield problem('database', text)
  } else {
    yield problem(
      'database',
      `the database could not be read as a whole (SQLite’s error ${unread}), so whether it is damaged is not known: check the disk, and look again`,
    )
  }
  yield progress('database', 1, 1)
}

function* inspectCounters(sql: Sql): Generator<Finding> {
  const total = sql.number('SELECT count(*) FROM mailbox')
  let done = 0
  const boxes = sql.each<[number, string, string, ...number[]]>(
    `SELECT b.id, a.name, b.name, b.messages, b.unseen, b.deleted, b.octets, b.uid_next, b.highest_modseq, a.modseq
     FROM mailbox AS b JOIN account AS a ON a.id = b.account`,
  )
  for (const [id, account, name, messages, unseen, deleted, octets, uidNext = 0, highest = 0, modSeq = 0] of boxes) {
    const where = `mailbox ${JSON.stringify(name)} of ${account}`
    const [count = 0, seen = 0, doomed = 0, size = 0, lastUid = 0, lastModSeq = 0] =
      sql.row<number[]>(
        `SELECT count(*), total(flags & 1 = 0), total(flags & 8 <> 0), total(size), ifnull(max(uid), 0), ifnull(max(modseq), 0)
         FROM state WHERE mailbox = ?`,
        id,
      ) ?? []
    const told = [messages, unseen, deleted, octets].join(', ')
    const found = [count, seen, doomed, size].join(', ')
    if (told !== found) yield problem('counters', `${where}: messages, unseen, deleted, octets are ${found}, the row says ${told}`)
    if (lastUid >= uidNext) yield problem('counters', `${where}: UID ${lastUid} is not below UIDNEXT ${uidNext}`)
    if (lastModSeq > highest || highest > modSeq) {
      yield problem(
        'counters',
        `${where}: MODSEQ ${lastModSeq} of a message, ${highest} of the mailbox, ${modSeq} of the account do not ascend`,
      )
    }
    if (++done % 100 === 0) yield progress('counters', done, total)
  }
  const sums = sql.each<[string, number, number, number, number]>(
    `SELECT a.name, a.messages, a.octets, total(b.messages), total(b.octets)
     FROM account AS a LEFT JOIN mailbox AS b ON b.account = a.id GROUP BY a.id`,
  )
  for (const [account, messages, octets, count, size] of sums) {
    if (messages === count && octets === size) continue
    yield problem('counters', `account ${account}: ${count} messages of ${size} octets, the row says ${messages} of ${octets}`)
  }
  yield progress('counters', total, total)
}

function* inspectReferences(sql: Sql): Generator<Finding> {
  yield progress('references', 0, 1)
  const checks: readonly (readonly [string, string])[] = [
    ['a message without a mailbox', 'SELECT mailbox, uid FROM state WHERE mailbox NOT IN (SELECT id FROM mailbox) LIMIT 100'],
    ['a message without its row', 'SELECT mailbox, uid FROM state WHERE message NOT IN (SELECT id FROM message) LIMIT 100'],
    ['an unknown set of keywords', 'SELECT mailbox, uid FROM state WHERE keywords NOT IN (SELECT id FROM keyword_set) LIMIT 100'],
    [
      'a size that is not that of the octets',
      `SELECT s.mailbox, s.uid FROM state AS s JOIN message AS m ON m.id = s.message JOIN content AS c ON c.id = m.content
       WHERE s.size <> c.size + ifnull(length(m.prefix), 0) LIMIT 100`,
    ],
    ['a message whose content has no row', 'SELECT 0, id FROM message WHERE content NOT IN (SELECT id FROM content) LIMIT 100'],
    ['a mailbox without an account', 'SELECT id, 0 FROM mailbox WHERE account NOT IN (SELECT id FROM account) LIMIT 100'],
    ['a content without a segment', 'SELECT 0, id FROM content WHERE segment NOT IN (SELECT id FROM segment) LIMIT 100'],
  ]
  for (const [what, text] of checks) {
    for (const [mailbox, uid] of sql.rows<[number, number]>(text)) yield problem('dangling-row', `${what}: m${mailbox}, ${uid}`)
  }
  yield progress('references', 1, 1)
}

/** @param missing Is given the segments whose files cannot be opened. */
function* inspectContents(sql: Sql, folder: string, deep: boolean, missing: number[]): Generator<Finding> {
  const total = sql.number('SELECT count(*) FROM content')
  let done = 0
  const needed = new Set<number>()
  for (const [segment] of sql.rows<[number]>('SELECT DISTINCT segment FROM content')) needed.add(segment)
  const known = new Set(sql.rows<[number]>('SELECT id FROM segment').map(([id]) => id))
  const newest = sql.number("SELECT seq FROM sqlite_sequence WHERE name = 'segment'")
  for (const name of readdirSync(join(folder, 'segments'))) {
    const segment = Number(/^(\d+)\.seg$/.exec(name)?.[1] ?? -1)
    // A segment that another process began after our look is no stray.
    if (!known.has(segment) && !(segment > newest)) yield problem('stray-file', `segments/${name} belongs to nothing: it can be removed`)
  }
  for (const segment of needed) {
    const path = segmentPath(folder, segment)
    let fd: number
    try {
      fd = openSync(path, 'r')
    } catch (error) {
      if (isMissing(error)) missing.push(segment)
      else {
        const count = sql.number('SELECT count(*) FROM content WHERE segment = ?', segment)
        yield problem(
          'missing-file',
          `${path} cannot be opened (${error instanceof Error ? error.message : String(error)}): ${count} contents cannot be read; check the disk, the permissions and the limit of open files, and look again`,
        )
      }
      continue
    }
    try {
      const length = fstatSync(fd).size
      const contents = sql.each<[number, number, number, Uint8Array]>(
        'SELECT id, start, size, sums FROM content WHERE segment = ? ORDER BY start',
        segment,
      )
      let end = 0
      for (const [id, start, size, sums] of contents) {
        const where = `content ${id} at ${start} of ${path}`
        if (start < end) yield problem('damaged-content', `${where} overlaps the one before it`)
        end = start + size
        if (end > length) yield problem('short-file', `${where} ends at ${end}, the file at ${length}`)
        else if (deep && !isWhole(fd, start, size, sums)) yield problem('damaged-content', `${where} is not what was written`)
        if (++done % 1000 === 0) yield progress('contents', done, total)
      }
    } finally {
      quietly(() => closeSync(fd))
    }
  }
  yield progress('contents', total, total)
}

function isWhole(fd: number, start: number, size: number, sums: Uint8Array): boolean {
  const chunk = new Uint8Array(Math.min(BLOCK * 4, size))
  for (let at = 0; at < size; at += chunk.length) {
    const part = chunk.subarray(0, Math.min(chunk.length, size - at))
    if (readFully(fd, part, start + at) < part.length) return false
    const first = (at / BLOCK) * 4
    const found = sumsOf([part], part.length)
    if (Buffer.compare(found, sums.subarray(first, first + found.length)) !== 0) return false
  }
  return true
}
