/** Completions that are still to come, told in the order of their commands while the next command is read. RFC 9051 §5.5. */

import type { Completion } from './codes.ts'
import { APPENDS_UNDER_WAY, OCTETS_UNDER_WAY } from './limits.ts'

/** How a command ends whose last step needs nothing of the session any more: the next command of its kind may be read meanwhile. */
export interface Later {
  readonly later: Promise<Completion>
  /** Octets that are held until then. */
  readonly octets: number
}

/** What {@link Completions} need of their session. */
export interface Teller {
  /** Tells how a command ended. */
  tell(tag: string, completion: Completion): void
  /** What an error is to the client; `undefined` when nobody is there to hear it. */
  failure(error: unknown): Completion | undefined
  /** Some were told: what was printed is to be sent. */
  told(): void
}

interface Entry {
  readonly tag: string
  readonly octets: number
  /** Present once it ended; without a completion, nobody is there to hear it. */
  outcome: { readonly completion: Completion | undefined } | undefined
}

/** The commands of one session that are under way beside the one at hand. */
export class Completions {
  readonly #teller: Teller
  /** In the order of their commands: the first is the next to be told. */
  readonly #entries: Entry[] = []
  readonly #waiting: { readonly until: () => boolean; readonly resume: () => void }[] = []
  #octets = 0
  /** {@link Completions.#tell} is going to run. */
  #isDue = false

  constructor(teller: Teller) {
    this.#teller = teller
  }

  /** How many there are. */
  get size(): number {
    return this.#entries.length
  }

  /** Takes one more. A promise, which never rejects, means: no further command before it resolves. */
  add(tag: string, { later, octets }: Later): Promise<void> | undefined {
    const entry: Entry = { tag, octets, outcome: undefined }
    this.#entries.push(entry)
    this.#octets += octets
    void later.then(
      completion => this.#settle(entry, completion),
      (error: unknown) => this.#settle(entry, this.#teller.failure(error)),
    )
    return this.#until(() => this.size < APPENDS_UNDER_WAY && this.#octets < OCTETS_UNDER_WAY)
  }

  /** Resolves when all are told; `undefined` when they are. Never rejects. */
  settled(): Promise<void> | undefined {
    return this.#until(() => this.size === 0)
  }

  #until(until: () => boolean): Promise<void> | undefined {
    if (until()) return undefined
    return new Promise(resume => this.#waiting.push({ until, resume }))
  }

  #settle(entry: Entry, completion: Completion | undefined): void {
    entry.outcome = { completion }
    if (this.#isDue) return
    this.#isDue = true
    // Those that a store makes durable in one step settle together: one write tells of them all.
    queueMicrotask(() => this.#tell())
  }

  #tell(): void {
    this.#isDue = false
    let count = 0
    for (const { tag, octets, outcome } of this.#entries) {
      if (outcome === undefined) break
      if (outcome.completion !== undefined) this.#teller.tell(tag, outcome.completion)
      this.#octets -= octets
      count++
    }
    if (count === 0) return
    this.#entries.splice(0, count)
    this.#teller.told()
    for (const waiting of this.#waiting.splice(0)) {
      if (waiting.until()) waiting.resume()
      else this.#waiting.push(waiting)
    }
  }
}
