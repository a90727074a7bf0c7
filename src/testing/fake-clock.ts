/** A clock that a test holds in its hand, and the durations that scripts are written in. */

import type { Clock } from '../contracts/index.ts'

/** A {@link Clock} that stands still until it is told to move. */
export interface FakeClock extends Clock {
  /** Moves on by `ms`, calling back whatever falls due on the way, in the order of its time. */
  advance(ms: number): void
  /** Milliseconds until the next call-back falls due; `undefined` when nothing waits. */
  readonly untilNext: number | undefined
  /** How many call-backs wait. */
  readonly pending: number
}

interface Timer {
  readonly due: number
  readonly callback: () => void
}

/**
 * A clock for tests. `now()` begins at `start` (default 2026-01-02T03:04:05Z) and `monotonic()` at 0; both move only by
 * `advance`.
 *
 * @example
 * ```ts
 * import { fakeClock } from 'mailwright/testing'
 *
 * const clock = fakeClock()
 * clock.after(60_000, () => console.log('a minute later'))
 * clock.advance(60_000)
 * ```
 */
export function fakeClock(start: number = Date.UTC(2026, 0, 2, 3, 4, 5)): FakeClock {
  const timers = new Set<Timer>()
  let passed = 0

  function next(): Timer | undefined {
    let first: Timer | undefined
    // A set keeps the order of insertion, so of two with the same time the earlier one is called first.
    for (const timer of timers) if (first === undefined || timer.due < first.due) first = timer
    return first
  }

  return {
    now: () => start + passed,
    monotonic: () => passed,
    after(ms, callback) {
      const timer: Timer = { due: passed + Math.max(0, ms), callback }
      timers.add(timer)
      return () => void timers.delete(timer)
    },
    advance(ms) {
      const target = passed + ms
      for (let timer = next(); timer !== undefined && timer.due <= target; timer = next()) {
        timers.delete(timer)
        passed = Math.max(passed, timer.due)
        timer.callback()
      }
      passed = target
    },
    get untilNext() {
      const timer = next()
      return timer === undefined ? undefined : timer.due - passed
    },
    get pending() {
      return timers.size
    },
  }
}

const UNITS: ReadonlyMap<string, number> = new Map([
  ['ms', 1],
  ['second', 1000],
  ['minute', 60_000],
  ['hour', 3_600_000],
  ['day', 86_400_000],
])

/** Reads a duration as scripts write it (`31 minutes`, `1 second`, `250 ms`); `undefined` for anything else. */
export function parseDuration(text: string): number | undefined {
  const [, amount = '', unit = ''] = /^(\d+(?:\.\d+)?) ?([a-z]+)$/.exec(text) ?? []
  const factor = UNITS.get(unit) ?? UNITS.get(unit.replace(/s$/, ''))
  return factor === undefined ? undefined : Number(amount) * factor
}
