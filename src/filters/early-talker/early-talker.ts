/** Keeps strangers waiting for the greeting: who cannot wait, or talks before it was greeted, was not written to deliver mail. RFC 5321 §3.1, §4.3.1. */

import type { Clock, ConnectionContext, Middleware, Next, Verdict } from '../../contracts/index.ts'
import { ConfigurationError } from '../../contracts/index.ts'
import { BoundedMap } from '../bounded-map.ts'
import { isNearby, siteOf } from '../client-network.ts'
import { machineClock } from '../machine-clock.ts'

/** Options of {@link earlyTalker}. */
export interface EarlyTalkerOptions {
  /** Milliseconds that a stranger waits for the greeting. Default 3,000; clients wait 5 minutes (RFC 5321 §4.5.3.2.1). */
  readonly wait?: number
  /** Milliseconds for which a network that waited is not kept waiting again. Default 86,400,000 (a day). */
  readonly remember?: number
  /** Strangers that are kept waiting at a time; further ones are greeted at once, since waiting costs connections (S26). Default 500. */
  readonly atOnce?: number
  /** Networks that are remembered. Default 100,000. */
  readonly memory?: number
  /** Default: the machine's clock. */
  readonly clock?: Clock
}

/**
 * Waits before SMTP clients from unknown networks are greeted. Whoever talks meanwhile breaks the protocol and is refused by the
 * engine; whoever leaves meanwhile was in a hurry. Who waited once is greeted at once from then on.
 *
 * RFC 5321 §3.1: the client "waits for the server's greeting" — the wait itself tells nothing that is not in the protocol.
 *
 * @example
 * ```ts
 * import { earlyTalker } from 'mailwright/filters/early-talker'
 *
 * const filter = earlyTalker({ wait: 5000 })
 * ```
 */
export function earlyTalker(options: EarlyTalkerOptions = {}): Middleware {
  return new EarlyTalker(options)
}

class EarlyTalker implements Middleware {
  readonly name = 'early-talker'
  readonly #clock: Clock
  readonly #wait: number
  readonly #remember: number
  readonly #atOnce: number
  /** When each network's good name ends. */
  readonly #patient: BoundedMap<number>
  #waiting = 0

  constructor(options: EarlyTalkerOptions) {
    this.#clock = options.clock ?? machineClock
    this.#wait = options.wait ?? 3000
    this.#remember = options.remember ?? 86_400_000
    this.#atOnce = options.atOnce ?? 500
    this.#patient = new BoundedMap(options.memory ?? 100_000)
    if (!(this.#wait > 0 && this.#wait <= 25_000)) {
      throw new ConfigurationError('MW_EARLY_TALKER_WAIT', `wait (${this.#wait}) must be above 0 and at most 25,000: the phase has 30 s`)
    }
  }

  async connect(context: ConnectionContext, next: Next): Promise<Verdict> {
    const { connection, trace, signal } = context
    const network = siteOf(connection.remote.address)
    if (connection.protocol !== 'smtp' || network === '' || isNearby(connection.remote.address)) return next()
    if ((this.#patient.get(network) ?? 0) > this.#clock.monotonic()) return next()
    if (this.#waiting >= this.#atOnce) {
      trace.note('greeted at once: too many wait already')
      return next()
    }
    this.#waiting++
    try {
      await this.#pause(signal)
    } finally {
      this.#waiting--
    }
    if (signal.aborted) {
      trace.note('left, or talked, before it was greeted')
      return next()
    }
    trace.note(`waited ${this.#wait} ms for the greeting`)
    this.#patient.set(network, this.#clock.monotonic() + this.#remember)
    return next()
  }

  #pause(signal: AbortSignal): Promise<void> {
    return new Promise(resolve => {
      const done = (): void => {
        stop()
        signal.removeEventListener('abort', done)
        resolve()
      }
      const stop = this.#clock.after(this.#wait, done)
      signal.addEventListener('abort', done)
      if (signal.aborted) done()
    })
  }
}
