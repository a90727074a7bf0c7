/** The agent: leases what is due, has it carried, and settles what came of it, many destinations at once. RFC 5321 §4.5.4. */

import type { Clock, Random } from '../../contracts/clock.ts'
import type { EventSink } from '../../contracts/events.ts'
import type { Queue, QueuedMessage, QueueLease } from '../../contracts/queue.ts'
import { DEFAULT_RETRIES, retryDelay } from '../retry-schedule.ts'
import type { RetrySchedule } from '../retry-schedule.ts'
import { decide } from './decide.ts'
import type { Decision, NotifiedRecipient, Patience } from './decide.ts'
import { Destinations } from './destinations.ts'
import type { DestinationLimits } from './destinations.ts'
import { Places } from './places.ts'
import type { Place } from './places.ts'
import { Settling } from './settling.ts'
import type { Transmit, TransmissionReport } from './transmission.ts'

/** Options of {@link DeliveryAgent}. */
export interface AgentOptions {
  readonly queue: Queue
  readonly transmit: Transmit
  /** Makes the notifications about recipients of one lease; read and made before the lease is settled. */
  readonly notify: (lease: QueueLease, recipients: readonly NotifiedRecipient[]) => Promise<readonly QueuedMessage[]>
  readonly clock: Clock
  readonly random: Random
  readonly events: EventSink
  /**
   * Transactions at once, all destinations together. Default 50. Those that last longer than ten seconds stand beside: up to four times as
   * many for one account, eight times as many for all, so that slow servers hold up nobody else's mail.
   */
  readonly maxConcurrency?: number
  /** What one destination is allowed; a function is asked by domain. */
  readonly destination?: DestinationLimits | ((domain: string) => DestinationLimits)
  readonly retries?: RetrySchedule
  /** When a sender is told that a message is late, milliseconds. Default 4 hours. */
  readonly warnAfter?: number
  /** How long a lease lasts without a sign of life, milliseconds. Default 60,000. */
  readonly leaseMs?: number
}

/** A lease at work. */
interface Job {
  readonly lease: QueueLease
  readonly abort: AbortController
  readonly place: Place
}

const LONGEST_SLEEP = 60_000
const PAUSE_AFTER_FAULT = 1_000
/** How long mail waits whose account has too many slow transactions under way. */
const PAUSE_FOR_SLOW = 5 * 60_000

/** Works through a queue until it is stopped. Several may work on one queue, in several processes. */
export class DeliveryAgent {
  readonly #options: AgentOptions
  readonly #destinations: Destinations
  readonly #settling: Settling
  readonly #places: Places
  /** Transactions that a destination begins with. */
  readonly #firstPlaces: number
  readonly #patience: Patience
  readonly #jobs = new Map<string, Job>()
  /** Leased, and waiting for a place at their destination. */
  readonly #waiting = new Map<string, QueueLease[]>()
  #unwatch: (() => void) | undefined
  #unsleep: (() => void) | undefined
  #unbeat: (() => void) | undefined
  #filling = false
  #again = false
  #stopped = false
  #idle: (() => void) | undefined

  constructor(options: AgentOptions) {
    this.#options = options
    const { clock, destination = {}, maxConcurrency = 50 } = options
    this.#places = new Places(maxConcurrency, () => clock.monotonic())
    this.#destinations = new Destinations(typeof destination === 'function' ? destination : () => destination, () => clock.monotonic())
    this.#firstPlaces = typeof destination === 'function' ? 1 : (destination.initialConcurrency ?? 3)
    this.#settling = new Settling(options.queue, clock, error => this.#report(error, 'settling the queue'))
    this.#patience = { retries: options.retries ?? DEFAULT_RETRIES, warnAfter: options.warnAfter ?? 4 * 3_600_000 }
  }

  /** Begins; what is due leaves at once. */
  start(): void {
    this.#unwatch = this.#options.queue.watch(() => this.#wake())
    this.#beat()
    this.#wake()
  }

  /** Leases nothing more, lets what is on its way end for at most `grace` milliseconds, then cuts it off; it will be tried again. */
  async stop(grace: number): Promise<void> {
    this.#stopped = true
    this.#unwatch?.()
    this.#unsleep?.()
    const unstarted = [...this.#waiting.values()].flat()
    this.#waiting.clear()
    const given = unstarted.map(lease => this.#giveBack(lease))
    const cancel = this.#options.clock.after(grace, () => {
      this.#settling.abandon()
      for (const { abort } of this.#jobs.values()) abort.abort(new Error('the agent stops'))
    })
    if (this.#jobs.size > 0) await new Promise<void>(resolve => void (this.#idle = resolve))
    await Promise.all(given)
    cancel()
    this.#unbeat?.()
  }

  #wake(): void {
    this.#unsleep?.()
    this.#unsleep = undefined
    if (this.#filling) {
      this.#again = true
      return
    }
    this.#filling = true
    void this.#fill()
      .catch((error: unknown) => {
        this.#report(error, 'leasing from the queue')
        this.#sleep(PAUSE_AFTER_FAULT)
      })
      .finally(() => {
        this.#filling = false
        if (this.#again) {
          this.#again = false
          this.#wake()
        }
      })
  }

  async #fill(): Promise<void> {
    const { queue, leaseMs = 60_000, maxConcurrency = 50, clock } = this.#options
    for (;;) {
      const untilSlow = this.#begin()
      if (this.#stopped) return
      const room = 2 * maxConcurrency - this.#places.taken - this.#held
      const { closed, places, until } = this.#destinations.places(destination => this.#waiting.get(destination)?.length ?? 0)
      const untilOpen = Math.min(until === undefined ? LONGEST_SLEEP : until - clock.monotonic(), untilSlow)
      if (room <= 0) return this.#sleep(untilOpen)
      // Little more than can begin: what is leased and has to wait would keep others from their turn.
      const leases = await queue.lease({ limit: room, leaseMs, perDestination: this.#firstPlaces, except: closed, allowances: places })
      for (const lease of leases) {
        const line = this.#waiting.get(lease.destination)
        if (line === undefined) this.#waiting.set(lease.destination, [lease])
        else line.push(lease)
      }
      if (leases.length > 0) continue
      const due = await queue.nextDue()
      // What is due already waits for a destination that is closed: its opening, or the end of a transaction, wakes us.
      const untilDue = due === undefined || due <= clock.now() ? LONGEST_SLEEP : due - clock.now()
      return this.#sleep(Math.min(untilDue, untilOpen))
    }
  }

  /** It waits again for a while, untried: this sender's mail has its share of slow servers already. */
  #putOff(lease: QueueLease): void {
    const { clock, random } = this.#options
    const now = clock.now()
    const status = { at: now, code: '4.4.5', text: 'Waits while other mail of this account is held up by slow servers' } as const
    const outcome = { kind: 'deferred', status, dueAt: now + retryDelay(1, random, [PAUSE_FOR_SLOW]), untried: true } as const
    const outcomes = lease.recipients.map(({ index }) => ({ index, outcome }))
    void this.#settling.settle({ id: lease.id, token: lease.token, outcomes }, [])
  }

  /** It waits again at once, untried. */
  #giveBack({ id, token }: QueueLease): Promise<boolean> {
    return this.#settling.settle({ id, token, outcomes: [] }, [])
  }

  get #held(): number {
    let held = 0
    for (const line of this.#waiting.values()) held += line.length
    return held
  }

  #sleep(ms: number): void {
    if (this.#stopped) return
    this.#unsleep?.()
    this.#unsleep = this.#options.clock.after(Math.min(LONGEST_SLEEP, Math.max(1, Math.ceil(ms))), () => this.#wake())
  }

  /** Begins what has a place. Answers the milliseconds until one more may be had because a transaction has become slow. */
  #begin(): number {
    const { slow, next = LONGEST_SLEEP } = this.#places.sift()
    for (const { destination } of slow) this.#destinations.slow(destination)
    for (const [destination, line] of this.#waiting) {
      while (line.length > 0 && !this.#stopped && this.#destinations.open(destination)) {
        const admitted = this.#places.admits(line[0]?.envelope.account ?? '')
        if (admitted === 'full') break
        const lease = line.shift()
        if (lease === undefined) break
        if (admitted === 'yes') this.#carry(lease)
        else this.#putOff(lease)
      }
      // What waits for a destination that rests, or is slow, would take the room of others.
      if (this.#destinations.holdsUp(destination)) for (const lease of line.splice(0)) void this.#giveBack(lease)
      if (line.length === 0) this.#waiting.delete(destination)
    }
    return next
  }

  #carry(lease: QueueLease): void {
    const place = this.#places.begin(lease.envelope.account ?? '', lease.destination)
    const job: Job = { lease, abort: new AbortController(), place }
    this.#jobs.set(lease.token, job)
    this.#destinations.begin(lease.destination)
    void this.#carried(job)
      .catch((error: unknown) => this.#report(error, `carrying message ${lease.id}`))
      .finally(() => {
        this.#jobs.delete(lease.token)
        this.#places.end(place)
        if (this.#jobs.size === 0) this.#idle?.()
        if (!this.#stopped) this.#wake()
      })
  }

  async #carried({ lease, abort, place }: Job): Promise<void> {
    let report: TransmissionReport = { attempts: [] }
    try {
      report = await this.#options.transmit(lease, abort.signal)
    } catch (error) {
      if (!abort.signal.aborted) {
        this.#report(error, `carrying message ${lease.id}`)
        report = { attempts: this.#faulty(lease) }
      }
    } finally {
      this.#destinations.end(lease.destination, report.unreachable !== true, place.isSlow)
    }
    const decisions = this.#decisions(lease, report)
    const told = decisions.flatMap(({ notified }) => notified ?? [])
    const notifications = told.length === 0 ? [] : await this.#notifications(lease, told)
    const outcomes = decisions.map(({ index, outcome }) => ({ index, outcome }))
    // A fault of ours must not come round at once and for ever.
    if (outcomes.length === 0 && !abort.signal.aborted)
      await new Promise<void>(resolve => void this.#options.clock.after(PAUSE_AFTER_FAULT, resolve))
    if (await this.#settling.settle({ id: lease.id, token: lease.token, outcomes }, notifications)) this.#tell(lease, decisions)
  }

  /** A fault of ours may be one for ever (content that is lost): such a message is tried as patiently as any, and given up like any. */
  #faulty({ recipients }: QueueLease): TransmissionReport['attempts'] {
    const status = { at: this.#options.clock.now(), code: '4.3.0', text: 'This server could not send the message' } as const
    return recipients.map(({ index }) => ({ index, kind: 'deferred', status }))
  }

  async #notifications(lease: QueueLease, told: readonly NotifiedRecipient[]): Promise<readonly QueuedMessage[]> {
    try {
      return await this.#options.notify(lease, told)
    } catch (error) {
      this.#report(error, `the notification about message ${lease.id}`)
      return []
    }
  }

  #decisions(lease: QueueLease, { attempts }: TransmissionReport): readonly Decision[] {
    const now = this.#options.clock.now()
    return attempts.flatMap(attempt => {
      const recipient = lease.recipients.find(({ index }) => index === attempt.index)
      return recipient === undefined ? [] : decide(lease, recipient, attempt, now, this.#patience, this.#options.random)
    })
  }

  #tell(lease: QueueLease, decisions: readonly Decision[]): void {
    for (const { index, outcome } of decisions) {
      const recipient = lease.recipients.find(one => one.index === index)
      if (recipient === undefined) continue
      const name = outcome.kind === 'delivered' ? 'sent' : outcome.kind === 'failed' ? 'bounced' : 'delayed'
      this.#options.events.emit(name, {
        id: lease.id,
        from: lease.envelope.from,
        recipient: recipient.address,
        status: outcome.status,
        attempts: recipient.attempts + 1,
        ...(outcome.kind === 'deferred' ? { dueAt: outcome.dueAt } : {}),
      })
    }
  }

  /** The heartbeat: leases are renewed well before they run out; one that is lost is let go. */
  #beat(): void {
    const { clock, queue, leaseMs = 60_000 } = this.#options
    this.#unbeat = clock.after(Math.ceil(leaseMs / 3), () => {
      this.#beat()
      const held = [...this.#waiting.values()].flat()
      const leases = [...held, ...[...this.#jobs.values()].map(({ lease }) => lease)].map(({ id, token }) => ({ id, token }))
      if (leases.length === 0) return
      queue.renew(leases, leaseMs).then(
        lost => this.#lost(new Set(lost)),
        (error: unknown) => this.#report(error, 'renewing leases'),
      )
    })
  }

  #lost(tokens: ReadonlySet<string>): void {
    if (tokens.size === 0) return
    for (const token of tokens) this.#jobs.get(token)?.abort.abort(new Error('the lease is held by somebody else'))
    for (const [destination, line] of this.#waiting) {
      this.#waiting.set(
        destination,
        line.filter(({ token }) => !tokens.has(token)),
      )
    }
  }

  #report(error: unknown, where: string): void {
    this.#options.events.emit('error', { error, where })
  }
}
