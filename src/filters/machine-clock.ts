/** The machine's clock, for hosts that bring none. */

import type { Clock } from '../contracts/index.ts'

/** Timers that do not keep the process alive. */
export const machineClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(ms, callback) {
    const timer = setTimeout(callback, ms)
    timer.unref()
    return () => clearTimeout(timer)
  },
}
