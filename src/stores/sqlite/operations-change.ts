/** Operations on messages that are there: STORE, COPY, MOVE, EXPUNGE. RFC 9051 §6.4.3, §6.4.6 to §6.4.9; RFC 7162 §3.1.3. */

import { normaliseRanges, rangesOf } from '../../bytes/uid-ranges.ts'
import type { AddedMessage } from '../../contracts/change.ts'
import type { CopyResult, FlagResult } from '../../contracts/mail-store.ts'
import { MailError } from '../../contracts/mail-error.ts'
import { MAX_UID, type ModSeq, type Uid, type UidRange } from '../../contracts/numbers.ts'
import { bitOf, bitsOfChange, DELETED, keywordsAfter, SEEN } from './flag-bits.ts'
import type { Operation } from './operation.ts'
import { type AccountRow, type MailboxRow, packRanges, type WriteContext } from './write-context.ts'

type Of<Kind extends Operation['kind']> = Extract<Operation, { readonly kind: Kind }>

/** MODSEQ can be no greater; stands for "whatever it is". */
const ANY = Number.MAX_SAFE_INTEGER

/** The flags of which a mailbox keeps the number. */
const COUNTED_FLAGS = SEEN | DELETED

/** Changes flags by set arithmetic in SQL: nothing is read, changed and written back. */
export function flag(context: WriteContext, operation: Of<'flag'>): FlagResult {
  const { sql } = context
  const account = context.account(operation.account)
  const mailbox = context.mailbox(account, operation.mailbox)
  const unchangedSince = operation.unchangedSince ?? ANY
  const ranges = normaliseRanges(operation.uids)
  const refused: UidRange[] = []
  if (operation.unchangedSince !== undefined) {
    for (const { first, last } of ranges) {
      const rows = sql.each<[number]>(
        'SELECT uid FROM state WHERE mailbox = ? AND uid BETWEEN ? AND ? AND modseq > ? ORDER BY uid',
        mailbox.id,
        first,
        last,
        unchangedSince,
      )
      refused.push(...rangesOf(firstCells(rows)))
    }
  }
  const step = new FlagStep(context, account, mailbox, operation, unchangedSince)
  for (const range of ranges) step.apply(range)
  return step.finish(normaliseRanges(refused))
}

/** System flags alone, without a condition: the most frequent change by far, and the cheapest statement for it. */
const CHANGE_BITS = `UPDATE state SET flags = (flags & ?4) | ?5, modseq = ?6
  WHERE mailbox = ?1 AND uid BETWEEN ?2 AND ?3 AND ((flags & ?4) | ?5) <> flags`

// ?7 and ?8: the set of keywords before and after; -1 for any, which stays as it is. ?9: MODSEQ can be no greater.
const CHANGE_ALL = `UPDATE state SET flags = (flags & ?4) | ?5, modseq = ?6, keywords = iif(?8 = -1, keywords, ?8)
  WHERE mailbox = ?1 AND uid BETWEEN ?2 AND ?3 AND modseq <= ?9 AND (?7 = -1 OR keywords = ?7) AND (((flags & ?4) | ?5) <> flags OR ?7 <> ?8)`

/** How the counters move; asked before the change, and only when it is one of the flags that are counted. */
const COUNTED = `SELECT total((flags & 1) - (((flags & ?4) | ?5) & 1)), total((((flags & ?4) | ?5) & 8) - (flags & 8)) / 8
  FROM state WHERE mailbox = ?1 AND uid BETWEEN ?2 AND ?3 AND modseq <= ?6 AND ((flags & ?4) | ?5) <> flags`

const FIRST = 'SELECT uid FROM state WHERE mailbox = ? AND uid BETWEEN ? AND ? AND modseq = ? ORDER BY uid LIMIT 1'
const LAST = 'SELECT uid FROM state WHERE mailbox = ? AND uid BETWEEN ? AND ? AND modseq = ? ORDER BY uid DESC LIMIT 1'
const ALL = 'SELECT uid FROM state WHERE mailbox = ? AND uid BETWEEN ? AND ? AND modseq = ? ORDER BY uid'

class FlagStep {
  readonly #context: WriteContext
  readonly #account: AccountRow
  readonly #mailbox: MailboxRow
  readonly #operation: Of<'flag'>
  readonly #unchangedSince: number
  readonly #keep: number
  readonly #gain: number
  readonly #modSeq: ModSeq
  readonly #changed: UidRange[] = []
  #unseen = 0
  #deleted = 0

  constructor(context: WriteContext, account: AccountRow, mailbox: MailboxRow, operation: Of<'flag'>, unchangedSince: number) {
    this.#context = context
    this.#account = account
    this.#mailbox = mailbox
    this.#operation = operation
    this.#unchangedSince = unchangedSince
    const { keep, gain } = bitsOfChange(operation.change)
    this.#keep = keep
    this.#gain = gain
    // Taken only when something changes: until the commit nobody else can take it.
    this.#modSeq = (context.sql.number('SELECT modseq FROM account WHERE id = ?', account.id) + 1) as ModSeq
  }

  apply(range: UidRange): void {
    const { sql } = this.#context
    const { change } = this.#operation
    const where = [this.#mailbox.id, range.first, range.last] as const
    const bits = [this.#keep, this.#gain] as const
    let unseen = 0
    let deleted = 0
    if ((this.#keep & COUNTED_FLAGS) !== COUNTED_FLAGS || (this.#gain & COUNTED_FLAGS) !== 0) {
      ;[unseen, deleted] = sql.row<[number, number]>(COUNTED, ...where, ...bits, this.#unchangedSince) ?? [0, 0]
    }
    const touchesKeywords = change.kind === 'set' || change.flags.some(name => bitOf(name) === undefined)
    const count = touchesKeywords
      ? this.#changeKeywords(range)
      : this.#operation.unchangedSince === undefined
        ? sql.run(CHANGE_BITS, ...where, ...bits, this.#modSeq)
        : sql.run(CHANGE_ALL, ...where, ...bits, this.#modSeq, -1, -1, this.#unchangedSince)
    if (count === 0) return
    this.#unseen += unseen
    this.#deleted += deleted
    this.#changed.push(...this.#changedIn(range, count))
  }

  /** Where the rows are that were changed: so many, all in one run as a rule. */
  #changedIn(range: UidRange, count: number): readonly UidRange[] {
    if (range.last - range.first + 1 === count) return [range]
    const { sql } = this.#context
    const where = [this.#mailbox.id, range.first, range.last, this.#modSeq] as const
    const first = sql.number(FIRST, ...where)
    const last = sql.number(LAST, ...where)
    if (last - first + 1 === count) return [{ first: first as Uid, last: last as Uid }]
    return rangesOf(firstCells(sql.each<[number]>(ALL, ...where)))
  }

  /**
   * Each set of keywords in the range becomes another one as a whole; most ranges have one or two. A row that is met again as
   * a member of its new set is left alone: the change makes nothing new of what it made.
   */
  #changeKeywords({ first, last }: UidRange): number {
    const { sql, keywords } = this.#context
    const mailbox = this.#mailbox.id
    const since = this.#unchangedSince
    const sets = sql.rows<[number]>(
      'SELECT DISTINCT keywords FROM state WHERE mailbox = ? AND uid BETWEEN ? AND ? AND modseq <= ?',
      mailbox,
      first,
      last,
      since,
    )
    let count = 0
    for (const [before] of sets) {
      const after = keywords.idOf(keywordsAfter(keywords.get(before), this.#operation.change))
      count += sql.run(CHANGE_ALL, mailbox, first, last, this.#keep, this.#gain, this.#modSeq, before, after, since)
    }
    return count
  }

  finish(refused: readonly UidRange[]): FlagResult {
    const changed = normaliseRanges(this.#changed)
    if (changed.length === 0) return { changed, refused }
    const modSeq = this.#context.raise(this.#account)
    const { change, mailbox } = this.#operation
    this.#context.count(this.#mailbox.id, modSeq, { messages: 0, unseen: this.#unseen, deleted: this.#deleted, octets: 0 })
    const told = { kind: 'flagged', mailbox, modSeq, uids: changed, change } as const
    this.#context.log(this.#account, modSeq, this.#mailbox.id, told, { u: packRanges(changed), c: change })
    return { changed, refused, modSeq }
  }
}

/** Copies messages: rows of `state` only, the messages are shared. With `move` the sources go in the same step. */
export function copy(context: WriteContext, operation: Of<'copy' | 'move'>): CopyResult {
  const { sql } = context
  const account = context.account(operation.account)
  const source = context.mailbox(account, operation.mailbox)
  const target = context.mailbox(account, operation.target)
  const ranges = normaliseRanges(operation.uids)
  const found = ranges.flatMap(({ first, last }) =>
    sql.rows<[number, number, number, number, number]>(
      'SELECT uid, flags, keywords, size, date FROM state WHERE mailbox = ? AND uid BETWEEN ? AND ? ORDER BY uid',
      source.id,
      first,
      last,
    ),
  )
  const { uidValidity } = target.info
  if (found.length === 0) return { uidValidity, from: [], to: [] }
  const modSeq = context.raise(account)
  const uidNext = sql.number('UPDATE mailbox SET uid_next = uid_next + ? WHERE id = ? RETURNING uid_next', found.length, target.id)
  if (uidNext > MAX_UID) throw new MailError('no-space', `mailbox ${target.info.id} has no UIDs left`)
  const firstUid = uidNext - found.length
  let next = firstUid
  // `uid < ?7`: when the target is the source, copies are not copied again.
  for (const { first, last } of ranges) {
    next += sql.run(
      `INSERT INTO state (mailbox, uid, flags, keywords, modseq, message, size, date)
       SELECT ?1, ?2 + row_number() OVER (ORDER BY uid) - 1, flags, keywords, ?3, message, size, date
       FROM state WHERE mailbox = ?4 AND uid BETWEEN ?5 AND ?6 AND uid < ?7 ORDER BY uid`,
      target.id,
      next,
      modSeq,
      source.id,
      first,
      last,
      source.id === target.id ? firstUid : MAX_UID + 1,
    )
  }
  if (next !== uidNext) throw new Error(`${next - firstUid} of ${found.length} messages were copied`)
  const sums = countersOf(found)
  context.count(target.id, modSeq, sums)
  const moving = operation.kind === 'move'
  if (!moving) context.use(account, sums.octets, sums.messages, operation.quota)
  const from = found.map(([uid]) => uid as Uid)
  const added: AddedMessage[] = found.map(([, bits, keywords, size, date], at) => ({
    uid: (firstUid + at) as Uid,
    flags: context.keywords.flagsOf(bits, keywords),
    size,
    internalDate: date * 1000,
  }))
  const to = added.map(({ uid }) => uid)
  const into = { kind: 'added', mailbox: target.info.id, modSeq, messages: added } as const
  context.log(account, modSeq, target.id, into, { u: [[firstUid, uidNext - 1]] })
  if (moving) {
    const gone = rangesOf(from)
    for (const { first, last } of gone) sql.run('DELETE FROM state WHERE mailbox = ? AND uid BETWEEN ? AND ?', source.id, first, last)
    context.count(source.id, modSeq, negated(sums))
    const out = { kind: 'expunged', mailbox: source.info.id, modSeq, uids: gone } as const
    context.log(account, modSeq, source.id, out, { u: packRanges(gone) }, 1)
  }
  return { uidValidity, from, to }
}

/** Removes messages for good. */
export function expunge(context: WriteContext, operation: Of<'expunge'>): readonly UidRange[] {
  const { sql } = context
  const account = context.account(operation.account)
  const mailbox = context.mailbox(account, operation.mailbox)
  const { having } = operation
  const bit = having === undefined ? 0 : (bitOf(having) ?? 0)
  // Rows of any set of keywords (-1), or of those sets that have the one named.
  const sets = having === undefined || bit !== 0 ? [-1] : context.keywords.having(having)
  const gone: UidRange[] = []
  const sums = { messages: 0, unseen: 0, deleted: 0, octets: 0 }
  for (const { first, last } of normaliseRanges(operation.uids)) {
    for (const set of sets) {
      const values = [mailbox.id, first, last, bit, set] as const
      const rows = sql.rows<[number, number, number, number]>(
        `SELECT uid, flags, keywords, size FROM state
         WHERE mailbox = ?1 AND uid BETWEEN ?2 AND ?3 AND (?4 = 0 OR flags & ?4) AND (?5 = -1 OR keywords = ?5) ORDER BY uid`,
        ...values,
      )
      if (rows.length === 0) continue
      const part = countersOf(rows)
      sums.messages += part.messages
      sums.unseen += part.unseen
      sums.deleted += part.deleted
      sums.octets += part.octets
      gone.push(...rangesOf(rows.map(([uid]) => uid)))
      sql.run(
        `DELETE FROM state
         WHERE mailbox = ?1 AND uid BETWEEN ?2 AND ?3 AND (?4 = 0 OR flags & ?4) AND (?5 = -1 OR keywords = ?5)`,
        ...values,
      )
    }
  }
  if (sums.messages === 0) return []
  const modSeq = context.raise(account)
  const uids = normaliseRanges(gone)
  context.count(mailbox.id, modSeq, negated(sums))
  context.use(account, -sums.octets, -sums.messages)
  context.log(account, modSeq, mailbox.id, { kind: 'expunged', mailbox: mailbox.info.id, modSeq, uids }, { u: packRanges(uids) })
  return uids
}

function countersOf(rows: readonly (readonly [uid: number, flags: number, keywords: number, size: number, ...rest: number[]])[]): {
  messages: number
  unseen: number
  deleted: number
  octets: number
} {
  const sums = { messages: rows.length, unseen: 0, deleted: 0, octets: 0 }
  for (const [, bits, , size] of rows) {
    if ((bits & SEEN) === 0) sums.unseen++
    if ((bits & DELETED) !== 0) sums.deleted++
    sums.octets += size
  }
  return sums
}

function negated({ messages, unseen, deleted, octets }: ReturnType<typeof countersOf>): ReturnType<typeof countersOf> {
  return { messages: -messages, unseen: -unseen, deleted: -deleted, octets: -octets }
}

function* firstCells(rows: Iterable<readonly [number]>): Iterable<number> {
  for (const [cell] of rows) yield cell
}
