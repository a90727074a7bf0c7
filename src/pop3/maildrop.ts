/** The maildrop: the inbox as it was at login, which no one else can change for this session. RFC 1939 §4, §5; I35. */

import type { MailAccount, Mailbox } from '../contracts/mail-store.ts'
import { MailError } from '../contracts/mail-error.ts'
import { ALL_UIDS } from '../contracts/numbers.ts'
import type { Uid, UidRange, UidValidity } from '../contracts/numbers.ts'

/**
 * A snapshot in numbers: 9 octets for each message. RFC 1939 §4 asks for a lock; a snapshot keeps its promise (numbers and
 * sizes stay as they are) and lets IMAP sessions and deliveries go on.
 */
export class Maildrop {
  readonly mailbox: Mailbox
  readonly uidValidity: UidValidity
  readonly #uids: Uint32Array
  readonly #sizes: Float64Array
  readonly #deleted: Uint8Array
  /** Messages that were there at login. */
  readonly count: number
  /** Messages that are not marked as deleted. */
  remaining: number
  /** Octets of these. */
  octets: number

  private constructor(mailbox: Mailbox, uidValidity: UidValidity, uids: Uint32Array, sizes: Float64Array) {
    this.mailbox = mailbox
    this.uidValidity = uidValidity
    this.#uids = uids
    this.#sizes = sizes
    this.count = this.remaining = uids.length
    this.#deleted = new Uint8Array(uids.length)
    this.octets = sizes.reduce((sum, size) => sum + size, 0)
  }

  /** Takes the snapshot. Throws `no-such-mailbox` when the account has no inbox. */
  static async open(account: MailAccount, signal: AbortSignal): Promise<Maildrop> {
    const inbox = (await account.mailboxes({ signal })).find(({ name }) => name === 'INBOX')
    if (inbox === undefined) throw new MailError('no-such-mailbox', `account ${account.id} has no INBOX`)
    const mailbox = account.mailbox(inbox.id)
    let uids = new Uint32Array(1024)
    let sizes = new Float64Array(1024)
    let count = 0
    for await (const page of mailbox.records(ALL_UIDS, [], { signal })) {
      if (count + page.length > uids.length) {
        const room = Math.max(count + page.length, uids.length * 2)
        uids = grown(uids, new Uint32Array(room))
        sizes = grown(sizes, new Float64Array(room))
      }
      for (const { uid, size } of page) {
        uids[count] = uid
        sizes[count++] = size
      }
    }
    return new Maildrop(mailbox, inbox.uidValidity, uids.slice(0, count), sizes.slice(0, count))
  }

  /** Whether the number is one of a message, deleted or not. */
  has(number: number): boolean {
    return number >= 1 && number <= this.count
  }

  isDeleted(number: number): boolean {
    return this.#deleted[number - 1] === 1
  }

  uid(number: number): Uid {
    return (this.#uids[number - 1] ?? 0) as Uid
  }

  size(number: number): number {
    return this.#sizes[number - 1] ?? 0
  }

  delete(number: number): void {
    if (this.isDeleted(number)) return
    this.#deleted[number - 1] = 1
    this.remaining--
    this.octets -= this.size(number)
  }

  /** Takes every mark away. RFC 1939 §5, RSET. */
  reset(): void {
    this.#deleted.fill(0)
    this.remaining = this.count
    this.octets = this.#sizes.reduce((sum, size) => sum + size, 0)
  }

  /** The UIDs marked as deleted. Between two messages of the snapshot no other can ever appear, so neighbours make one run. */
  marked(): UidRange[] {
    const ranges: UidRange[] = []
    for (let number = 1; number <= this.count; number++) {
      if (!this.isDeleted(number)) continue
      const first = number
      while (number < this.count && this.isDeleted(number + 1)) number++
      ranges.push({ first: this.uid(first), last: this.uid(number) })
    }
    return ranges
  }
}

function grown<T extends Uint32Array | Float64Array>(from: T, to: T): T {
  to.set(from)
  return to
}
