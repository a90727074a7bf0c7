/** How many transactions a destination gets at once: few at first, more while it goes well, none while it cannot be reached. RFC 5321 §4.5.4.1. */

/** What one destination is allowed. */
export interface DestinationLimits {
  /** Transactions at once to begin with. Default 3. */
  readonly initialConcurrency?: number
  /** Transactions at once at most. Default 20. */
  readonly maxConcurrency?: number
  /** Messages at most in a stretch of time: they leave evenly. Default: no limit. */
  readonly rate?: { readonly messages: number; readonly per: number }
}

interface Destination {
  active: number
  /** May be a fraction: it grows by one for each round that went well. */
  limit: number
  /** Tries in a row that did not reach it. */
  unreachable: number
  restsUntil: number
  /** When the next message may leave, by the rate. */
  paced: number
}

const FIRST_REST = 60_000
const LONGEST_REST = 30 * 60_000
/** So many failures to reach it in a row, and a destination rests. */
const PATIENCE = 2

/** The state of every destination that mail was tried to lately. Times are monotonic milliseconds. */
export class Destinations {
  readonly #limitsOf: (destination: string) => DestinationLimits
  readonly #now: () => number
  readonly #known = new Map<string, Destination>()

  constructor(limitsOf: (destination: string) => DestinationLimits, now: () => number) {
    this.#limitsOf = limitsOf
    this.#now = now
  }

  /** Whether one more transaction may begin now. */
  open(name: string): boolean {
    const { active, limit, restsUntil, paced } = this.#of(name)
    const now = this.#now()
    return active < Math.floor(limit) && restsUntil <= now && paced <= now
  }

  /** Whether it is left alone for a while. */
  rests(name: string): boolean {
    return this.#of(name).restsUntil > this.#now()
  }

  /**
   * Those for which nothing is to be leased now; how much is for those that are known; and when the first opens by time alone
   * (`undefined`: none). `held`: what is leased for a destination already and has not begun: as much again as may run at once is kept
   * ready, so that a place that becomes free is taken at once.
   */
  places(held: (destination: string) => number): {
    readonly closed: readonly string[]
    readonly places: readonly { readonly destination: string; readonly leases: number }[]
    readonly until: number | undefined
  } {
    const now = this.#now()
    const closed: string[] = []
    const places: { destination: string; leases: number }[] = []
    let until: number | undefined
    for (const [destination, { active, limit, restsUntil, paced, unreachable }] of this.#known) {
      const opens = Math.max(restsUntil, paced)
      const most = Math.floor(limit)
      if (opens > now) {
        closed.push(destination)
        until = until === undefined ? opens : Math.min(until, opens)
        continue
      }
      // What leaves at a pace, or failed to, leaves one by one.
      const ahead = this.#limitsOf(destination).rate === undefined && unreachable === 0 ? most : 1 - most + active
      const leases = most - active + ahead - held(destination)
      if (leases <= 0) closed.push(destination)
      else if (active === 0 && unreachable === 0 && limit === this.#initial(destination)) this.#known.delete(destination)
      else places.push({ destination, leases })
    }
    return { closed, places, until }
  }

  /** A transaction begins. */
  begin(name: string): void {
    const destination = this.#of(name)
    destination.active += 1
    const { rate } = this.#limitsOf(name)
    if (rate !== undefined) destination.paced = Math.max(destination.paced, this.#now()) + rate.per / rate.messages
  }

  /** A transaction ended. */
  end(name: string, reached: boolean): void {
    const destination = this.#of(name)
    destination.active -= 1
    if (reached) {
      destination.unreachable = 0
      destination.limit = Math.min(this.#limitsOf(name).maxConcurrency ?? 20, destination.limit + 1 / destination.limit)
      return
    }
    destination.unreachable += 1
    destination.limit = Math.max(1, destination.limit / 2)
    const beyond = destination.unreachable - PATIENCE
    if (beyond >= 0) destination.restsUntil = this.#now() + Math.min(LONGEST_REST, FIRST_REST * 2 ** Math.min(beyond, 10))
  }

  #initial(name: string): number {
    const { initialConcurrency = 3, maxConcurrency = 20 } = this.#limitsOf(name)
    return Math.max(1, Math.min(initialConcurrency, maxConcurrency))
  }

  #of(name: string): Destination {
    let destination = this.#known.get(name)
    if (destination === undefined) {
      destination = { active: 0, limit: this.#initial(name), unreachable: 0, restsUntil: 0, paced: 0 }
      this.#known.set(name, destination)
    }
    return destination
  }
}
