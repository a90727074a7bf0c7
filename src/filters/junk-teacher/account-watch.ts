/** From an account's changes to lessons: what its owner moved into Junk and out of it, filed, answered or marked. RFC 9051 §2.3.2, §6.4.8; RFC 6154 §2. */

import type { AccountId, MailAccount, MailboxChange, MailboxId, MailboxInfo, ModSeq, SpecialUse, UidRange } from '../../contracts/index.ts'
import type { Lesson } from '../learned.ts'

/** Messages that somebody sorted. */
export interface Sorted {
  readonly account: AccountId
  readonly mailbox: MailboxId
  readonly uids: readonly UidRange[]
  readonly as: Lesson
  /** In words for an operator. */
  readonly why: string
}

/** Which changes teach. */
export interface WatchOptions {
  readonly filed: boolean
  readonly answered: boolean
  readonly keywords: boolean
  readonly copies: boolean
  /** Names of mailboxes that count as Junk too. */
  readonly aside: readonly string[]
  readonly now: () => number
  readonly tell: (sorted: Sorted) => void
  readonly report: (error: unknown) => void
}

type Added = Extract<MailboxChange, { readonly kind: 'added' }>

/** Mailboxes in which mail is neither wanted nor unwanted: of one's own, or thrown away. */
const NEITHER: ReadonlySet<SpecialUse | undefined> = new Set<SpecialUse>(['Trash', 'Sent', 'Drafts', 'All', 'Flagged'])
const SPAM_KEYWORD = '$Junk'
const HAM_KEYWORD = '$NotJunk'
/** A delivery is given the time of the clock; a copy keeps the time of the original, and it takes a person some time to judge a message. */
const NO_DELIVERY_AFTER = 120_000
/** Changes that wait for the list of mailboxes. */
const MOST_WAITING = 1000

/**
 * Follows one account. A move is told as an addition and an expunge with one MODSEQ, so the mailbox that a message came from is
 * known without looking. What is added without such an expunge is a delivery, an APPEND or a COPY: the feed does not say which, so it
 * teaches only where its age rules a delivery out.
 */
export class AccountWatch {
  readonly #account: MailAccount
  readonly #options: WatchOptions
  readonly #stop: () => void
  #mailboxes: Map<MailboxId, MailboxInfo> | undefined
  #waiting: MailboxChange[] = []
  #added: Added | undefined

  constructor(account: MailAccount, options: WatchOptions) {
    this.#account = account
    this.#options = options
    this.#stop = account.watch(change => this.#hear(change))
  }

  /** Learns which mailbox is which; changes are held until then. */
  async begin(): Promise<void> {
    const mailboxes = await this.#account.mailboxes()
    this.#mailboxes = new Map(mailboxes.map(info => [info.id, info]))
    const waiting = this.#waiting
    this.#waiting = []
    for (const change of waiting) this.#take(change)
  }

  close(): void {
    this.#stop()
    this.#waiting = []
  }

  #hear(change: MailboxChange): void {
    if (this.#mailboxes !== undefined) this.#take(change)
    else if (this.#waiting.length < MOST_WAITING) this.#waiting.push(change)
  }

  #take(change: MailboxChange): void {
    const added = this.#added
    this.#added = undefined
    if (added !== undefined && !(change.kind === 'expunged' && isMove(added, change.modSeq))) this.#copied(added)
    switch (change.kind) {
      case 'added':
        this.#added = change
        // The other half of a move is told in the same turn.
        setImmediate(() => {
          if (this.#added !== change) return
          this.#added = undefined
          this.#copied(change)
        })
        return
      case 'expunged':
        if (added !== undefined && isMove(added, change.modSeq)) this.#moved(change.mailbox, added)
        return
      case 'flagged':
        if (change.change.kind === 'add') this.#flagged(change.mailbox, change.uids, change.change.flags)
        return
      case 'mailbox-created':
      case 'mailbox-renamed':
        this.#mailboxes?.set(change.info.id, change.info)
        return
      case 'mailbox-removed':
        this.#mailboxes?.delete(change.info.id)
        return
      case 'resync':
        this.#mailboxes = undefined
        this.begin().catch((error: unknown) => this.#options.report(error))
        return
      case 'subscribed':
      case 'unsubscribed':
    }
  }

  #moved(from: MailboxId, { mailbox, messages }: Added): void {
    const source = this.#mailboxes?.get(from)
    const target = this.#mailboxes?.get(mailbox)
    if (source === undefined || target === undefined || source.id === target.id) return
    const uids = messages.map(({ uid }) => ({ first: uid, last: uid }))
    if (this.#isJunk(target)) this.#tell(mailbox, uids, 'spam', `moved from ${source.name} to ${target.name}`)
    else if (NEITHER.has(target.specialUse)) return
    else if (this.#isJunk(source)) this.#tell(mailbox, uids, 'ham', `moved from ${source.name} to ${target.name}`)
    else if (this.#options.filed && source.name === 'INBOX')
      this.#tell(mailbox, uids, 'ham', `filed from ${source.name} into ${target.name}`)
  }

  /** A client without MOVE copies into Junk, then expunges. */
  #copied({ mailbox, messages }: Added): void {
    const target = this.#mailboxes?.get(mailbox)
    if (!this.#options.copies || target === undefined || !this.#isJunk(target)) return
    const old = messages.filter(({ internalDate }) => internalDate < this.#options.now() - NO_DELIVERY_AFTER)
    if (old.length > 0)
      this.#tell(
        mailbox,
        old.map(({ uid }) => ({ first: uid, last: uid })),
        'spam',
        `copied into ${target.name}`,
      )
  }

  #flagged(mailbox: MailboxId, uids: readonly UidRange[], flags: readonly string[]): void {
    const info = this.#mailboxes?.get(mailbox)
    if (info === undefined || NEITHER.has(info.specialUse)) return
    const has = (flag: string): boolean => flags.some(given => given.toLowerCase() === flag.toLowerCase())
    if (this.#options.keywords && has(SPAM_KEYWORD)) this.#tell(mailbox, uids, 'spam', `marked ${SPAM_KEYWORD}`)
    else if (this.#options.keywords && has(HAM_KEYWORD)) this.#tell(mailbox, uids, 'ham', `marked ${HAM_KEYWORD}`)
    else if (this.#options.answered && has('\\Answered') && !this.#isJunk(info)) this.#tell(mailbox, uids, 'ham', 'answered')
  }

  #tell(mailbox: MailboxId, uids: readonly UidRange[], as: Lesson, why: string): void {
    this.#options.tell({ account: this.#account.id, mailbox, uids, as, why })
  }

  /** The mailbox with that use, and those that were named; where none has it, one of that name. */
  #isJunk(info: MailboxInfo): boolean {
    if (info.specialUse === 'Junk' || this.#options.aside.includes(info.name)) return true
    if (info.specialUse !== undefined || !/^(?:junk|spam)$/i.test(info.name)) return false
    return ![...(this.#mailboxes?.values() ?? [])].some(({ specialUse }) => specialUse === 'Junk')
  }
}

function isMove(added: Added, modSeq: ModSeq): boolean {
  return added.modSeq === modSeq
}
