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

class FlagStep {
  readonly #context: WriteContext
  readonly #account: AccountRow
  readonly #mailbox: MailboxRow
  readonly #operation: Of<'flag'>
  readonly #unchangedSince: number
  readonly #keep: number
  readonly #gain: number
  readonly #changed: UidRange[] = []
  #modSeq: ModSeq | undefined
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
  }

  /**
   * Each set of keywords in the range becomes another one as a whole; most ranges have one or two. A row that is met again as
   * a member of its new set is left alone: the change makes nothing new of what it made.
   */
  apply(range: UidRange): void {
    const { sql, keywords } = this.#context
    const { change } = this.#operation
    const touchesKeywords = change.kind === 'set' || change.flags.some(name => bitOf(name) === undefined)
    if (!touchesKeywords) {
      this.#applyTo(range, -1, -1)
      return
    }
    const sets = sql.rows<[number]>(
      'SELECT DISTINCT keywords FROM state WHERE mailbox = ? AND uid BETWEEN ? AND ? AND modseq <= ?',
      this.#mailbox.id,
      range.first,
      range.last,
      this.#unchangedSince,
    )
    for (const [before] of sets) this.#applyTo(range, before, keywords.idOf(keywordsAfter(keywords.get(before), change)))
  }

  /** `before` and `after`: sets of keywords; -1 for any, which stays as it is. */
  #applyTo({ first, last }: UidRange, before: number, after: number): void {
    const { sql } = this.#context
    const values = [this.#mailbox.id, first, last, this.#unchangedSince, this.#keep, this.#gain, before, after] as const
    const found = sql.row<[number, number, number, number, number]>(
      `SELECT count(*), min(uid), max(uid),
         sum((flags & 1) - (((flags & ?5) | ?6) & 1)),
         sum((((flags & ?5) | ?6) & 8) - (flags & 8)) / 8
       FROM state WHERE mailbox = ?1 AND uid BETWEEN ?2 AND ?3 AND modseq <= ?4
         AND (?7 = -1 OR keywords = ?7) AND (((flags & ?5) | ?6) <> flags OR ?7 <> ?8)`,
      ...values,
    )
    if (found === undefined || found[0] === 0) return
    const [count, least, most, unseen, deleted] = found
    this.#unseen += unseen
    this.#deleted += deleted
    if (most - least + 1 === count) this.#changed.push({ first: least as Uid, last: most as Uid })
    else {
      const uids = sql.each<[number]>(
        `SELECT uid FROM state WHERE mailbox = ?1 AND uid BETWEEN ?2 AND ?3 AND modseq <= ?4
           AND (?7 = -1 OR keywords = ?7) AND (((flags & ?5) | ?6) <> flags OR ?7 <> ?8) ORDER BY uid`,
        ...values,
      )
      this.#changed.push(...rangesOf(firstCells(uids)))
    }
    this.#modSeq ??= this.#context.raise(this.#account)
    sql.run(
      `UPDATE state SET flags = (flags & ?5) | ?6, keywords = iif(?8 = -1, keywords, ?8), modseq = ?9
       WHERE mailbox = ?1 AND uid BETWEEN ?2 AND ?3 AND modseq <= ?4
         AND (?7 = -1 OR keywords = ?7) AND (((flags & ?5) | ?6) <> flags OR ?7 <> ?8)`,
      ...values,
      this.#modSeq,
    )
  }

  finish(refused: readonly UidRange[]): FlagResult {
    const changed = normaliseRanges(this.#changed)
    if (this.#modSeq === undefined) return { changed, refused }
    const modSeq = this.#modSeq
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
