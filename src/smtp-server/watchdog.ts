/** The deadlines of one connection, with one timer for all of them. RFC 5321 §4.5.3.2; S26. */

import type { Host } from '../contracts/index.ts'
import { patienceOf, STRESSED_PATIENCE } from '../engine/stress.ts'
import { MIN_RATE, RATE_WINDOW } from './options.ts'
import type { SmtpDeadlines } from './options.ts'

/** Why a client is out of time. */
export type Overdue = 'idle' | 'line' | 'slow' | 'data' | 'session'

/** Whose time it is. */
type House = Pick<Host, 'clock' | 'isStressed'>

type State = 'busy' | 'idle' | 'line' | 'data'

/**
 * Watches how long the client takes. What the server itself takes does not count: while it works, the state is `busy`.
 * Every deadline is a total: octets that trickle in do not put it off. Stress may begin while a client is waited for, so the watchdog
 * looks again every few seconds.
 */
export class Watchdog {
  readonly #house: House
  readonly #deadlines: Required<SmtpDeadlines>
  readonly #overdue: (why: Overdue) => void
  readonly #began: number
  #state: State = 'busy'
  #since = 0
  #windowSince = 0
  #windowOctets = 0
  #timerAt = Number.POSITIVE_INFINITY
  #cancel: (() => void) | undefined
  #stopped = false

  constructor(house: House, deadlines: Required<SmtpDeadlines>, overdue: (why: Overdue) => void) {
    this.#house = house
    this.#deadlines = deadlines
    this.#overdue = overdue
    this.#began = this.#now
  }

  /** The server works on something. */
  busy(): void {
    if (this.#state !== 'data') this.#state = 'busy'
  }

  /** The client is waited for: for a whole command, or for the rest of a line that has begun. */
  waiting(state: 'idle' | 'line'): void {
    if (this.#state === state) return
    this.#enter(state)
  }

  /** The client does not read what it is told: it has as long for that as for a command, or what a message leaves it. */
  unheard(): void {
    if (this.#state !== 'data') this.waiting('idle')
  }

  /** A message begins to arrive. */
  dataBegins(): void {
    this.#enter('data')
    this.#windowSince = this.#since
    this.#windowOctets = 0
  }

  /** Octets of the message arrived. */
  dataArrived(octets: number): void {
    this.#windowOctets += octets
  }

  /** The client could not send, because we did not read for so many milliseconds. */
  heldBack(ms: number): void {
    this.#since += ms
    this.#windowSince += ms
  }

  /** The message is there. */
  dataEnds(): void {
    this.#state = 'busy'
  }

  /** The connection is over. */
  stop(): void {
    this.#stopped = true
    this.#cancel?.()
    this.#cancel = undefined
  }

  get #now(): number {
    return this.#house.clock.monotonic()
  }

  #enter(state: State): void {
    this.#state = state
    this.#since = this.#now
    this.#arm()
  }

  /** When the present state is overdue, and why. */
  #due(): readonly [number, Overdue] {
    const { data, session } = this.#deadlines
    const window = patienceOf(this.#house, RATE_WINDOW)
    const end: readonly [number, Overdue] = [this.#began + session, 'session']
    const own: readonly [number, Overdue] =
      this.#state === 'idle'
        ? [this.#since + patienceOf(this.#house, this.#deadlines.idle), 'idle']
        : this.#state === 'line'
          ? [this.#since + patienceOf(this.#house, this.#deadlines.line), 'line']
          : this.#since + data <= this.#windowSince + window
            ? [this.#since + data, 'data']
            : [this.#windowSince + window, 'slow']
    return own[0] <= end[0] ? own : end
  }

  /** Sees to it that the timer fires no later than the deadline; one that fires early looks again. */
  #arm(): void {
    if (this.#stopped || this.#state === 'busy') return
    const now = this.#now
    const at = Math.min(this.#due()[0], now + STRESSED_PATIENCE)
    if (this.#cancel !== undefined && this.#timerAt <= at) return
    this.#cancel?.()
    this.#timerAt = at
    this.#cancel = this.#house.clock.after(Math.max(0, at - now), () => this.#look())
  }

  #look(): void {
    this.#cancel = undefined
    if (this.#stopped || this.#state === 'busy') return
    const now = this.#now
    const [at, why] = this.#due()
    if (at <= now && why === 'slow' && this.#windowOctets >= (MIN_RATE / 1000) * Math.min(now - this.#windowSince, RATE_WINDOW)) {
      this.#windowSince = now
      this.#windowOctets = 0
    } else if (at <= now) {
      this.stop()
      this.#overdue(why)
      return
    }
    this.#arm()
  }
}
