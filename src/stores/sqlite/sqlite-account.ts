/** One account of the SQLite store, as sessions hold it: what its additions may fill is its own. */

import type { CallOptions } from '../../contracts/call.ts'
import type { MailboxChange } from '../../contracts/change.ts'
import type { MailAccount, Mailbox } from '../../contracts/mail-store.ts'
import { MailError } from '../../contracts/mail-error.ts'
import type { AccountId, MailboxId, MailboxInfo, QuotaLimits, SpecialUse, Usage } from '../../contracts/mailbox-info.ts'
import { mailErrorOf } from './faults.ts'
import type { House } from './house.ts'
import { SqliteMailbox } from './sqlite-mailbox.ts'
import { infoOf } from './write-context.ts'

/** An account by its name. */
export class SqliteAccount implements MailAccount {
  readonly id: AccountId
  readonly #house: House
  readonly #quota: QuotaLimits | undefined

  constructor(id: AccountId, house: House, quota: QuotaLimits | undefined) {
    this.id = id
    this.#house = house
    this.#quota = quota
  }

  mailboxes(options?: CallOptions): Promise<readonly MailboxInfo[]> {
    return this.#house.run(options, () => {
      const rows = this.#house.sql.rows<[number, string, number, string | null]>(
        `SELECT b.id, b.name, b.uid_validity, b.special_use FROM account AS a JOIN mailbox AS b ON b.account = a.id WHERE a.name = ?`,
        this.id,
      )
      // There is always the inbox.
      if (rows.length === 0) throw new MailError('no-such-account', `${this.id} was removed`)
      return rows.map(row => infoOf(...row))
    })
  }

  create(name: string, options?: CallOptions & { readonly specialUse?: SpecialUse }): Promise<MailboxInfo> {
    return this.#house.run(options, () => this.#house.write({ kind: 'create', account: this.id, name, specialUse: options?.specialUse }))
  }

  rename(mailbox: MailboxId, name: string, options?: CallOptions): Promise<void> {
    return this.#house.run(options, () => this.#house.write({ kind: 'rename', account: this.id, mailbox, name }))
  }

  remove(mailbox: MailboxId, options?: CallOptions): Promise<void> {
    return this.#house.run(options, () => this.#house.write({ kind: 'remove', account: this.id, mailbox }))
  }

  subscriptions(options?: CallOptions): Promise<readonly string[]> {
    return this.#house.run(options, () => {
      const rows = this.#house.sql.rows<[string]>('SELECT name FROM subscription WHERE account = ?', this.#row()[0])
      return rows.map(([name]) => name)
    })
  }

  subscribe(name: string, options?: CallOptions): Promise<void> {
    return this.#house.run(options, () => this.#house.write({ kind: 'subscribe', account: this.id, name }))
  }

  unsubscribe(name: string, options?: CallOptions): Promise<void> {
    return this.#house.run(options, () => this.#house.write({ kind: 'unsubscribe', account: this.id, name }))
  }

  mailbox(id: MailboxId): Mailbox {
    return new SqliteMailbox(id, this.#house, this.id, this.#quota)
  }

  watch(listener: (change: MailboxChange) => void): () => void {
    this.#house.checkOpen()
    try {
      return this.#house.feed.watch(this.id, listener)
    } catch (error) {
      throw mailErrorOf(error)
    }
  }

  usage(options?: CallOptions): Promise<Usage> {
    return this.#house.run(options, () => {
      const [, octets, messages] = this.#row()
      return { octets, messages }
    })
  }

  #row(): readonly [id: number, octets: number, messages: number] {
    const row = this.#house.sql.row<[number, number, number]>('SELECT id, octets, messages FROM account WHERE name = ?', this.id)
    if (row === undefined) throw new MailError('no-such-account', `${this.id} was removed`)
    return row
  }
}
