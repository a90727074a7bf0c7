/** How many connections may be open at once: in all, from one address, and from one network. RFC 5321 §4.5.3, §7.8. */

import { ConfigurationError } from '../contracts/index.ts'
import { networkList, networkOf } from './ip.ts'
import type { NetworkList } from './ip.ts'

/** Numbers of connections that may be open at once. */
export interface ConnectionLimits {
  /** In all. Default 10,000. */
  readonly total?: number
  /** From one address. Default 20. */
  readonly perAddress?: number
  /** From one network: the /24 of an IPv4 address, the /64 of an IPv6 address. Default 100. */
  readonly perNetwork?: number
  /**
   * Addresses and networks that only `total` holds for: proxies that name no peer, an office behind one address. Unix sockets are
   * always exempt. Default: this machine as it calls itself, `127.0.0.1` and `::1`; give both when you name others.
   */
  readonly exempt?: readonly string[]
  /**
   * The share of `total` from which on the server is under stress, above 0 to 1. Then strangers have ten seconds to go on, and an address and a
   * network may open a quarter of what they otherwise may, so that nobody's idle connections are in the way of others. Default 0.5.
   */
  readonly stressAt?: number
}

/** Under stress, what one address or network may open is divided by this. */
const STRESS_DIVISOR = 4

/**
 * Counts connections; remembers nothing of those that have ended. Throws `ConfigurationError`: `MW_CONNECTIONS` for a number that is none,
 * `MW_NETWORK_INVALID` for an exempt network that is none.
 */
export class ConnectionCounter {
  readonly #total: number
  readonly #perAddress: number
  readonly #perNetwork: number
  readonly #exempt: NetworkList
  readonly #stressFrom: number
  readonly #addresses = new Map<string, number>()
  readonly #networks = new Map<string, number>()
  #open = 0

  constructor(limits: ConnectionLimits = {}) {
    const { total = 10_000, perAddress = 20, perNetwork = 100, stressAt = 0.5 } = limits
    for (const [name, limit] of Object.entries({ total, perAddress, perNetwork })) {
      if (!(limit >= 1)) throw new ConfigurationError('MW_CONNECTIONS', `connections.${name} is at least 1, not ${limit}`)
    }
    if (!(stressAt > 0 && stressAt <= 1))
      throw new ConfigurationError('MW_CONNECTIONS', `connections.stressAt is a share above 0 and up to 1, not ${stressAt}`)
    this.#total = total
    this.#perAddress = perAddress
    this.#perNetwork = perNetwork
    this.#exempt = networkList(limits.exempt ?? ['127.0.0.1', '::1'])
    this.#stressFrom = total * stressAt
  }

  /** How many are open. */
  get open(): number {
    return this.#open
  }

  /** Whether so many are open that the server is under stress. */
  get isStressed(): boolean {
    return this.#open >= this.#stressFrom
  }

  /** Counts one more from this address, or answers `false` when that is one too many. */
  enter(address: string): boolean {
    if (this.#open >= this.#total) return false
    if (!this.#isExempt(address)) {
      const network = networkOf(address)
      const ofAddress = this.#addresses.get(address) ?? 0
      const ofNetwork = this.#networks.get(network) ?? 0
      if (ofAddress >= this.#now(this.#perAddress) || ofNetwork >= this.#now(this.#perNetwork)) return false
      this.#addresses.set(address, ofAddress + 1)
      this.#networks.set(network, ofNetwork + 1)
    }
    this.#open++
    return true
  }

  /** Counts one less from this address. Once for each `enter` that answered `true`. */
  leave(address: string): void {
    this.#open--
    if (this.#isExempt(address)) return
    lower(this.#addresses, address)
    lower(this.#networks, networkOf(address))
  }

  #isExempt(address: string): boolean {
    return address === '' || this.#exempt.has(address)
  }

  #now(limit: number): number {
    return this.isStressed ? Math.max(1, Math.floor(limit / STRESS_DIVISOR)) : limit
  }
}

function lower(counts: Map<string, number>, key: string): void {
  const count = counts.get(key) ?? 0
  if (count > 1) counts.set(key, count - 1)
  else counts.delete(key)
}
