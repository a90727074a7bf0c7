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
  /** Of these, transactions that last long already. */
  slow: number
  /** May be a fraction: it grows by one for each round that went well. */
  limit: number
  /** Tries in a row that did not reach it. */
  unreachable: number
  restsUntil: number
  /** When the next message may leave, by the rate. */
  paced: number
  /** When its last transaction ended. */
  endedAt: number
}

const FIRST_REST = 60_000
const LONGEST_REST = 30 * 60_000
/** So many failures to reach it in a row, and a destination rests. */
const PATIENCE = 2
/** What went well is forgotten so long after it ended: places are found again as fast as at first. */
const FORGET = 60_000
/** What could not be reached is remembered for longer than the pauses between tries, so that patience does not begin anew ... */
const FORGET_UNREACHABLE = 6 * 3_600_000
/** ... but of no more destinations than these: whoever makes up domains fills no memory (S31), and no list that each lease reads. */
const MOST_KNOWN = 5_000

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

  /** Whether it is left alone for a while, or so slow that nothing need be kept ready for it. */
  holdsUp(name: string): boolean {
    const { active, slow, limit, restsUntil } = this.#of(name)
    return restsUntil > this.#now() || (slow > 0 && active >= Math.floor(limit))
  }

  /** A transaction with it has lasted long. */
  slow(name: string): void {
    this.#of(name).slow += 1
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
    this.#forget(now, held)
    for (const [destination, { active, slow, limit, restsUntil, paced, unreachable }] of this.#known) {
      const opens = Math.max(restsUntil, paced)
      const most = Math.floor(limit)
      if (opens > now) {
        closed.push(destination)
        until = until === undefined ? opens : Math.min(until, opens)
        continue
      }
      // What leaves at a pace, or failed to, leaves one by one; nothing is kept ready for what is slow.
      const ahead = slow > 0 ? 0 : this.#limitsOf(destination).rate === undefined && unreachable === 0 ? most : 1 - most + active
      const leases = most - active + ahead - held(destination)
      if (leases <= 0) closed.push(destination)
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
  end(name: string, reached: boolean, wasSlow: boolean = false): void {
    const destination = this.#of(name)
    destination.active -= 1
    if (wasSlow) destination.slow -= 1
    destination.endedAt = this.#now()
    // The one that ended last stands last: those in front are forgotten first.
    this.#known.delete(name)
    this.#known.set(name, destination)
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

  /** Lets go of what says no more than that nothing is known. */
  #forget(now: number, held: (destination: string) => number): void {
    let tooMany = this.#known.size - MOST_KNOWN
    for (const [name, { active, limit, paced, unreachable, restsUntil, endedAt }] of this.#known) {
      if (active > 0 || paced > now || held(name) > 0) continue
      const isNew = unreachable === 0 && limit === this.#initial(name)
      const isOld = now - endedAt > (unreachable === 0 ? FORGET : FORGET_UNREACHABLE) && restsUntil <= now
      if (!isNew && !isOld && tooMany <= 0) continue
      this.#known.delete(name)
      tooMany -= 1
    }
  }

  #initial(name: string): number {
    const { initialConcurrency = 3, maxConcurrency = 20 } = this.#limitsOf(name)
    return Math.max(1, Math.min(initialConcurrency, maxConcurrency))
  }

  #of(name: string): Destination {
    let destination = this.#known.get(name)
    if (destination === undefined) {
      destination = { active: 0, slow: 0, limit: this.#initial(name), unreachable: 0, restsUntil: 0, paced: 0, endedAt: this.#now() }
      this.#known.set(name, destination)
    }
    return destination
  }
}
