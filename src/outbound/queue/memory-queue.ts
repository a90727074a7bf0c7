/** A queue that forgets on exit: the contract in the fewest lines, for tests and for hosts that need no more. RFC 5321 §4.5.4. */

import type { CallOptions } from '../../contracts/call.ts'
import type { Clock } from '../../contracts/clock.ts'
import { MailError } from '../../contracts/mail-error.ts'
import type { MessageSource } from '../../contracts/message.ts'
import type {
  LeaseRequest,
  Queue,
  QueueCounts,
  QueuedMessage,
  QueueEntry,
  QueueLease,
  QueueLimits,
  QueuePause,
  QueueSelector,
  QueueUsage,
  Settlement,
} from '../../contracts/queue.ts'
import { checkMessage, pauseOf, ruleOf } from './check.ts'
import { queueLimits } from './limits.ts'
import { type Job, Line } from './memory-lanes.ts'
import { countsOf, entryOf, isOpen, type Kept, type KeptRecipient, keptOf, leaseOf, sourceOf, usageOf } from './memory-message.ts'
import { isSettled, listsMessage, meansMessage, meansRecipient } from './selector.ts'
import { dueWithin } from './times.ts'

/** Options of {@link memoryQueue}. */
export interface MemoryQueueOptions {
  /** Default: the system's. */
  readonly clock?: Pick<Clock, 'now'>
  /** Default: see {@link QueueLimits}. */
  readonly limits?: Partial<QueueLimits>
}

/**
 * A queue in memory.
 *
 * @example
 * ```ts
 * import { memoryQueue } from 'mailwright/outbound'
 *
 * const queue = memoryQueue()
 * const octets = new TextEncoder().encode('Subject: hello\r\n\r\nhello\r\n')
 * const content = { size: octets.length, read: (start: number, end: number) => octets.subarray(start, end) }
 * const { id } = await queue.enqueue({ from: 'ann@example.org', origin: 'api', recipients: [{ address: 'bob@example.net' }], content })
 * const [lease] = await queue.lease({ limit: 1, leaseMs: 60_000 })
 * console.log(id, lease?.destination)
 * ```
 */
export function memoryQueue(options: MemoryQueueOptions = {}): Queue {
  return new MemoryQueue(options)
}

class MemoryQueue implements Queue {
  readonly durable = false
  readonly limits: QueueLimits
  readonly #now: () => number
  readonly #messages = new Map<string, Kept>()
  readonly #keys = new Map<string, string>()
  readonly #pauses = new Map<string, QueuePause>()
  readonly #listeners = new Set<() => void>()
  readonly #line = new Line()
  #last = 0
  #closed = false

  constructor({ clock = { now: () => Date.now() }, limits }: MemoryQueueOptions) {
    this.limits = queueLimits(limits)
    this.#now = () => clock.now()
  }

  async #run<T>(options: CallOptions | undefined, call: () => T | Promise<T>): Promise<T> {
    if (this.#closed) throw new MailError('unavailable', 'the queue is closed')
    options?.signal?.throwIfAborted()
    this.#forget()
    return call()
  }

  #forget(): void {
    const before = this.#now() - this.limits.rememberMs
    for (const { id, settledAt, key } of this.#messages.values()) {
      if (settledAt === undefined || settledAt > before) continue
      this.#messages.delete(id)
      if (key !== undefined) this.#keys.delete(key)
    }
  }

  enqueue(message: QueuedMessage, options?: CallOptions): Promise<{ readonly id: string; readonly repeated: boolean }> {
    return this.#run(options, async () => {
      checkMessage(message)
      const kept = await keptOf(message, this.limits, this.#now())
      options?.signal?.throwIfAborted()
      const known = kept.key === undefined ? undefined : this.#keys.get(kept.key)
      if (known !== undefined) return { id: known, repeated: true }
      const open = [...this.#messages.values()].filter(isOpen).length
      if (open >= this.limits.maxMessages) throw new MailError('no-space', `the queue is full: ${open} messages wait`)
      const id = this.#add(kept)
      this.#tell()
      return { id, repeated: false }
    })
  }

  #add(kept: Omit<Kept, 'id'>): string {
    const id = `q${++this.#last}`
    this.#messages.set(id, { ...kept, id })
    if (kept.key !== undefined) this.#keys.set(kept.key, id)
    return id
  }

  lease(request: LeaseRequest, options?: CallOptions): Promise<readonly QueueLease[]> {
    return this.#run(options, () => {
      const now = this.#now()
      const leases: QueueLease[] = []
      const taken = new Map<string, number>((request.except ?? []).map(destination => [destination, Infinity]))
      const allowed = new Map((request.allowances ?? []).map(({ destination, leases: most }) => [destination, most]))
      this.#line.serve(this.#due(now, request.recipientsPerLease ?? 100), ({ destination, what: [message, recipients] }) => {
        if (leases.length >= request.limit) return 'stop'
        const before = taken.get(destination) ?? 0
        if (before >= (allowed.get(destination) ?? request.perDestination ?? request.limit)) return 'pass'
        taken.set(destination, before + 1)
        const token = `t${++this.#last}`
        for (const recipient of recipients) Object.assign(recipient, { state: 'leased', token, dueAt: now + request.leaseMs })
        leases.push(leaseOf(message, recipients, destination, token))
        return 'taken'
      })
      return leases
    })
  }

  /** Recipients that nobody has now, by message and domain. */
  #due(now: number, most: number): readonly Job<readonly [Kept, readonly KeptRecipient[]]>[] {
    const jobs: Job<readonly [Kept, readonly KeptRecipient[]]>[] = []
    for (const message of this.#messages.values()) {
      const free = message.recipients.filter(recipient => this.#isFree(message, recipient) && recipient.dueAt <= now)
      for (const [destination, all] of Map.groupBy(free, recipient => recipient.destination)) {
        for (let at = 0; at < all.length; at += most) {
          const recipients = all.slice(at, at + most)
          const { account = '', priority = 0 } = message.envelope
          const due = Math.min(...recipients.map(({ dueAt }) => dueAt))
          jobs.push({ priority, account, destination, due, what: [message, recipients] })
        }
      }
    }
    return jobs
  }

  /** Whether a worker can have it once it is due. A lease that ran out leaves its token, which is good until the next lease. */
  #isFree({ envelope }: Kept, recipient: KeptRecipient): boolean {
    if (recipient.state === 'leased' && recipient.dueAt <= this.#now()) recipient.state = 'waiting'
    const { account = '', from } = envelope
    return (
      recipient.state === 'waiting' &&
      !this.#pauses.has(`destination ${recipient.destination}`) &&
      !this.#pauses.has(`from ${from}`) &&
      !this.#pauses.has(`account ${account}`)
    )
  }

  renew(leases: readonly Pick<QueueLease, 'id' | 'token'>[], leaseMs: number, options?: CallOptions): Promise<readonly string[]> {
    return this.#run(options, () => {
      const until = this.#now() + leaseMs
      return leases.flatMap(({ id, token }) => {
        const mine = this.#holders(id, token).filter(({ state }) => state !== 'held')
        for (const recipient of mine) Object.assign(recipient, { state: 'leased', dueAt: until })
        return mine.length === 0 ? [token] : []
      })
    })
  }

  #holders(id: string, token: string): readonly KeptRecipient[] {
    return this.#messages.get(id)?.recipients.filter(recipient => recipient.token === token) ?? []
  }

  settle(settlements: readonly Settlement[], options: Parameters<Queue['settle']>[1] = {}): Promise<readonly string[]> {
    return this.#run(options, async () => {
      const { notifications = [] } = options
      for (const { message } of notifications) checkMessage(message)
      const ready = await Promise.all(notifications.map(({ message }) => keptOf(message, this.limits, this.#now())))
      options.signal?.throwIfAborted()
      const isVoid = (id: string, token: string): boolean => this.#holders(id, token).length === 0
      const lost = settlements.filter(({ id, token }) => isVoid(id, token))
      for (const settlement of settlements) this.#settleOne(settlement)
      for (const [at, { about, token }] of notifications.entries()) {
        const kept = ready[at]
        const unwanted = lost.some(one => (token === undefined ? one.id === about : one.token === token))
        if (kept !== undefined && !unwanted && !(kept.key !== undefined && this.#keys.has(kept.key))) this.#add(kept)
      }
      if (notifications.length > 0) this.#tell()
      return lost.map(({ token }) => token)
    })
  }

  #settleOne({ id, token, outcomes }: Settlement): void {
    const message = this.#messages.get(id)
    const now = this.#now()
    for (const recipient of this.#holders(id, token)) {
      const outcome = outcomes.find(({ index }) => index === recipient.index)?.outcome
      recipient.token = undefined
      if (message === undefined) continue
      if (outcome === undefined) {
        if (recipient.state !== 'held') Object.assign(recipient, { state: 'waiting', dueAt: now })
        continue
      }
      recipient.last = outcome.status
      if (outcome.kind !== 'deferred') recipient.state = outcome.kind
      else {
        if (recipient.state !== 'held') recipient.state = 'waiting'
        recipient.dueAt = dueWithin(outcome.dueAt, now, message.envelope)
        recipient.warned ||= outcome.warned === true
      }
      if (outcome.kind !== 'deferred' || outcome.untried !== true) recipient.attempts++
    }
    if (message !== undefined) this.#settled(message)
  }

  #settled(message: Kept): void {
    if (message.settledAt !== undefined || isOpen(message)) return
    message.settledAt = this.#now()
    message.octets = undefined
  }

  nextDue(options?: CallOptions): Promise<number | undefined> {
    return this.#run(options, () => {
      let next: number | undefined
      for (const message of this.#messages.values()) {
        for (const recipient of message.recipients) {
          if (!this.#isFree(message, recipient) && recipient.state !== 'leased') continue
          next = Math.min(next ?? Infinity, recipient.dueAt)
        }
      }
      return next
    })
  }

  watch(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  #tell(): void {
    for (const listener of this.#listeners) queueMicrotask(listener)
  }

  /** Goes through what a selector means of what is not settled, and counts what `change` took. */
  #steer(selector: QueueSelector, options: CallOptions | undefined, change: (recipient: KeptRecipient) => boolean): Promise<number> {
    return this.#run(options, () => {
      let count = 0
      for (const message of this.#messages.values()) {
        if (!meansMessage(selector, message.id, message.envelope)) continue
        for (const recipient of message.recipients) {
          this.#isFree(message, recipient)
          const { state, given } = recipient
          if (!isSettled(state) && meansRecipient(selector, { address: given.address, state }) && change(recipient)) count++
        }
        this.#settled(message)
      }
      this.#tell()
      return count
    })
  }

  hold(selector: QueueSelector, options?: CallOptions): Promise<number> {
    return this.#steer(selector, options, recipient => {
      if (recipient.state !== 'waiting') return false
      recipient.state = 'held'
      return true
    })
  }

  release(selector: QueueSelector, options?: CallOptions): Promise<number> {
    return this.#steer(selector, options, recipient => {
      if (recipient.state !== 'held') return false
      Object.assign(recipient, { state: 'waiting', dueAt: this.#now() })
      return true
    })
  }

  retry(selector: QueueSelector, options?: CallOptions): Promise<number> {
    return this.#steer(selector, options, recipient => {
      if (recipient.state !== 'waiting') return false
      recipient.dueAt = Math.min(recipient.dueAt, this.#now())
      return true
    })
  }

  remove(selector: QueueSelector, options?: CallOptions): Promise<number> {
    return this.#steer(selector, options, recipient => {
      Object.assign(recipient, { state: 'removed', token: undefined })
      return true
    })
  }

  pause(rule: QueuePause, options?: CallOptions): Promise<void> {
    return this.#run(options, () => {
      const [kind, value] = pauseOf(rule)
      this.#pauses.set(`${kind} ${value}`, ruleOf(kind, value))
    })
  }

  resume(rule: QueuePause, options?: CallOptions): Promise<void> {
    return this.#run(options, () => {
      this.#pauses.delete(pauseOf(rule).join(' '))
      this.#tell()
    })
  }

  paused(options?: CallOptions): Promise<readonly QueuePause[]> {
    return this.#run(options, () => [...this.#pauses.values()])
  }

  async *list(selector: QueueSelector = {}, options?: CallOptions): AsyncIterable<QueueEntry> {
    const ids = await this.#run(options, () => [...this.#messages.keys()])
    for (const id of ids) {
      const entry = await this.show(id, options)
      if (entry !== undefined && meansMessage(selector, id, entry) && listsMessage(selector, entry.recipients)) yield entry
    }
  }

  show(id: string, options?: CallOptions): Promise<QueueEntry | undefined> {
    return this.#run(options, () => {
      const message = this.#messages.get(id)
      message?.recipients.forEach(recipient => this.#isFree(message, recipient))
      return message === undefined ? undefined : entryOf(message)
    })
  }

  content(id: string, options?: CallOptions): Promise<MessageSource | undefined> {
    return this.#run(options, () => {
      const message = this.#messages.get(id)
      return message?.octets === undefined ? undefined : sourceOf(message)
    })
  }

  counts(options?: CallOptions): Promise<QueueCounts> {
    return this.#run(options, () => {
      const open = [...this.#messages.values()].filter(isOpen)
      for (const message of open) message.recipients.forEach(recipient => this.#isFree(message, recipient))
      return countsOf(open)
    })
  }

  usage(account: string, { since }: { readonly since: number }, options?: CallOptions): Promise<QueueUsage> {
    return this.#run(options, () => usageOf([...this.#messages.values()], account, since))
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#listeners.clear()
  }
}
