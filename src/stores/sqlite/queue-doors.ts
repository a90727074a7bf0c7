/** The queue of a SQLite store: the same writer, the same durable steps, the same segment files as the mail. RFC 5321 §4.5.4. */

import type { CallOptions } from '../../contracts/call.ts'
import type { Clock } from '../../contracts/clock.ts'
import type { AccountId } from '../../contracts/mailbox-info.ts'
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
import { checkMessage, checkMessageInTurns, pauseOf } from '../../outbound/queue/check.ts'
import { queueLimits } from '../../outbound/queue/limits.ts'
import type { House, Parcel } from './house.ts'
import type { Enqueued } from './queue-enqueue.ts'
import { leaseOf, numberOfToken, packedRecipients, queueMessageInput, settlementInput } from './queue-input.ts'
import {
  type Moments,
  readContent,
  readCounts,
  readEntry,
  readNews,
  readNextDue,
  readPage,
  readPauses,
  readUsage,
} from './queue-reading.ts'
import { rowOfQueueId } from './queue-steer.ts'
import type { LeasedInput, QueueTask } from './queue-task.ts'

/** Messages forgotten in one durable step. */
const FORGET = 500

/** Recipients in one lease unless asked otherwise. RFC 5321 §4.5.3.1.8: servers take at least 100. */
const RECIPIENTS = 100

/** Milliseconds between two looks for what is to be forgotten. */
const FORGET_EVERY = 600_000

/** Settings of the queue in a store. */
export interface SqliteQueueOptions {
  /** Default: see {@link QueueLimits}. */
  readonly limits?: Partial<QueueLimits>
  /** What the queue goes by. Default: the system's clock. */
  readonly clock?: Pick<Clock, 'now'>
}

/** The queue. */
export class SqliteQueue implements Queue {
  readonly durable = true
  readonly limits: QueueLimits
  readonly #house: House
  readonly #pollInterval: number
  readonly #now: () => number
  readonly #listeners = new Set<() => void>()
  readonly #ending = new AbortController()
  readonly #forgetting: NodeJS.Timeout
  #polling: NodeJS.Timeout | undefined
  #news = 0
  #running = new Set<Promise<unknown>>()

  constructor(house: House, { limits, clock = { now: () => Date.now() } }: SqliteQueueOptions, pollInterval: number) {
    this.limits = queueLimits(limits)
    this.#house = house
    this.#pollInterval = pollInterval
    this.#now = () => Math.floor(clock.now())
    this.#forgetting = setInterval(() => void this.#forgetQuietly(), Math.min(FORGET_EVERY, Math.max(1000, this.limits.rememberMs))).unref()
  }

  async #run<T>(options: CallOptions | undefined, call: () => T | Promise<T>): Promise<T> {
    if (this.#ending.signal.aborted) throw new MailError('unavailable', 'the queue is closed')
    const running = this.#house.run(options, call)
    this.#running.add(running)
    try {
      return await running
    } finally {
      this.#running.delete(running)
    }
  }

  #task<T>(task: QueueTask, parcel?: Parcel): Promise<T> {
    return this.#house.write<T>({ kind: 'queue', task, contents: parcel?.contents ?? [] }, parcel?.octets)
  }

  #moments(): Moments {
    const now = this.#now()
    return { now, forgotten: now - this.limits.rememberMs }
  }

  enqueue(message: QueuedMessage, options?: CallOptions): Promise<{ readonly id: string; readonly repeated: boolean }> {
    return this.#run(options, async () => {
      await checkMessageInTurns(message)
      const { forgotten } = this.#moments()
      const known = this.#known(message, forgotten)
      if (known !== undefined) return { id: `q${known}`, repeated: true }
      const recipients = await packedRecipients(message.recipients)
      const parcel = await this.#house.pack([message.content], options)
      try {
        const now = this.#now()
        const input = queueMessageInput(message, 0, this.limits, now, recipients)
        const { maxMessages } = this.limits
        const { message: row, repeated } = await this.#task<Enqueued>(
          { kind: 'enqueue', now, message: input, maxMessages, forgotten },
          parcel,
        )
        if (!repeated) this.#tell()
        return { id: `q${row}`, repeated }
      } finally {
        parcel.done()
      }
    })
  }

  /** Saves the writing of the octets where the key is known; the writer looks again. */
  #known({ account = '', idempotencyKey }: QueuedMessage, forgotten: number): number | undefined {
    if (idempotencyKey === undefined) return undefined
    return this.#house.sql.row<[number]>(
      `SELECT k.message FROM queue_key AS k JOIN queue_message AS m ON m.id = k.message
       WHERE k.account = ? AND k.key = ? AND (m.settled_at IS NULL OR m.settled_at > ?)`,
      account,
      idempotencyKey,
      forgotten,
    )?.[0]
  }

  lease(request: LeaseRequest, options?: CallOptions): Promise<readonly QueueLease[]> {
    return this.#run(options, async () => {
      const now = this.#now()
      const { limit, leaseMs, recipientsPerLease = RECIPIENTS, perDestination = limit, except = [], allowances = [] } = request
      // Whoever asks in vain must not cost a durable step.
      const due = readNextDue(this.#house.sql, now)
      if (limit < 1 || due === undefined || due > now) return []
      const leased = await this.#task<readonly LeasedInput[]>({
        kind: 'lease',
        now,
        limit,
        leaseMs,
        recipientsPerLease: Math.max(1, recipientsPerLease),
        perDestination,
        except,
        allowances: allowances.map(({ destination, leases }) => [destination, leases] as const),
      })
      return leased.map(input => leaseOf(input, this.#house.reader))
    })
  }

  renew(leases: readonly Pick<QueueLease, 'id' | 'token'>[], leaseMs: number, options?: CallOptions): Promise<readonly string[]> {
    return this.#run(options, async () => {
      if (leases.length === 0) return []
      const asked = leases.map(({ id, token }) => [rowOfQueueId(id), numberOfToken(token)[0]] as const)
      const lost = new Set(await this.#task<readonly number[]>({ kind: 'renew', until: this.#now() + leaseMs, leases: asked }))
      return leases.flatMap(({ token }, at) => (lost.has(asked[at]?.[1] ?? -1) ? [token] : []))
    })
  }

  settle(settlements: readonly Settlement[], options: Parameters<Queue['settle']>[1] = {}): Promise<readonly string[]> {
    return this.#run(options, async () => {
      const { notifications = [] } = options
      if (settlements.length === 0 && notifications.length === 0) return []
      for (const { message } of notifications) checkMessage(message)
      const parcel = await this.#house.pack(
        notifications.map(({ message }) => message.content),
        options,
      )
      try {
        const { now, forgotten } = this.#moments()
        const inputs = settlements.map(settlementInput)
        const lost = new Set(
          await this.#task<readonly number[]>(
            {
              kind: 'settle',
              now,
              settlements: inputs,
              notifications: notifications.map(({ about, token, message }) => ({
                about: rowOfQueueId(about),
                token: token === undefined ? undefined : numberOfToken(token)[0],
                message: queueMessageInput(message, parcel.indexOf(message.content), this.limits, now),
              })),
              forgotten,
            },
            parcel,
          ),
        )
        if (notifications.length > 0) this.#tell()
        return settlements.flatMap(({ token }, at) => (lost.has(inputs[at]?.token ?? -1) ? [token] : []))
      } finally {
        parcel.done()
      }
    })
  }

  nextDue(options?: CallOptions): Promise<number | undefined> {
    return this.#run(options, () => readNextDue(this.#house.sql, this.#now()))
  }

  watch(listener: () => void): () => void {
    this.#listeners.add(listener)
    if (this.#polling === undefined && !this.#ending.signal.aborted) {
      this.#lookForNews()
      this.#polling = setInterval(() => this.#poll(), this.#pollInterval).unref()
    }
    return () => {
      this.#listeners.delete(listener)
      if (this.#listeners.size > 0) return
      clearInterval(this.#polling)
      this.#polling = undefined
    }
  }

  /** Where this fails, the next look tells once more than it need. */
  #lookForNews(): void {
    try {
      this.#news = readNews(this.#house.sql)
    } catch {
      this.#news = -1
    }
  }

  /** Looks for what other processes queued. */
  #poll(): void {
    try {
      if (readNews(this.#house.sql) !== this.#news) this.#tell()
    } catch {
      // Another process holds the database, or it could not be read: the next look tells.
    }
  }

  #tell(): void {
    if (this.#listeners.size === 0) return
    this.#lookForNews()
    for (const listener of this.#listeners) queueMicrotask(listener)
  }

  async #steer(kind: 'hold' | 'release' | 'retry' | 'remove', selector: QueueSelector, options?: CallOptions): Promise<number> {
    return this.#run(options, async () => {
      const count = await this.#task<number>({ kind, selector, now: this.#now() })
      if (kind === 'release' || kind === 'retry') this.#tell()
      return count
    })
  }

  hold(selector: QueueSelector, options?: CallOptions): Promise<number> {
    return this.#steer('hold', selector, options)
  }

  release(selector: QueueSelector, options?: CallOptions): Promise<number> {
    return this.#steer('release', selector, options)
  }

  retry(selector: QueueSelector, options?: CallOptions): Promise<number> {
    return this.#steer('retry', selector, options)
  }

  remove(selector: QueueSelector, options?: CallOptions): Promise<number> {
    return this.#steer('remove', selector, options)
  }

  pause(rule: QueuePause, options?: CallOptions): Promise<void> {
    return this.#run(options, () => this.#task<undefined>({ kind: 'pause', rule: pauseOf(rule), now: this.#now() }))
  }

  resume(rule: QueuePause, options?: CallOptions): Promise<void> {
    return this.#run(options, async () => {
      await this.#task({ kind: 'resume', rule: pauseOf(rule), now: this.#now() })
      this.#tell()
    })
  }

  paused(options?: CallOptions): Promise<readonly QueuePause[]> {
    return this.#run(options, () => readPauses(this.#house.sql))
  }

  async *list(selector: QueueSelector = {}, options?: CallOptions): AsyncIterable<QueueEntry> {
    if (selector.id !== undefined) {
      const after = rowOfQueueId(selector.id) - 1
      const { entries } = await this.#run(options, () => readPage(this.#house.sql, selector, after, this.#moments()))
      yield* entries
      return
    }
    for (let after: number | undefined = 0; after !== undefined;) {
      const from: number = after
      const page = await this.#run(options, () => readPage(this.#house.sql, selector, from, this.#moments()))
      yield* page.entries
      after = page.next
      // Whoever looks for one among a million leaves the others their turn.
      await new Promise(setImmediate)
    }
  }

  show(id: string, options?: CallOptions): Promise<QueueEntry | undefined> {
    return this.#run(options, () => readEntry(this.#house.sql, id, this.#moments()))
  }

  content(id: string, options?: CallOptions): Promise<MessageSource | undefined> {
    return this.#run(options, () => readContent(this.#house.sql, this.#house.reader, id))
  }

  usage(account: AccountId, asked: { readonly since: number; readonly most: number }, options?: CallOptions): Promise<QueueUsage> {
    return this.#run(options, () => readUsage(this.#house.sql, account, asked))
  }

  counts(options?: CallOptions): Promise<QueueCounts> {
    return this.#run(options, () => readCounts(this.#house.sql, this.#now()))
  }

  /** Forgets what was settled long ago; answers how many messages. Runs by itself, and with the store's compaction. */
  forget(signal?: AbortSignal): Promise<number> {
    return this.#run(signal === undefined ? undefined : { signal }, async () => {
      for (let gone = 0; ;) {
        const settledUntil = this.#moments().forgotten
        if (
          this.#house.sql.number(
            'SELECT count(*) FROM (SELECT 1 FROM queue_message WHERE settled_at IS NOT NULL AND settled_at <= ? LIMIT 1)',
            settledUntil,
          ) === 0
        ) {
          return gone
        }
        gone += await this.#task<number>({ kind: 'forget', settledUntil, most: FORGET })
        signal?.throwIfAborted()
      }
    })
  }

  async #forgetQuietly(): Promise<void> {
    try {
      await this.forget(this.#ending.signal)
    } catch (error) {
      // The next time does what this one did not.
      if (!this.#ending.signal.aborted) process.emitWarning(error instanceof Error ? error : String(error))
    }
  }

  async close(): Promise<void> {
    if (this.#ending.signal.aborted) return
    this.#ending.abort(new MailError('unavailable', 'the queue is closed'))
    clearInterval(this.#forgetting)
    clearInterval(this.#polling)
    this.#listeners.clear()
    await Promise.allSettled(this.#running)
  }
}
