/** Work that comes round, one turn after another, until it is stopped; and when in the night what is done daily is due. */

import type { Clock, Random } from '../contracts/clock.ts'

/** What {@link Rounds} does. */
export interface RoundsOptions {
  readonly clock: Pick<Clock, 'after'>
  /** Milliseconds between two turns; one that is not over by then is not begun twice. */
  readonly every: number
  readonly work: () => Promise<void>
  /** Told of what a turn throws; the next one comes all the same. */
  readonly report: (error: unknown) => void
}

/** Begins with a turn at once. */
export class Rounds {
  readonly #options: RoundsOptions
  #cancel: (() => void) | undefined
  #running: Promise<void> | undefined
  #isStopped = false

  constructor(options: RoundsOptions) {
    this.#options = options
  }

  /** Begins; again, or after {@link Rounds.stop}, it does nothing. */
  start(): void {
    if (this.#isStopped || this.#cancel !== undefined) return
    this.#turn()
  }

  /** Begins no more turns, and waits for the one that runs. */
  async stop(): Promise<void> {
    this.#isStopped = true
    this.#cancel?.()
    await this.#running
  }

  /** Resolves when no turn runs. */
  get idle(): Promise<void> {
    return this.#running ?? Promise.resolve()
  }

  #turn(): void {
    this.#cancel = this.#options.clock.after(this.#options.every, () => this.#turn())
    this.#running ??= this.#options
      .work()
      .catch((error: unknown) => this.#options.report(error))
      .finally(() => (this.#running = undefined))
  }
}

/** Milliseconds. */
export const DAY = 86_400_000
/** So long after midnight at the latest, lest everybody's reports come at once. RFC 8460 §4.1. */
const SPREAD = 4 * 3_600_000

/** The midnight before a moment, of UTC; milliseconds since the epoch. */
export function startOfDay(now: number): number {
  return Math.floor(now / DAY) * DAY
}

/** Some time in the first hours of the day that a moment lies in. */
export function soonAfterMidnight(now: number, random: Random): number {
  const [high = 0, low = 0] = random.bytes(2)
  return startOfDay(now) + Math.floor((((high << 8) | low) / 65_536) * SPREAD)
}
