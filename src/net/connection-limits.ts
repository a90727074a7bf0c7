/** How many connections may be open at once: in all, from one address, and from one network. RFC 5321 §4.5.3, §7.8. */

import { isLoopback } from '../bytes/ip-address.ts'
import { networkOf } from './ip.ts'

/** Numbers of connections that may be open at once. */
export interface ConnectionLimits {
  /** In all. Default 10,000. */
  readonly total?: number
  /** From one address. Default 50. Not counted for loopback and Unix sockets, unless a PROXY header named the peer. */
  readonly perAddress?: number
  /** From one network: the /24 of an IPv4 address, the /64 of an IPv6 address. Default 200. Not counted for loopback. */
  readonly perNetwork?: number
}

/** Counts connections; remembers nothing of those that have ended. */
export class ConnectionCounter {
  readonly #total: number
  readonly #perAddress: number
  readonly #perNetwork: number
  readonly #addresses = new Map<string, number>()
  readonly #networks = new Map<string, number>()
  #open = 0

  constructor(limits: ConnectionLimits = {}) {
    this.#total = limits.total ?? 10_000
    this.#perAddress = limits.perAddress ?? 50
    this.#perNetwork = limits.perNetwork ?? 200
  }

  /** How many are open. */
  get open(): number {
    return this.#open
  }

  /** Counts one more from this address, or answers `false` when that is one too many. */
  enter(address: string): boolean {
    if (this.#open >= this.#total) return false
    if (!isLoopback(address)) {
      const network = networkOf(address)
      const ofAddress = this.#addresses.get(address) ?? 0
      const ofNetwork = this.#networks.get(network) ?? 0
      if (ofAddress >= this.#perAddress || ofNetwork >= this.#perNetwork) return false
      this.#addresses.set(address, ofAddress + 1)
      this.#networks.set(network, ofNetwork + 1)
    }
    this.#open++
    return true
  }

  /** Counts one less from this address. Once for each `enter` that answered `true`. */
  leave(address: string): void {
    this.#open--
    if (isLoopback(address)) return
    lower(this.#addresses, address)
    lower(this.#networks, networkOf(address))
  }
}

function lower(counts: Map<string, number>, key: string): void {
  const count = counts.get(key) ?? 0
  if (count > 1) counts.set(key, count - 1)
  else counts.delete(key)
}
