/** What every operation works with inside a transaction: the rows it locks first, the MODSEQ it takes, the changes it tells. */

import type { MailboxChange } from '../../contracts/change.ts'
import { MailError } from '../../contracts/mail-error.ts'
import type { AccountId, MailboxId, MailboxInfo, QuotaLimits, SpecialUse } from '../../contracts/mailbox-info.ts'
import type { ModSeq, UidRange, UidValidity } from '../../contracts/numbers.ts'
import { INBOX } from '../mailbox-name.ts'
import type { KeywordSets } from './flag-bits.ts'
import type { AccountChange } from './operation.ts'
import type { StagedContent } from './segment-writer.ts'
import type { Sql } from './sql.ts'

/** An account's row. */
export interface AccountRow {
  readonly id: number
  readonly name: AccountId
}

/** A mailbox's row, as operations need it. */
export interface MailboxRow {
  readonly id: number
  readonly info: MailboxInfo
}

/** The highest MODSEQ of an account and the sums over its mailboxes. */
export interface Held {
  readonly modSeq: ModSeq
  readonly octets: number
  readonly messages: number
}

/** The numbers of a mailbox that an operation moves. */
export interface CountersDelta {
  readonly messages: number
  readonly unseen: number
  readonly deleted: number
  readonly octets: number
}

/** The id under which a mailbox is known outside. RFC 8474 §4.1. */
export function mailboxIdOf(row: number): MailboxId {
  return `m${row}`
}

/** The row of an id; -1 for what cannot be one. */
export function rowOfMailboxId(id: MailboxId): number {
  return /^m[1-9][0-9]{0,14}$/.test(id) ? Number(id.slice(1)) : -1
}

/** A mailbox as it is told. */
export function infoOf(row: number, name: string, uidValidity: number, specialUse: string | null): MailboxInfo {
  const info = { id: mailboxIdOf(row), name, uidValidity: uidValidity as UidValidity }
  return Object.freeze(specialUse === null ? info : { ...info, specialUse: specialUse as SpecialUse })
}

/** One transaction of the writer, seen by the operations in it. */
export class WriteContext {
  readonly sql: Sql
  readonly keywords: KeywordSets
  /** Change rows kept for each account. */
  readonly history: number
  /** What the running operation changed. */
  changes: AccountChange[] = []
  /** Contents that got a row by the running operation: by the target that is being tried, and by those that are done. */
  #fresh: StagedContent[] = []
  #kept: StagedContent[] = []
  #isGuarded = false

  constructor(sql: Sql, keywords: KeywordSets, history: number) {
    this.sql = sql
    this.keywords = keywords
    this.history = history
  }

  /** Begins an operation. */
  begin(): void {
    this.changes = []
    this.#fresh = []
    this.#kept = []
    this.#isGuarded = false
  }

  /**
   * To be called before an operation changes anything, unless nothing after that can refuse it: then it takes no savepoint, which copies
   * each page that it changes.
   */
  guard(): void {
    if (this.#isGuarded) return
    this.#isGuarded = true
    this.sql.run('SAVEPOINT operation')
  }

  /** Ends an operation that was done. */
  done(): void {
    if (this.#isGuarded) this.sql.run('RELEASE operation')
  }

  /** Takes back what the operation changed so far, which goes on. */
  rollBack(): void {
    if (this.#isGuarded) this.sql.database.exec('ROLLBACK TO operation')
  }

  /** Takes back what one target remembered, or an operation without targets; the rows are the savepoint's matter. */
  undo(changes: number): void {
    this.changes.length = changes
    this.keywords.forget()
    for (const content of this.#fresh) content.id = undefined
    this.#fresh = []
  }

  /** Keeps what one target did, whatever becomes of the next. */
  keep(): void {
    this.#kept.push(...this.#fresh)
    this.#fresh = []
  }

  /** Ends an operation that was refused: takes back all that it changed and remembered, the targets that were done among it. */
  undoAll(): void {
    this.rollBack()
    this.done()
    this.#fresh.push(...this.#kept)
    this.#kept = []
    this.undo(0)
  }

  account(name: AccountId): AccountRow {
    const row = this.sql.row<[number]>('SELECT id FROM account WHERE name = ?', name)
    if (row === undefined) throw new MailError('no-such-account', `${name} was removed`)
    return { id: row[0], name }
  }

  /** The account, made with its inbox where it is new. */
  ensureAccount(name: AccountId): AccountRow {
    const row = this.sql.row<[number]>('SELECT id FROM account WHERE name = ?', name)
    if (row !== undefined) return { id: row[0], name }
    this.guard()
    const id = this.sql.insert('INSERT INTO account (name, modseq) VALUES (?, 0)', name)
    const account = { id, name }
    this.createMailbox(account, INBOX, undefined)
    return account
  }

  mailbox(account: AccountRow, id: MailboxId): MailboxRow {
    const row = this.sql.row<[number, string, number, string | null]>(
      'SELECT id, name, uid_validity, special_use FROM mailbox WHERE id = ? AND account = ?',
      rowOfMailboxId(id),
      account.id,
    )
    if (row === undefined) throw new MailError('no-such-mailbox', `${account.name} has no mailbox ${id}`)
    return { id: row[0], info: infoOf(...row) }
  }

  createMailbox(account: AccountRow, name: string, specialUse: SpecialUse | undefined): MailboxRow {
    this.guard()
    const modSeq = this.raise(account)
    // RFC 9051 §2.3.1.1: no (name, UIDVALIDITY) may come back. One counter for the whole store, never behind the clock.
    const uidValidity = this.sql.number(
      `UPDATE counter SET value = max(value + 1, unixepoch()) WHERE name = 'uid-validity' RETURNING value`,
    )
    const id = this.sql.insert(
      'INSERT INTO mailbox (account, name, special_use, uid_validity, highest_modseq) VALUES (?, ?, ?, ?, ?)',
      account.id,
      name,
      specialUse ?? null,
      uidValidity,
      modSeq,
    )
    const info = infoOf(id, name, uidValidity, specialUse ?? null)
    this.log(account, modSeq, id, { kind: 'mailbox-created', modSeq, info }, { info })
    return { id, info }
  }

  /** The next MODSEQ of the account. */
  raise(account: AccountRow): ModSeq {
    const [modSeq = 0] = this.sql.row<[number]>('UPDATE account SET modseq = modseq + 1 WHERE id = ? RETURNING modseq', account.id) ?? []
    return modSeq as ModSeq
  }

  /** Moves the sums of the account; throws `over-quota` when it then holds more than it may. */
  use(account: AccountRow, octets: number, messages: number, quota?: QuotaLimits): void {
    const row = this.sql.row<[number, number]>(
      'UPDATE account SET octets = octets + ?, messages = messages + ? WHERE id = ? RETURNING octets, messages',
      octets,
      messages,
      account.id,
    )
    if (row !== undefined) this.checkQuota(account, row[0], row[1], quota)
  }

  /** What an account holds. */
  held(account: AccountRow): Held {
    const [modSeq = 0, octets = 0, messages = 0] =
      this.sql.row<[number, number, number]>('SELECT modseq, octets, messages FROM account WHERE id = ?', account.id) ?? []
    return { modSeq: modSeq as ModSeq, octets, messages }
  }

  /** Makes that what an account holds. */
  setHeld(account: AccountRow, { modSeq, octets, messages }: Held): void {
    this.sql.run('UPDATE account SET modseq = ?, octets = ?, messages = ? WHERE id = ?', modSeq, octets, messages, account.id)
  }

  /** Throws `over-quota` when an account would hold more than it may. */
  checkQuota(account: AccountRow, octets: number, messages: number, quota: QuotaLimits | undefined): void {
    if (octets <= (quota?.octets ?? Infinity) && messages <= (quota?.messages ?? Infinity)) return
    throw new MailError('over-quota', `${account.name} would hold ${octets} octets in ${messages} messages`)
  }

  /** Moves the numbers of a mailbox. */
  count(mailbox: number, modSeq: ModSeq, { messages, unseen, deleted, octets }: CountersDelta): void {
    this.sql.run(
      `UPDATE mailbox SET highest_modseq = ?, messages = messages + ?, unseen = unseen + ?, deleted = deleted + ?, octets = octets + ?
       WHERE id = ?`,
      modSeq,
      messages,
      unseen,
      deleted,
      octets,
      mailbox,
    )
  }

  /** Gives a staged content its row, once. */
  contentRow(content: StagedContent): number {
    if (content.id !== undefined) return content.id
    content.id = this.sql.insert(
      'INSERT INTO content (segment, start, size, key, sums) VALUES (?, ?, ?, ?, ?)',
      content.segment,
      content.start,
      content.size,
      content.key,
      content.sums,
    )
    this.#fresh.push(content)
    return content.id
  }

  /** Records a change, for the listeners here and for the other processes. `detail` is what the latter need. */
  log(account: AccountRow, modSeq: ModSeq, mailbox: number, change: MailboxChange, detail: object, part: number = 0): void {
    this.sql.run(
      'INSERT INTO change (account, modseq, part, mailbox, kind, detail) VALUES (?, ?, ?, ?, ?, ?)',
      account.id,
      modSeq,
      part,
      mailbox,
      change.kind,
      JSON.stringify(detail),
    )
    this.changes.push({ account: account.name, change })
    if (modSeq % 512 === 0 && modSeq > this.history) this.#cut(account, modSeq - this.history)
  }

  #cut(account: AccountRow, floor: number): void {
    this.sql.run('DELETE FROM change WHERE account = ? AND modseq <= ?', account.id, floor)
    this.sql.run('UPDATE account SET floor = max(floor, ?) WHERE id = ?', floor, account.id)
  }
}

/** Runs as they lie in a change row: shorter than objects. */
export function packRanges(ranges: readonly UidRange[]): readonly (readonly [number, number])[] {
  return ranges.map(({ first, last }) => [first, last])
}
