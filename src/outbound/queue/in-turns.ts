/** Long lists in slices, with a turn of the event loop between them: a hundred thousand recipients hold nobody up. */

import { setImmediate } from 'node:timers/promises'

/** Some milliseconds of work on addresses. */
const SLICE = 2000

/** What `work` makes of each slice; throws what it throws. */
export async function inTurns<T, R>(items: readonly T[], work: (slice: readonly T[]) => R): Promise<R[]> {
  const done: R[] = []
  for (let at = 0; at < items.length; at += SLICE) {
    if (at > 0) await setImmediate()
    done.push(work(items.length <= SLICE ? items : items.slice(at, at + SLICE)))
  }
  return done
}
