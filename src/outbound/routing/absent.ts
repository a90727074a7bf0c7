/** Servers that did not answer a moment ago: they are tried last, so that one dead host does not hold up every message. RFC 5321 §4.5.4.1. */

import type { Hop } from './options.ts'

/** Milliseconds for which a server that could not be reached stands behind the others. */
const REMEMBERED = 60_000
/** Servers remembered; the oldest is forgotten first. */
const MOST = 10_000

/** Remembers who did not answer. `now`: milliseconds that only go forward. */
export class AbsentHosts {
  readonly #now: () => number
  readonly #until = new Map<string, number>()

  constructor(now: () => number) {
    this.#now = now
  }

  /** It did not answer. */
  note(hop: Hop): void {
    const key = keyOf(hop)
    this.#until.delete(key)
    this.#until.set(key, this.#now() + REMEMBERED)
    const oldest = this.#until.size > MOST ? this.#until.keys().next().value : undefined
    if (oldest !== undefined) this.#until.delete(oldest)
  }

  /** It did. */
  forget(hop: Hop): void {
    if (this.#until.size > 0) this.#until.delete(keyOf(hop))
  }

  /** The same servers, those that did not answer behind those of which nothing is known. */
  lastly(hops: readonly Hop[]): readonly Hop[] {
    if (this.#until.size === 0 || hops.length === 1) return hops
    const now = this.#now()
    const isAbsent = (hop: Hop): boolean => (this.#until.get(keyOf(hop)) ?? 0) > now
    return [...hops.filter(hop => !isAbsent(hop)), ...hops.filter(hop => isAbsent(hop))]
  }
}

function keyOf(hop: Hop): string {
  return `${hop.address} ${hop.port} ${hop.localAddress ?? ''}`
}
