/**
 * Summaries of mailboxes that are being looked at, kept within a budget of octets for all sessions: what is asked again is not
 * read again. A page has the summaries of 256 UIDs; the pages that were longest unused go first. RFC 9051 §7.5.2.
 */

import { concatBytes } from '../../bytes/ascii.ts'
import type { Mailbox, Summaries } from '../../contracts/mail-store.ts'
import type { Uid, UidRange } from '../../contracts/numbers.ts'
import type { SummaryCursor } from '../../mime/index.ts'
import { SUMMARY_OCTETS } from '../limits.ts'
import type { MailboxState } from './mailbox-state.ts'

/** UIDs of one page are those with the same number above these bits. */
const BITS = 8

/** A command that asks for fewer messages of a page than these reads them by themselves. */
const WORTH_A_PAGE = 16

const NOTHING = new Uint8Array()

/** Octets that a page takes besides those of its summaries. */
const OVERHEAD = 4096

/** The summaries of some messages that lie beside one another. Belongs to {@link SummaryPages}. */
export interface SummaryPage extends Summaries {
  readonly state: MailboxState
  readonly number: number
  /** Greater UIDs had not been given when it was read. */
  readonly top: number
}

/** The pages of all mailboxes of a process. */
export class SummaryPages {
  // In the order of their last use, and by mailbox and number.
  readonly #used = new Set<SummaryPage>()
  readonly #pages = new WeakMap<MailboxState, Map<number, SummaryPage>>()
  #octets = 0

  /** The page in which a UID is; a promise only when it has to be read. */
  pageOf(uid: number, state: MailboxState, mailbox: Mailbox): SummaryPage | Promise<SummaryPage> {
    const number = uid >>> BITS
    const page = this.#pages.get(state)?.get(number)
    if (page === undefined || uid > page.top) return this.#read(number, state, mailbox)
    this.#used.delete(page)
    this.#used.add(page)
    return page
  }

  /** Forgets a mailbox that nobody looks at any more. */
  forget(state: MailboxState): void {
    for (const page of this.#pages.get(state)?.values() ?? []) this.#drop(page)
  }

  async #read(number: number, state: MailboxState, mailbox: Mailbox): Promise<SummaryPage> {
    const top = state.uidNext - 1
    const first = Math.max(1, (number << BITS) >>> 0) as Uid
    const last = (((number << BITS) >>> 0) + (1 << BITS) - 1) as Uid
    const range: UidRange = { first, last }
    const read = mailbox.summaries === undefined ? await readRecords(mailbox, range) : await mailbox.summaries(range)
    const page = { state, number, top, ...read }
    this.#keep(page)
    return page
  }

  #keep(page: SummaryPage): void {
    const { state, number } = page
    let pages = this.#pages.get(state)
    if (pages === undefined) this.#pages.set(state, (pages = new Map<number, SummaryPage>()))
    const known = pages.get(number)
    if (known !== undefined) this.#drop(known)
    pages.set(number, page)
    this.#used.add(page)
    this.#octets += sizeOf(page)
    for (const oldest of this.#used) {
      if (this.#octets <= SUMMARY_OCTETS) return
      this.#drop(oldest)
    }
  }

  #drop(page: SummaryPage): void {
    if (!this.#used.delete(page)) return
    this.#octets -= sizeOf(page)
    this.#pages.get(page.state)?.delete(page.number)
  }
}

/** Goes through the pages of one mailbox in ascending order of UID. */
export class PageReader {
  readonly #pages: SummaryPages
  readonly #state: MailboxState
  readonly #mailbox: Mailbox
  #page: SummaryPage | undefined
  #next = 0
  /** Place of the UID in its page; -1 when the store has no such message any more. */
  entry = -1

  constructor(pages: SummaryPages, state: MailboxState, mailbox: Mailbox) {
    this.#pages = pages
    this.#state = state
    this.#mailbox = mailbox
  }

  /** Goes on to a UID, which must be greater than the last one; a promise only when its page has to be read. */
  to(uid: number): Promise<void> | undefined {
    const page = this.#page
    if (page === undefined || uid >>> BITS !== page.number || uid > page.top) {
      const found = this.#pages.pageOf(uid, this.#state, this.#mailbox)
      if (found instanceof Promise) return found.then(read => this.#seek(read, uid))
      this.#seek(found, uid)
    } else this.#find(page, uid)
    return undefined
  }

  #seek(page: SummaryPage, uid: number): void {
    this.#page = page
    this.#next = 0
    this.#find(page, uid)
  }

  #find({ uids }: SummaryPage, uid: number): void {
    let at = this.#next
    while (at < uids.length && (uids[at] ?? 0) < uid) at++
    this.#next = at
    this.entry = uids[at] === uid ? at : -1
  }

  /** The octets in which the cursor moves. */
  get octets(): Uint8Array {
    return this.#page?.octets ?? NOTHING
  }

  /** Moves a cursor to the summary of the UID; `false` when it has to be made again. */
  open(cursor: SummaryCursor): boolean {
    const page = this.#page
    if (page === undefined || this.entry < 0) return false
    return cursor.moveTo(page.octets, page.ends[this.entry - 1] ?? 0, page.ends[this.entry] ?? 0)
  }
}

function sizeOf({ octets }: SummaryPage): number {
  return octets.length + OVERHEAD
}

/** The same from a store without that power. A summary that is not there is empty: it is to be made again. */
async function readRecords(mailbox: Mailbox, range: UidRange): Promise<Summaries> {
  const uids: number[] = []
  const summaries: Uint8Array[] = []
  for await (const page of mailbox.records([range], ['summary'])) {
    for (const { uid, summary } of page) {
      uids.push(uid)
      summaries.push(summary ?? NOTHING)
    }
  }
  let end = 0
  const ends = Uint32Array.from(summaries, ({ length }) => (end += length))
  return { uids: Uint32Array.from(uids), octets: concatBytes(summaries), ends }
}

/** Whether so many messages of the runs are in a view that reading whole pages is no waste. */
export function isWorthPages(
  runs: readonly UidRange[],
  view: { lowerBound(uid: number): number; readonly count: number; uidAt(seq: number): number },
): boolean {
  let messages = 0
  let pages = 0
  let lastPage = -1
  for (const { first, last } of runs) {
    const from = view.lowerBound(first)
    const to = view.lowerBound(last + 1)
    if (from === to) continue
    messages += to - from
    const firstPage = view.uidAt(from + 1) >>> BITS
    const endPage = view.uidAt(to) >>> BITS
    pages += endPage - firstPage + (firstPage === lastPage ? 0 : 1)
    lastPage = endPage
  }
  return messages >= WORTH_A_PAGE * pages
}
