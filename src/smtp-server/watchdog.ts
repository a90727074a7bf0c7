/** The deadlines of one connection, with one timer for all of them. RFC 5321 §4.5.3.2; S26. */

import type { Clock } from '../contracts/index.ts'
import { MIN_WINDOW_OCTETS, RATE_WINDOW } from './options.ts'
import type { SmtpDeadlines } from './options.ts'

/** Why a client is out of time. */
export type Overdue = 'idle' | 'line' | 'slow' | 'data' | 'session'

type State = 'busy' | 'idle' | 'line' | 'data'

/**
 * Watches how long the client takes. What the server itself takes does not count: while it works, the state is `busy`.
 * Every deadline is a total: octets that trickle in do not put it off.
 */
export class Watchdog {
  readonly #clock: Clock
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

  constructor(clock: Clock, deadlines: Required<SmtpDeadlines>, overdue: (why: Overdue) => void) {
    this.#clock = clock
    this.#deadlines = deadlines
    this.#overdue = overdue
    this.#began = clock.monotonic()
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

  #enter(state: State): void {
    this.#state = state
    this.#since = this.#clock.monotonic()
    this.#arm()
  }

  /** When the present state is overdue, and why. */
  #due(): readonly [number, Overdue] {
    const { idle, line, data, session } = this.#deadlines
    const end: readonly [number, Overdue] = [this.#began + session, 'session']
    const own: readonly [number, Overdue] =
      this.#state === 'idle'
        ? [this.#since + idle, 'idle']
        : this.#state === 'line'
          ? [this.#since + line, 'line']
          : this.#since + data <= this.#windowSince + RATE_WINDOW
            ? [this.#since + data, 'data']
            : [this.#windowSince + RATE_WINDOW, 'slow']
    return own[0] <= end[0] ? own : end
  }

  /** Sees to it that the timer fires no later than the deadline; one that fires early looks again. */
  #arm(): void {
    if (this.#stopped || this.#state === 'busy') return
    const [at] = this.#due()
    if (this.#cancel !== undefined && this.#timerAt <= at) return
    this.#cancel?.()
    this.#timerAt = at
    this.#cancel = this.#clock.after(Math.max(0, at - this.#clock.monotonic()), () => this.#look())
  }

  #look(): void {
    this.#cancel = undefined
    if (this.#stopped || this.#state === 'busy') return
    const now = this.#clock.monotonic()
    const [at, why] = this.#due()
    if (at <= now && why === 'slow' && this.#windowOctets >= MIN_WINDOW_OCTETS) {
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
