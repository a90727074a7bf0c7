/** Bounds how much one client may do in a time: the generic cell rate algorithm, one number for each client. RFC 5321 §7.8; S34. */

import type {
  Clock,
  CommandContext,
  ConnectionContext,
  ConnectionFacts,
  Middleware,
  Next,
  RecipientContext,
  SenderContext,
  Verdict,
} from '../../contracts/index.ts'
import { defer } from '../../contracts/index.ts'
import { BoundedMap } from '../bounded-map.ts'
import { networksOf } from '../networks.ts'
import { machineClock } from '../machine-clock.ts'

/** So many in so many milliseconds; up to `burst` of them at once. */
export interface Rate {
  readonly count: number
  /** Milliseconds. */
  readonly per: number
  /** Default: `count`. */
  readonly burst?: number
}

/** Options of {@link rateLimit}. */
export interface RateLimitOptions {
  /** Default: the machine's clock. */
  readonly clock?: Clock
  /** Connections of one IPv4 address or IPv6 /64. Default: no limit. */
  readonly connections?: Rate
  /** Messages begun by one client: by account where one has logged in, else by address. Default: no limit. */
  readonly messages?: Rate
  /** Recipients named by one client, counted like messages. Default: no limit. */
  readonly recipients?: Rate
  /** Commands of IMAP and POP3 given by one client, counted like messages, over all its connections. Default: no limit. */
  readonly commands?: Rate
  /** Only those who have logged in count for messages and recipients: what others send is bounded by connections alone. Default `false`. */
  readonly accountsOnly?: boolean
  /** Clients that are remembered at a time; the oldest are forgotten first. Default 100,000. */
  readonly memory?: number
}

const TOO_FAST: Verdict = defer('Too much at once, please try again later', '4.7.1')

/**
 * Defers connections, messages, recipients and commands beyond a rate. What was refused is not counted, so a client that waits is
 * served. Clients on Unix sockets have no address and are not limited before they log in.
 *
 * @example
 * ```ts
 * import { rateLimit } from 'mailwright/filters/rate-limit'
 *
 * const limit = rateLimit({ recipients: { count: 200, per: 3_600_000, burst: 50 } })
 * ```
 */
export function rateLimit(options: RateLimitOptions): Middleware {
  return new RateLimit(options)
}

class RateLimit implements Middleware {
  readonly name = 'rate-limit'
  readonly #clock: Pick<Clock, 'monotonic'>
  readonly #options: RateLimitOptions
  /** For each client the theoretical arrival time: when it has used up nothing any more. */
  readonly #times: BoundedMap<number>
  /** There only where it is asked for: without it commands cost no phase. */
  readonly command?: NonNullable<Middleware['command']>

  constructor(options: RateLimitOptions) {
    this.#clock = options.clock ?? machineClock
    this.#options = options
    this.#times = new BoundedMap(options.memory ?? 100_000)
    if (options.commands !== undefined) this.command = (context, next) => this.#command(context, next)
  }

  async connect(context: ConnectionContext, next: Next): Promise<Verdict> {
    return this.#admit('connections', context.connection) ? next() : TOO_FAST
  }

  async sender(context: SenderContext, next: Next): Promise<Verdict> {
    return this.#admit('messages', context.connection) ? next() : TOO_FAST
  }

  async recipient(context: RecipientContext, next: Next): Promise<Verdict> {
    return this.#admit('recipients', context.connection) ? next() : TOO_FAST
  }

  async #command(context: CommandContext, next: Next): Promise<Verdict> {
    return this.#admit('commands', context.connection) ? next() : TOO_FAST
  }

  /** Generic cell rate algorithm (ITU-T I.371): conforming when the theoretical arrival time is not too far ahead. */
  #admit(what: 'connections' | 'messages' | 'recipients' | 'commands', connection: ConnectionFacts): boolean {
    const rate = this.#options[what]
    const isExempt =
      this.#options.accountsOnly === true && connection.principal === undefined && (what === 'messages' || what === 'recipients')
    if (isExempt) return true
    const client = connection.principal?.account.id ?? networksOf(connection.remote.address)[0]
    if (rate === undefined || client === undefined) return true
    const now = this.#clock.monotonic()
    const step = rate.per / rate.count
    const key = `${what} ${connection.principal === undefined ? 'address' : 'account'} ${client}`
    const due = Math.max(now, this.#times.get(key) ?? now)
    if (due - now > step * ((rate.burst ?? rate.count) - 1)) return false
    this.#times.set(key, due + step)
    return true
  }
}
