/** Lets filters learn from what people do with their mail. */

import type {
  AccountId,
  CallOptions,
  Clock,
  DeliveryContext,
  LoginContext,
  MailStore,
  MessageSource,
  Middleware,
  Next,
  Verdict,
} from '../../contracts/index.ts'
import { MailError } from '../../contracts/index.ts'
import type { LearningResult, Lesson } from '../learned.ts'
import { AccountWatch } from './account-watch.ts'
import type { Sorted } from './account-watch.ts'

/** Who can be taught: the filters `bayes` and `reputation`, or one of your own. Must know a message that it has learned before. */
export interface Pupil {
  /** Learns a message of an account. */
  learn(account: AccountId, source: MessageSource, as: Lesson, options?: CallOptions): Promise<LearningResult>
}

/** A lesson that was given, for logs. */
export interface LessonGiven {
  readonly account: AccountId
  readonly as: Lesson
  /** `moved from INBOX to Junk`. */
  readonly why: string
  readonly result: LearningResult
}

/** Options of {@link junkTeacher}. */
export interface JunkTeacherOptions {
  /** The store whose accounts are watched: the same object that the server has. */
  readonly store: MailStore
  /** Who learns. */
  readonly pupils: readonly Pupil[]
  /** A message moved from the inbox to a mailbox other than Junk, Trash, Drafts and Sent was wanted. Default `true`. */
  readonly filed?: boolean
  /** A message that was answered (`\Answered`) was wanted. Default `true`. */
  readonly answered?: boolean
  /** The keywords `$Junk` and `$NotJunk`, set by a client, teach. Default `true`. */
  readonly keywords?: boolean
  /** A message that was put into Junk when it was more than two minutes old, as clients without MOVE do, was spam. Default `true`. */
  readonly copies?: boolean
  /** Mailboxes that count as Junk too, by their names: where `quarantineMailbox` puts mail aside. Default: none. */
  readonly aside?: readonly string[]
  /** Accounts that are watched at a time; beyond it the one that showed up longest ago is let go. Default 10,000. */
  readonly accounts?: number
  /** Default: the machine's clock. */
  readonly clock?: Pick<Clock, 'now'>
  /** Told of each lesson. */
  readonly onLesson?: (lesson: LessonGiven) => void
  /** Told of what went wrong; a lesson that fails is lost. Default: nobody. */
  readonly report?: (error: unknown, where: string) => void
}

/** A middleware that watches who logs in and who gets mail. It decides nothing. */
export interface JunkTeacher extends Middleware {
  /** Watches an account from now on; again is no error. Accounts that log in or get mail are watched by themselves. */
  follow(account: AccountId): Promise<void>
  /** Watches an account no more. */
  unfollow(account: AccountId): void
  /** Resolves when every lesson that waited was given. */
  settled(): Promise<void>
  /** Watches nobody any more, and resolves when the lesson under way was given. */
  close(): Promise<void>
}

/** Steps of sorting that wait; whoever moves more at once teaches less. */
const MOST_WAITING = 1000
/** Messages of one step. */
const MOST_MESSAGES = 500

/**
 * Watches accounts and teaches: a message moved into Junk was spam; one moved out of it, filed, or answered was wanted. Each
 * message teaches once, whichever session, client or process moved it, because pupils remember their lessons.
 *
 * Lessons are given one after the other, in the background; nothing waits for them.
 *
 * @example
 * ```ts
 * import { bayes } from 'mailwright/filters/bayes'
 * import { junkTeacher } from 'mailwright/filters/junk-teacher'
 * import { reputation } from 'mailwright/filters/reputation'
 * import { score } from 'mailwright/filters/score'
 * import { sqliteState, sqliteStore } from 'mailwright/stores/sqlite'
 *
 * const store = sqliteStore({ path: 'data/mail' })
 * const state = sqliteState({ path: 'data/state.sqlite' })
 * const words = bayes({ state })
 * const people = reputation({ state, authservId: 'mx.example.org' })
 * const chain = [junkTeacher({ store, pupils: [words, people] }), score(), words, people]
 * ```
 */
export function junkTeacher(options: JunkTeacherOptions): JunkTeacher {
  return new Teacher(options)
}

class Teacher implements JunkTeacher {
  readonly name = 'junk-teacher'
  readonly #options: JunkTeacherOptions
  /** In the order in which they showed up. */
  readonly #watched = new Map<AccountId, Promise<AccountWatch | undefined>>()
  readonly #waiting: Sorted[] = []
  #working: Promise<void> | undefined
  #closed = false

  constructor(options: JunkTeacherOptions) {
    this.#options = options
  }

  async login(context: LoginContext, next: Next): Promise<Verdict> {
    const verdict = await next()
    if (verdict.kind === 'accept') {
      const { connection } = context
      // The principal stands there when the phase is over.
      setImmediate(() => {
        const account = connection.principal?.account.id
        if (account !== undefined) void this.follow(account)
      })
    }
    return verdict
  }

  async deliver(context: DeliveryContext, next: Next): Promise<Verdict> {
    // Not awaited: the store may be slow to open, and this delivery teaches nothing.
    void this.follow(context.account.id)
    return next()
  }

  async follow(account: AccountId): Promise<void> {
    if (this.#closed) return
    const known = this.#watched.get(account)
    this.#watched.delete(account)
    const watch = known ?? this.#watch(account)
    this.#watched.set(account, watch)
    for (const oldest of this.#watched.keys()) {
      if (this.#watched.size <= (this.#options.accounts ?? 10_000)) break
      this.unfollow(oldest)
    }
    await watch
  }

  unfollow(account: AccountId): void {
    const watch = this.#watched.get(account)
    this.#watched.delete(account)
    void watch?.then(opened => opened?.close())
  }

  async settled(): Promise<void> {
    while (this.#working !== undefined) await this.#working
  }

  async close(): Promise<void> {
    this.#closed = true
    for (const account of this.#watched.keys()) this.unfollow(account)
    this.#waiting.length = 0
    await this.settled()
  }

  /** Never rejects: an account that cannot be watched is tried again when it shows up again. */
  async #watch(account: AccountId): Promise<AccountWatch | undefined> {
    try {
      const { filed = true, answered = true, keywords = true, copies = true, aside = [], clock } = this.#options
      const watch = new AccountWatch(await this.#options.store.open(account), {
        filed,
        answered,
        keywords,
        copies,
        aside,
        now: () => clock?.now() ?? Date.now(),
        tell: sorted => this.#enqueue(sorted),
        report: error => this.#report(error, account),
      })
      await watch.begin()
      return watch
    } catch (error) {
      this.#watched.delete(account)
      this.#report(error, account)
      return undefined
    }
  }

  #enqueue(sorted: Sorted): void {
    if (this.#closed) return
    if (this.#waiting.length >= MOST_WAITING) this.#waiting.shift()
    this.#waiting.push(sorted)
    this.#working ??= this.#work().finally(() => {
      this.#working = undefined
    })
  }

  async #work(): Promise<void> {
    // A change is told before the call that made it resolves: let that go first.
    await new Promise(resolve => setImmediate(resolve))
    for (let sorted = this.#waiting.shift(); sorted !== undefined; sorted = this.#waiting.shift()) {
      try {
        await this.#teach(sorted)
      } catch (error) {
        // What was moved on or removed meanwhile teaches nothing.
        const gone = error instanceof MailError && (error.kind === 'no-such-message' || error.kind === 'no-such-mailbox')
        if (!gone) this.#report(error, sorted.account)
      }
    }
  }

  async #teach({ account, mailbox, uids, as, why }: Sorted): Promise<void> {
    const opened = await this.#options.store.open(account)
    let count = 0
    for await (const page of opened.mailbox(mailbox).records(uids, ['source'])) {
      for (const { source } of page) {
        if (this.#closed || count++ >= MOST_MESSAGES) return
        if (source === undefined) continue
        for (const pupil of this.#options.pupils) {
          const result = await pupil.learn(account, source, as)
          this.#options.onLesson?.({ account, as, why, result })
        }
        // Lessons cost some milliseconds each: connections come first.
        await new Promise(resolve => setImmediate(resolve))
      }
    }
  }

  #report(error: unknown, account: AccountId): void {
    this.#options.report?.(error, `junk-teacher, account ${account}`)
  }
}
