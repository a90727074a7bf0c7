/** What the sessions of one account share: its mailboxes by name, their states, and the one listener of its change feed. RFC 9051 §5.2. */

import type { MailboxChange } from '../../contracts/change.ts'
import type { Host } from '../../contracts/host.ts'
import type { MailAccount } from '../../contracts/mail-store.ts'
import type { AccountId, MailboxId, MailboxInfo } from '../../contracts/mailbox-info.ts'
import { ALL_UIDS } from '../../contracts/numbers.ts'
import { MailboxState, type Observer } from './mailbox-state.ts'
import { SummaryPages } from './summary-pages.ts'

/** A state that is being read from the store: changes wait until the records are there. */
interface Loading {
  readonly state: MailboxState
  readonly ready: Promise<MailboxState>
  waiting: MailboxChange[]
  restart: boolean
}

type MessageChange = Extract<MailboxChange, { kind: 'added' | 'flagged' | 'expunged' }>

/** Messages of unused states that are kept for the next session, over all accounts. */
const KEPT_MESSAGES = 1_000_000

/** Milliseconds for which the states of an account without sessions are kept current. */
const KEEP_FOR = 5 * 60_000

/** One account as its sessions share it. */
export class AccountHub {
  readonly id: AccountId
  readonly #account: MailAccount
  readonly #summaries: SummaryPages
  readonly #report: (error: unknown) => void
  readonly #states = new Map<MailboxId, MailboxState>()
  readonly #loading = new Map<MailboxId, Loading>()
  readonly #unwatch: () => void
  #mailboxes: Promise<readonly MailboxInfo[]> | undefined
  /** Sessions logged in. */
  sessions = 0
  /** When the last session left, by the monotonic clock. */
  idleSince = 0
  /** Searches that are reading messages at present. */
  deepSearches = 0

  constructor(id: AccountId, account: MailAccount, summaries: SummaryPages, report: (error: unknown) => void) {
    this.id = id
    this.#account = account
    this.#summaries = summaries
    this.#report = report
    this.#unwatch = account.watch(change => this.#changed(change))
  }

  /** Messages in the states that no session looks at. */
  get idleMessages(): number {
    let messages = 0
    for (const state of this.#states.values()) if (state.observers.size === 0) messages += state.count
    return messages
  }

  /** The mailboxes, read once and again only after one was made, renamed or removed. */
  mailboxes(): Promise<readonly MailboxInfo[]> {
    if (this.#mailboxes !== undefined) return this.#mailboxes
    const reading = this.#account.mailboxes()
    this.#mailboxes = reading
    reading.catch(() => {
      if (this.#mailboxes === reading) this.#mailboxes = undefined
    })
    return reading
  }

  /** The mailbox of that name; `undefined` when there is none. */
  async find(name: string): Promise<MailboxInfo | undefined> {
    const mailboxes = await this.mailboxes()
    return mailboxes.find(mailbox => mailbox.name === name)
  }

  /** The state of a mailbox, loaded when nobody has it, watched by `observer` until {@link AccountHub.leave}. */
  async enter(id: MailboxId, observer: Observer): Promise<MailboxState> {
    const state = this.#states.get(id) ?? (await this.#load(id).ready)
    state.observers.add(observer)
    return state
  }

  /** The state of a mailbox when somebody has it loaded. */
  loaded(id: MailboxId): MailboxState | undefined {
    return this.#states.get(id)
  }

  /** Ends what {@link AccountHub.enter} began. The state stays for the next session for a while. */
  leave(state: MailboxState, observer: Observer): void {
    state.observers.delete(observer)
    if (state.observers.size === 0 && state.isGone) this.#forget(state)
  }

  #forget(state: MailboxState): void {
    this.#states.delete(state.id)
    this.#summaries.forget(state)
  }

  /** Lets go of states that nobody looks at, until no more than `messages` are kept. */
  trim(messages: number): void {
    let kept = 0
    for (const state of this.#states.values()) {
      if (state.observers.size > 0) continue
      kept += state.count
      if (kept > messages) this.#forget(state)
    }
  }

  /** Ends listening, and lets go of everything. */
  close(): void {
    this.#unwatch()
    for (const state of this.#states.values()) this.#forget(state)
  }

  #load(id: MailboxId): Loading {
    const running = this.#loading.get(id)
    if (running !== undefined) return running
    const state = this.#states.get(id) ?? new MailboxState(id)
    const loading: Loading = { state, waiting: [], restart: false, ready: this.#read(id, state) }
    this.#loading.set(id, loading)
    return loading
  }

  async #read(id: MailboxId, state: MailboxState): Promise<MailboxState> {
    // The caller puts this into #loading first, so that no change slips between.
    await Promise.resolve()
    try {
      const mailbox = this.#account.mailbox(id)
      const loading = this.#loading.get(id)
      let fresh: MailboxState
      do {
        if (loading !== undefined) {
          loading.restart = false
          loading.waiting = []
        }
        // Apart from the state that sessions look at: half of a mailbox must never be taken for all of it.
        fresh = new MailboxState(id, state.flags)
        const status = await mailbox.status()
        for await (const page of mailbox.records(ALL_UIDS, [])) fresh.load(page)
        fresh.uidNext = Math.max(fresh.uidNext, status.uidNext)
        fresh.highestModSeq = Math.max(fresh.highestModSeq, status.highestModSeq)
      } while (loading?.restart === true)
      state.replaceWith(fresh)
      this.#states.set(id, state)
      for (const change of loading?.waiting ?? []) apply(state, change)
      return state
    } finally {
      this.#loading.delete(id)
    }
  }

  #changed(change: MailboxChange): void {
    switch (change.kind) {
      case 'added':
      case 'flagged':
      case 'expunged': {
        const loading = this.#loading.get(change.mailbox)
        if (loading !== undefined) {
          loading.waiting.push(change)
          return
        }
        const state = this.#states.get(change.mailbox)
        if (state === undefined) return
        state.apply(change)
        state.notify()
        return
      }
      case 'mailbox-removed': {
        this.#mailboxes = undefined
        const state = this.#states.get(change.info.id)
        if (state === undefined) return
        state.remove(change.modSeq)
        state.notify()
        if (state.observers.size === 0) this.#forget(state)
        return
      }
      case 'mailbox-created':
      case 'mailbox-renamed':
        this.#mailboxes = undefined
        return
      case 'subscribed':
      case 'unsubscribed':
        return
      case 'resync':
        this.#resync()
    }
  }

  #resync(): void {
    this.#mailboxes = undefined
    for (const loading of this.#loading.values()) loading.restart = true
    for (const [id, state] of this.#states) {
      if (this.#loading.has(id)) continue
      if (state.observers.size === 0) {
        this.#forget(state)
        continue
      }
      this.#load(id).ready.then(
        () => state.notify(),
        error => this.#report(error),
      )
    }
  }
}

function apply(state: MailboxState, change: MailboxChange): void {
  if (isMessageChange(change)) state.apply(change)
}

function isMessageChange(change: MailboxChange): change is MessageChange {
  return change.kind === 'added' || change.kind === 'flagged' || change.kind === 'expunged'
}

/** The hubs of all accounts that have sessions, or had some a short while ago. */
export class AccountHubs {
  readonly #host: Host
  /** Summaries of the mailboxes that sessions look at. */
  readonly summaries: SummaryPages = new SummaryPages()
  readonly #hubs = new Map<AccountId, AccountHub>()
  #sweeping = false

  constructor(host: Host) {
    this.#host = host
  }

  /** Joins an account; `undefined` when it has `most` sessions already. */
  join(account: MailAccount, most: number): AccountHub | undefined {
    let hub = this.#hubs.get(account.id)
    if (hub === undefined) {
      hub = new AccountHub(account.id, account, this.summaries, error => this.#host.report(error, 'imap: reading a mailbox again'))
      this.#hubs.set(account.id, hub)
    }
    if (hub.sessions >= most) return undefined
    hub.sessions++
    return hub
  }

  /** Leaves an account. */
  part(hub: AccountHub): void {
    hub.sessions--
    if (hub.sessions > 0) return
    hub.idleSince = this.#host.clock.monotonic()
    let kept = 0
    for (const other of this.#hubs.values()) kept += other.idleMessages
    if (kept > KEPT_MESSAGES) hub.trim(0)
    this.#sweepLater()
  }

  // One timer for all accounts, and only while there is something to let go of.
  #sweepLater(): void {
    if (this.#sweeping) return
    this.#sweeping = true
    this.#host.clock.after(KEEP_FOR, () => {
      this.#sweeping = false
      const now = this.#host.clock.monotonic()
      let idle = false
      for (const [id, hub] of this.#hubs) {
        if (hub.sessions > 0) continue
        if (now - hub.idleSince >= KEEP_FOR) {
          hub.close()
          this.#hubs.delete(id)
        } else idle = true
      }
      if (idle) this.#sweepLater()
    })
  }
}
