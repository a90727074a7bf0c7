/**
 * Who gets a place: so many transactions at once, and beside them those that turned out slow. A server that takes minutes to say a word
 * is waited for as long as RFC 5321 §4.5.3.2 asks, and keeps nobody else from leaving meanwhile (S31).
 */

/** A transaction that has lasted so long is slow, milliseconds. */
const QUICK = 10_000
/** Slow transactions beside the quick ones, as multiples of these: of one account, and of all together. */
const SLOW_OF_ONE = 4
const SLOW_OF_ALL = 8

/** One transaction under way. */
export interface Place {
  /** Empty for nobody's. */
  readonly account: string
  readonly destination: string
  readonly since: number
  isSlow: boolean
}

interface Share {
  quick: number
  slow: number
}

/** The places of an agent. Times are monotonic milliseconds. */
export class Places {
  readonly #most: number
  readonly #now: () => number
  /** The one that has lasted longest first. */
  readonly #quick = new Set<Place>()
  readonly #shares = new Map<string, Share>()
  #slow = 0

  /** `most`: quick transactions at once. */
  constructor(most: number, now: () => number) {
    this.#most = most
    this.#now = now
  }

  /** Quick transactions under way. */
  get taken(): number {
    return this.#quick.size
  }

  /**
   * Whether a transaction for an account may begin. `full`: everybody waits. `over`: the account has as many slow ones as it may; of what
   * is left it gets half, so that other accounts' mail goes on.
   */
  admits(account: string): 'yes' | 'full' | 'over' {
    const { quick, slow } = this.#shares.get(account) ?? { quick: 0, slow: 0 }
    if (slow >= SLOW_OF_ONE * this.#most && quick >= Math.max(1, Math.floor(this.#most / 2))) return 'over'
    return this.#quick.size < this.#most ? 'yes' : 'full'
  }

  begin(account: string, destination: string): Place {
    const place: Place = { account, destination, since: this.#now(), isSlow: false }
    this.#quick.add(place)
    const share = this.#shares.get(account)
    if (share === undefined) this.#shares.set(account, { quick: 1, slow: 0 })
    else share.quick += 1
    return place
  }

  end(place: Place): void {
    const share = this.#shares.get(place.account)
    if (place.isSlow) this.#slow -= 1
    else this.#quick.delete(place)
    if (share === undefined) return
    share[place.isSlow ? 'slow' : 'quick'] -= 1
    if (share.quick + share.slow === 0) this.#shares.delete(place.account)
  }

  /** Puts aside what has become slow and answers it, with the milliseconds until the next one does (`undefined`: none). */
  sift(): { readonly slow: readonly Place[]; readonly next: number | undefined } {
    const now = this.#now()
    const slow: Place[] = []
    for (const place of this.#quick) {
      const left = place.since + QUICK - now
      if (left > 0) return { slow, next: left }
      const share = this.#shares.get(place.account)
      if (share === undefined || share.slow >= SLOW_OF_ONE * this.#most || this.#slow >= SLOW_OF_ALL * this.#most) continue
      this.#quick.delete(place)
      place.isSlow = true
      share.quick -= 1
      share.slow += 1
      this.#slow += 1
      slow.push(place)
    }
    return { slow, next: undefined }
  }
}
