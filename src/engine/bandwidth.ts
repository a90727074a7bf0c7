/**
 * How many octets may be sent to one connection and to all connections of one account: a burst, then a rate. Whoever is beyond that waits,
 * and nothing is refused. RFC 9051 §6.4.5 sets no limit to what FETCH may ask for; P7.
 */

import type { Clock } from '../contracts/clock.ts'
import { ConfigurationError } from '../contracts/mail-error.ts'
import type { AccountId } from '../contracts/mailbox-info.ts'
import type { Endpoint, TlsFacts, Transport } from '../contracts/transport.ts'

/** So many octets at once, and so many a second after that; what is not used comes back at the same rate. */
export interface OctetBudget {
  /** Octets. */
  readonly burst: number
  /** Octets a second. */
  readonly rate: number
}

/**
 * What may be sent. The defaults are for those who read their own mail: a first synchronisation of 20 GB is slowed only on lines faster than
 * 130 Mbit/s.
 */
export interface Bandwidth {
  /** To one connection. Default: 4 GiB, then 16 MiB a second. */
  readonly connection?: OctetBudget
  /** To all connections of one account, by protocol. Default: 8 GiB, then 32 MiB a second. */
  readonly account?: OctetBudget
}

const MIB = 1024 * 1024

/** What holds when the host says nothing. */
const DEFAULTS: Required<Bandwidth> = {
  connection: { burst: 4096 * MIB, rate: 16 * MIB },
  account: { burst: 8192 * MIB, rate: 32 * MIB },
}

/** Waits shorter than this are not worth a timer; they are added to the next. */
const SHORTEST_WAIT = 10

/** Accounts that are remembered before those whose budget is whole again are forgotten. */
const REMEMBERED = 1000

/** A bucket that may be overdrawn by one write; the debt is waited for. */
class Bucket {
  readonly #budget: OctetBudget
  #left: number
  #at: number

  constructor(budget: OctetBudget, now: number) {
    this.#budget = budget
    this.#left = budget.burst
    this.#at = now
  }

  /** Takes octets out; milliseconds to wait before the next. */
  spend(octets: number, now: number): number {
    this.#fill(now)
    this.#left -= octets
    return this.#left >= 0 ? 0 : (-this.#left / this.#budget.rate) * 1000
  }

  isWhole(now: number): boolean {
    this.#fill(now)
    return this.#left >= this.#budget.burst
  }

  #fill(now: number): void {
    this.#left = Math.min(this.#budget.burst, this.#left + ((now - this.#at) / 1000) * this.#budget.rate)
    this.#at = now
  }
}

/** The budgets of one engine. Throws `ConfigurationError` `MW_BANDWIDTH` for a budget that is none. */
export class Bandwidths {
  readonly clock: Clock
  readonly connection: OctetBudget
  readonly #account: OctetBudget
  readonly #accounts = new Map<AccountId, Bucket>()
  #sweepAt = REMEMBERED

  constructor(clock: Clock, { connection = DEFAULTS.connection, account = DEFAULTS.account }: Bandwidth = {}) {
    for (const { burst, rate } of [connection, account]) {
      if (!(burst >= 0 && rate > 0))
        throw new ConfigurationError('MW_BANDWIDTH', `a budget of ${burst} octets and ${rate} octets a second would let nothing through`)
    }
    this.clock = clock
    this.connection = connection
    this.#account = account
  }

  /** Octets go to an account; milliseconds to wait before the next. */
  spend(account: AccountId, octets: number, now: number): number {
    let bucket = this.#accounts.get(account)
    if (bucket === undefined) {
      if (this.#accounts.size >= this.#sweepAt) this.#sweep(now)
      bucket = new Bucket(this.#account, now)
      this.#accounts.set(account, bucket)
    }
    return bucket.spend(octets, now)
  }

  // Who leaves and comes back finds what is left: only a budget that is whole again may be forgotten.
  #sweep(now: number): void {
    for (const [account, bucket] of this.#accounts) if (bucket.isWhole(now)) this.#accounts.delete(account)
    this.#sweepAt = Math.max(REMEMBERED, this.#accounts.size * 2)
  }
}

/** A transport whose writer waits once it is beyond its budgets. */
export class MeteredTransport implements Transport {
  readonly #inner: Transport
  readonly #bandwidths: Bandwidths
  #bucket: Bucket | undefined
  #account: AccountId | undefined

  constructor(inner: Transport, bandwidths: Bandwidths) {
    this.#inner = inner
    this.#bandwidths = bandwidths
  }

  /** Somebody has logged in: what is sent from now on counts for the account too. */
  chargeTo(account: AccountId): void {
    this.#account = account
  }

  get remote(): Endpoint {
    return this.#inner.remote
  }

  get local(): Endpoint {
    return this.#inner.local
  }

  get tls(): TlsFacts | undefined {
    return this.#inner.tls
  }

  get canStartTls(): boolean {
    return this.#inner.canStartTls
  }

  get signal(): AbortSignal {
    return this.#inner.signal
  }

  get isSent(): boolean {
    return this.#inner.isSent === true
  }

  read(within: number): Promise<Uint8Array | undefined | 'timeout'> {
    return this.#inner.read(within)
  }

  write(octets: Uint8Array): Promise<void> | undefined {
    const { length } = octets
    const pressure = this.#inner.write(octets)
    const wait = this.#spend(length)
    if (wait < SHORTEST_WAIT) return pressure
    const paid = this.#wait(wait)
    return pressure === undefined ? paid : pressure.then(() => paid)
  }

  startTls(): Promise<void> {
    return this.#inner.startTls()
  }

  end(): void {
    this.#inner.end()
  }

  destroy(): void {
    this.#inner.destroy()
  }

  #spend(octets: number): number {
    const now = this.#bandwidths.clock.monotonic()
    this.#bucket ??= new Bucket(this.#bandwidths.connection, now)
    const own = this.#bucket.spend(octets, now)
    return this.#account === undefined ? own : Math.max(own, this.#bandwidths.spend(this.#account, octets, now))
  }

  /** Nobody waits for a peer that is gone. */
  #wait(ms: number): Promise<void> {
    const { signal } = this.#inner
    if (signal.aborted) return Promise.resolve()
    return new Promise(resolve => {
      const done = (): void => {
        cancel()
        signal.removeEventListener('abort', done)
        resolve()
      }
      const cancel = this.#bandwidths.clock.after(ms, done)
      signal.addEventListener('abort', done)
    })
  }
}
