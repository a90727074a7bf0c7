/** One mailbox of the SQLite store, as sessions hold it. Reads here, on the caller's thread; every change goes to the writer. */

import { intersectRanges, normaliseRanges } from '../../bytes/uid-ranges.ts'
import type { CallOptions } from '../../contracts/call.ts'
import type {
  AppendResult,
  CopyResult,
  ExpungeOptions,
  FlagOptions,
  FlagResult,
  Mailbox,
  RecordOptions,
  Summaries,
} from '../../contracts/mail-store.ts'
import { MailError } from '../../contracts/mail-error.ts'
import type { AccountId, MailboxId, MailboxStatus, QuotaLimits } from '../../contracts/mailbox-info.ts'
import type { FlagChange, MessageRecord, NewMessage, RecordColumn } from '../../contracts/message.ts'
import { MAX_UID, type ModSeq, type Uid, type UidRange, type UidValidity } from '../../contracts/numbers.ts'
import { checkFlags } from '../flags.ts'
import { changedSince, vanishedSince } from './history.ts'
import type { House } from './house.ts'
import { messageInput } from './message-input.ts'
import { readPage, readSummaries } from './record-page.ts'
import { rowOfMailboxId } from './write-context.ts'

/** A mailbox by its id; whether it is there shows when it is used. */
export class SqliteMailbox implements Mailbox {
  readonly id: MailboxId
  readonly #house: House
  readonly #account: AccountId
  readonly #quota: QuotaLimits | undefined

  constructor(id: MailboxId, house: House, account: AccountId, quota: QuotaLimits | undefined) {
    this.id = id
    this.#house = house
    this.#account = account
    this.#quota = quota
  }

  status(options?: CallOptions): Promise<MailboxStatus> {
    return this.#house.run(options, () => {
      const row = this.#house.sql.row<[number, number, number, number, number, number, number]>(
        `SELECT b.messages, b.unseen, b.deleted, b.octets, b.uid_next, b.uid_validity, b.highest_modseq
         FROM account AS a JOIN mailbox AS b ON b.account = a.id WHERE a.name = ? AND b.id = ?`,
        this.#account,
        rowOfMailboxId(this.id),
      )
      if (row === undefined) throw this.#gone()
      const [messages, unseen, deleted, size, uidNext, uidValidity, highestModSeq] = row
      return {
        messages,
        unseen,
        deleted,
        size,
        uidNext: uidNext as Uid,
        uidValidity: uidValidity as UidValidity,
        highestModSeq: highestModSeq as ModSeq,
      }
    })
  }

  async *records(
    uids: readonly UidRange[],
    columns: readonly RecordColumn[],
    options: RecordOptions = {},
  ): AsyncGenerator<readonly MessageRecord[]> {
    const since = options.changedSince ?? 0
    let rest: readonly UidRange[] = normaliseRanges(uids)
    let first = true
    while (first || rest.length > 0) {
      // Others have their turn between two pages.
      if (!first) await new Promise(setImmediate)
      const page = await this.#house.run(options, () => {
        const box = this.#row()
        if (first && since > 0) rest = changedSince(this.#house.sql, box, since, rest)
        return readPage(this.#house, { mailbox: box, columns, since }, rest)
      })
      first = false
      const last = page.records.at(-1)
      if (last === undefined) return
      yield page.records
      if (!page.isFull) return
      rest = intersectRanges(rest, [{ first: (last.uid + 1) as Uid, last: MAX_UID }])
    }
  }

  summaries(uids: UidRange, options?: CallOptions): Promise<Summaries> {
    return this.#house.run(options, () => readSummaries(this.#house, this.#row(), uids))
  }

  append(messages: readonly NewMessage[], options?: CallOptions): Promise<AppendResult> {
    return this.#house.run(options, async () => {
      for (const { flags } of messages) checkFlags(flags)
      const parcel = await this.#house.pack(
        messages.map(({ content }) => content),
        options,
      )
      try {
        return await this.#house.write<AppendResult>(
          {
            kind: 'append',
            account: this.#account,
            mailbox: this.id,
            quota: this.#quota,
            contents: parcel.contents,
            messages: messages.map(message => messageInput(message, parcel)),
          },
          parcel.octets,
        )
      } finally {
        parcel.done()
      }
    })
  }

  flag(uids: readonly UidRange[], change: FlagChange, options?: FlagOptions): Promise<FlagResult> {
    return this.#house.run(options, () => {
      checkFlags(change.flags)
      const unchangedSince = options?.unchangedSince
      return this.#house.write({ kind: 'flag', ...this.#self, uids: plain(uids), change, unchangedSince })
    })
  }

  copy(uids: readonly UidRange[], target: MailboxId, options?: CallOptions): Promise<CopyResult> {
    return this.#house.run(options, () => this.#house.write({ kind: 'copy', ...this.#self, uids: plain(uids), target, quota: this.#quota }))
  }

  move(uids: readonly UidRange[], target: MailboxId, options?: CallOptions): Promise<CopyResult> {
    return this.#house.run(options, () => this.#house.write({ kind: 'move', ...this.#self, uids: plain(uids), target, quota: undefined }))
  }

  expunge(uids: readonly UidRange[], options?: ExpungeOptions): Promise<readonly UidRange[]> {
    return this.#house.run(options, () => this.#house.write({ kind: 'expunge', ...this.#self, uids: plain(uids), having: options?.having }))
  }

  vanishedSince(modSeq: ModSeq, options?: CallOptions): Promise<readonly UidRange[]> {
    return this.#house.run(options, () => vanishedSince(this.#house.sql, this.#row(), modSeq))
  }

  get #self(): { readonly account: AccountId; readonly mailbox: MailboxId } {
    return { account: this.#account, mailbox: this.id }
  }

  #row(): number {
    const id = this.#house.sql.number(
      'SELECT b.id FROM account AS a JOIN mailbox AS b ON b.account = a.id WHERE a.name = ? AND b.id = ?',
      this.#account,
      rowOfMailboxId(this.id),
    )
    if (id === 0) throw this.#gone()
    return id
  }

  #gone(): MailError {
    if (this.#house.sql.row('SELECT 1 FROM account WHERE name = ?', this.#account) === undefined) {
      return new MailError('no-such-account', `${this.#account} was removed`)
    }
    return new MailError('no-such-mailbox', `${this.#account} has no mailbox ${this.id}`)
  }
}

/** Ranges in ascending runs, as plain values that can travel to another thread. */
function plain(ranges: readonly UidRange[]): readonly UidRange[] {
  return normaliseRanges(ranges).map(({ first, last }) => ({ first, last: Math.min(last, MAX_UID) as Uid }))
}
