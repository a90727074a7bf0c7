/** Slows down and then stops whoever guesses passwords. RFC 4954 §4; RFC 9051 §11.3; S23. */

import type { Clock, LoginContext, Middleware, Next, Verdict } from '../../contracts/index.ts'
import { defer } from '../../contracts/index.ts'
import { BoundedMap } from '../bounded-map.ts'
import { networksOf } from '../networks.ts'
import { machineClock } from '../machine-clock.ts'

/** Options of {@link loginBudget}. */
export interface LoginBudgetOptions {
  /** Default: the machine's clock. */
  readonly clock?: Clock
  /** Failures of one connection; beyond, every login is refused unasked. Default 3. */
  readonly perConnection?: number
  /** Failures of one IPv4 address or IPv6 /64 within the window. Default 10. */
  readonly perAddress?: number
  /** Failures of one IPv4 /24 within the window. Default 50. */
  readonly perNetwork?: number
  /** Failures for one account name within the window, whether or not there is such an account; past it the owner waits too. Default 20. */
  readonly perAccount?: number
  /** Milliseconds after the last failure when all is forgotten. Default 900,000 (15 minutes). */
  readonly window?: number
  /** Milliseconds that the second, third ... failure from one address is answered late; the last stands for all further. Default 2, 4, 8 and 15 s. */
  readonly delays?: readonly number[]
  /** Addresses, networks and account names that are remembered at a time; the oldest are forgotten first. Default 100,000. */
  readonly memory?: number
}

interface Failures {
  count: number
  last: number
}

/** Said alike to those who know the password and those who do not: it tells nothing. */
const TOO_MANY: Verdict = defer('Too many failed logins, please try again later', '4.7.0')

/**
 * Counts failed logins by connection, by address (an IPv4 address and its /24, an IPv6 /64) and by account. A failure is
 * answered late, later with each; past a budget, logins are put off without being looked at. A success forgets the
 * address's and the account's failures, but not the /24's: who has one account there must not be able to wash away the rest.
 *
 * This very machine and Unix sockets count by connection and account only: a webmail there logs in for many.
 *
 * Logins under way count as failures until they are known to be none, so that many at once gain nothing.
 *
 * @example
 * ```ts
 * import { loginBudget } from 'mailwright/filters/login-budget'
 *
 * const budget = loginBudget({ perAccount: 10 })
 * ```
 */
export function loginBudget(options: LoginBudgetOptions = {}): Middleware {
  return new LoginBudget(options)
}

class LoginBudget implements Middleware {
  readonly name = 'login-budget'
  readonly #clock: Clock
  readonly #limits: { readonly connection: number; readonly address: number; readonly network: number; readonly account: number }
  readonly #window: number
  readonly #delays: readonly number[]
  readonly #failures: BoundedMap<Failures>

  constructor(options: LoginBudgetOptions) {
    this.#clock = options.clock ?? machineClock
    this.#limits = {
      connection: options.perConnection ?? 3,
      address: options.perAddress ?? 10,
      network: options.perNetwork ?? 50,
      account: options.perAccount ?? 20,
    }
    this.#window = options.window ?? 900_000
    this.#delays = options.delays ?? [2000, 4000, 8000, 15_000]
    this.#failures = new BoundedMap(options.memory ?? 100_000)
  }

  async login(context: LoginContext, next: Next): Promise<Verdict> {
    const [address, network] = networksOf(context.connection.remote.address)
    const account = `account ${context.username.toLowerCase().slice(0, 320)}`
    const ofConnection = (context.shared.get(this) as number | undefined) ?? 0
    const spent =
      ofConnection >= this.#limits.connection
        ? 'connection'
        : this.#count(address) >= this.#limits.address
          ? address
          : this.#count(network) >= this.#limits.network
            ? network
            : this.#count(account) >= this.#limits.account
              ? 'account'
              : undefined
    if (spent !== undefined) {
      context.trace.note(`budget of ${spent} is spent`)
      await this.#wait(this.#delays.at(-1) ?? 0, context.signal)
      return TOO_MANY
    }
    const keys = [address, network, account].filter(key => key !== undefined)
    for (const key of keys) this.#add(key, 1)
    context.shared.set(this, ofConnection + 1)
    const verdict = await next()
    const isFailure = verdict.kind === 'reject'
    if (!isFailure) {
      for (const key of keys) this.#add(key, -1)
      context.shared.set(this, ofConnection)
    }
    if (verdict.kind === 'accept') {
      if (address !== undefined) this.#failures.delete(address)
      this.#failures.delete(account)
      context.shared.delete(this)
    }
    if (isFailure) {
      const nth = Math.max(this.#count(address), ofConnection + 1)
      context.trace.note(`failure ${nth}`)
      await this.#wait(nth < 2 ? 0 : (this.#delays[nth - 2] ?? this.#delays.at(-1) ?? 0), context.signal)
    }
    return verdict
  }

  #count(key: string | undefined): number {
    const failures = key === undefined ? undefined : this.#failures.get(key)
    return failures === undefined || this.#clock.monotonic() - failures.last > this.#window ? 0 : failures.count
  }

  #add(key: string, step: 1 | -1): void {
    const count = this.#count(key) + step
    if (count <= 0) this.#failures.delete(key)
    else this.#failures.set(key, { count, last: this.#clock.monotonic() })
  }

  #wait(ms: number, signal: AbortSignal): Promise<void> | undefined {
    if (ms <= 0 || signal.aborted) return undefined
    return new Promise(resolve => {
      const done = (): void => {
        stop()
        signal.removeEventListener('abort', done)
        resolve()
      }
      const stop = this.#clock.after(ms, done)
      signal.addEventListener('abort', done)
    })
  }
}
