/**
 * One coarse timer for the deadlines of all connections, so that ten thousand idle ones cost ten thousand entries of a set
 * and not ten thousand timers. RFC 5321 §4.5.3.2; RFC 9051 §5.4.
 */

/** Something that ends when its time is up. */
export interface Deadlined {
  /** Called once, never before the time, at most one tick after it. */
  timeIsUp(): void
  /** The tick at which it is due; kept here so that taking it out needs no search. Belongs to {@link Deadlines}. */
  dueTick: number
}

/** How long a tick lasts, in milliseconds: deadlines are rounded up to the next one. */
const TICK = 250

/** Keeps deadlines in one bucket for each tick; the timer runs only while there are any, and never keeps the process alive. */
export class Deadlines {
  readonly #buckets = new Map<number, Set<Deadlined>>()
  #timer: NodeJS.Timeout | undefined
  #done = 0

  /** Begins a deadline `within` milliseconds from now. One at a time for each entry. */
  begin(entry: Deadlined, within: number): void {
    this.cancel(entry)
    const now = performance.now()
    if (this.#timer === undefined) {
      this.#done = Math.floor(now / TICK)
      this.#timer = setInterval(() => this.#sweep(), TICK)
      this.#timer.unref()
    }
    // The tick that is running now is passed over: a deadline may be late by a tick, never early.
    const due = Math.max(Math.ceil((now + within) / TICK), this.#done + 1)
    entry.dueTick = due
    const bucket = this.#buckets.get(due)
    if (bucket === undefined) this.#buckets.set(due, new Set([entry]))
    else bucket.add(entry)
  }

  /** Takes a deadline back; one that is not running is no error. */
  cancel(entry: Deadlined): void {
    const due = entry.dueTick
    const bucket = this.#buckets.get(due)
    entry.dueTick = 0
    if (bucket?.delete(entry) === true && bucket.size === 0) this.#buckets.delete(due)
  }

  #sweep(): void {
    const current = Math.floor(performance.now() / TICK)
    // The event loop may have been held up: every tick that passed meanwhile is swept, oldest first.
    while (this.#done < current) {
      this.#done++
      const bucket = this.#buckets.get(this.#done)
      if (bucket === undefined) continue
      this.#buckets.delete(this.#done)
      for (const entry of bucket) {
        entry.dueTick = 0
        entry.timeIsUp()
      }
    }
    if (this.#buckets.size > 0) return
    clearInterval(this.#timer)
    this.#timer = undefined
  }
}

/** The one that all connections of the process share. */
export const sharedDeadlines: Deadlines = new Deadlines()
