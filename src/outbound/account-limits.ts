/** How much one login may have waiting, and name in an hour: what a stolen password can do ends there. RFC 6409 §6.3 (Enforce Permissions); S34. */

import type { Clock } from '../contracts/clock.ts'
import type { Principal } from '../contracts/directory.ts'
import { ConfigurationError } from '../contracts/mail-error.ts'
import type { Queue, QueueUsage } from '../contracts/queue.ts'
import { accept, defer } from '../contracts/verdict.ts'
import type { Verdict } from '../contracts/verdict.ts'

/** What an account may have in the queue. Recipients here are not counted. `Infinity` takes a limit away. */
export interface AccountLimits {
  /** Messages that wait. Default 1000. */
  readonly waitingMessages?: number
  /** Recipients that wait. Default 10,000. */
  readonly waitingRecipients?: number
  /** Recipients of all messages of the last hour, the host's own in the account's name included. Default 1000. */
  readonly recipientsPerHour?: number
}

/** The limits of everybody, or of each; `false`: none. */
export type AccountLimitsFor = AccountLimits | false | ((principal: Principal) => AccountLimits | false)

/** What {@link AccountLimits} are unless it is said. */
export const DEFAULT_ACCOUNT_LIMITS: Required<AccountLimits> = Object.freeze({
  waitingMessages: 1000,
  waitingRecipients: 10_000,
  recipientsPerHour: 1000,
})

const HOUR = 3_600_000
/** A message that was let in and never came to be queued keeps its room so long. */
const FORGOTTEN = 120_000
/** How old an answer of the queue may be while recipients are named. */
const FRESH = 1000
const MOST_REMEMBERED = 10_000

const NOTHING: QueueUsage = Object.freeze({ messages: 0, recipients: 0, recent: 0, all: 0 })
const NO_LIMITS: Required<AccountLimits> = Object.freeze({
  waitingMessages: Infinity,
  waitingRecipients: Infinity,
  recipientsPerHour: Infinity,
})
const QUEUE_FULL = defer('The queue of this server is full, please try again later', '4.3.1')

interface Reserved {
  readonly account: string
  recipients: number
  readonly until: number
}

interface Known {
  readonly usage: QueueUsage
  readonly at: number
}

/** Holds accounts to their limits. */
export class AccountGuard {
  readonly #queue: Queue
  readonly #limits: AccountLimitsFor
  readonly #clock: Pick<Clock, 'now'>
  /** Room of messages that were let in and are not queued yet, by their ids. */
  readonly #reserved = new Map<string, Reserved>()
  readonly #known = new Map<string, Known>()

  /** Throws `MW_ACCOUNT_LIMITS` for limits that cannot be kept. */
  constructor(queue: Queue, clock: Pick<Clock, 'now'>, limits: AccountLimitsFor | undefined) {
    this.#queue = queue
    this.#clock = clock
    this.#limits = limits ?? {}
    if (typeof limits === 'object') check(limits)
    if (limits !== undefined && limits !== false && queue.usage === undefined)
      throw new ConfigurationError('MW_ACCOUNT_LIMITS', 'the queue does not tell what accounts have in it (`usage`): limits cannot be kept')
  }

  /** Whether a login may name one more recipient, beside those it has named in this transaction. */
  async recipient(principal: Principal | undefined, taken: number): Promise<Verdict> {
    if (principal === undefined) return accept()
    return this.#judge(principal, taken + 1, { age: FRESH })
  }

  /** Whether a message may be queued; if so, its room is kept until {@link AccountGuard.queued}. */
  async room(id: string, principal: Principal | undefined, recipients: number): Promise<Verdict> {
    if (this.#queue.usage === undefined) return accept()
    const account = principal?.account.id ?? ''
    const { all } = await this.#queue.usage(account, { since: this.#clock.now(), most: 1 })
    // Those let in a moment ago are counted, so that the last place is not given twice.
    if (all + this.#reserved.size >= this.#queue.limits.maxMessages) {
      this.#forget()
      if (all + this.#reserved.size >= this.#queue.limits.maxMessages) return QUEUE_FULL
    }
    const keep = (): void => void this.#reserved.set(id, { account, recipients, until: this.#clock.now() + FORGOTTEN })
    if (principal !== undefined) return this.#judge(principal, recipients, { age: 0, keep })
    keep()
    return accept()
  }

  /** So many recipients of the message are queued now, or never will be. */
  queued(id: string, recipients: number): void {
    const kept = this.#reserved.get(id)
    if (kept === undefined) return
    this.#known.delete(kept.account)
    kept.recipients -= recipients
    if (kept.recipients <= 0) this.#reserved.delete(id)
  }

  /** `keep` is called in the same turn as the decision, so that two messages at once do not both have the last place. */
  async #judge(
    principal: Principal,
    recipients: number,
    { age, keep }: { readonly age: number; readonly keep?: () => void },
  ): Promise<Verdict> {
    const wanted = typeof this.#limits === 'function' ? this.#limits(principal) : this.#limits
    const limits = wanted === false ? NO_LIMITS : { ...DEFAULT_ACCOUNT_LIMITS, ...wanted }
    const { waitingMessages, waitingRecipients, recipientsPerHour } = limits
    const account = principal.account.id
    // Every message has a recipient, so that more of them than this are too many in every regard.
    const most = Math.max(...Object.values(limits).filter(limit => limit < Infinity), 0) + 1
    const usage = most === 1 || this.#queue.usage === undefined ? NOTHING : await this.#usage(account, most, age)
    const coming = this.#coming(account)
    if (usage.messages + coming.messages >= waitingMessages)
      return full(`your account may have ${waitingMessages} messages waiting at a time, and has ${usage.messages + coming.messages}`)
    if (usage.recipients + coming.recipients + recipients > waitingRecipients)
      return full(
        `your account may have ${waitingRecipients} recipients waiting at a time, and has ${usage.recipients + coming.recipients}`,
      )
    if (usage.recent + coming.recipients + recipients <= recipientsPerHour) {
      keep?.()
      return accept()
    }
    const { recentSince = this.#clock.now() } = usage
    const minutes = Math.max(1, Math.ceil((recentSince + HOUR - this.#clock.now()) / 60_000))
    return full(`your account may write to ${recipientsPerHour} recipients in an hour: some of them again in ${minutes} minutes`)
  }

  async #usage(account: string, most: number, age: number): Promise<QueueUsage> {
    const now = this.#clock.now()
    const known = this.#known.get(account)
    if (known !== undefined && age > 0 && now - known.at < age && now >= known.at) return known.usage
    const usage = (await this.#queue.usage?.(account, { since: now - HOUR, most })) ?? NOTHING
    if (this.#known.size >= MOST_REMEMBERED) this.#known.clear()
    this.#known.set(account, { usage, at: now })
    return usage
  }

  #coming(account: string): { readonly messages: number; readonly recipients: number } {
    this.#forget()
    let messages = 0
    let recipients = 0
    for (const kept of this.#reserved.values()) {
      if (kept.account !== account) continue
      messages++
      recipients += kept.recipients
    }
    return { messages, recipients }
  }

  #forget(): void {
    const now = this.#clock.now()
    for (const [id, { until }] of this.#reserved) {
      // In the order of their coming: the first that stays is followed by younger ones.
      if (until > now) return
      this.#reserved.delete(id)
    }
  }
}

/** RFC 3463 §3.6 (X.5.3): clients know it as "too many recipients", for now. */
function full(text: string): Verdict {
  return defer(`Not now: ${text}`, '4.5.3')
}

function check(limits: AccountLimits): void {
  for (const [name, value] of Object.entries(limits)) {
    if (typeof value === 'number' && value >= 0) continue
    throw new ConfigurationError('MW_ACCOUNT_LIMITS', `accountLimits.${name} is ${String(value)}: give a number of at least 0, or Infinity`)
  }
}
