/** How long work lets others have their turns. */

import type { Clock } from './clock.ts'

/** The next turn of the event loop by a clock. */
export function nextTurn(clock: Clock): Promise<void> {
  return clock.turn?.() ?? new Promise(resolve => void clock.after(0, resolve))
}
