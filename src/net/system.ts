/** Time and chance from the machine: what the contracts Clock and Random mean outside of tests. */

import { randomBytes } from 'node:crypto'
import type { Clock, Random } from '../contracts/index.ts'

/** The machine's clocks. Timers it sets do not keep the process alive. */
export const systemClock: Clock = Object.freeze({
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(ms: number, callback: () => void): () => void {
    const timer = setTimeout(callback, ms)
    timer.unref()
    return () => clearTimeout(timer)
  },
  turn: (): Promise<void> => new Promise(resolve => void setImmediate(resolve)),
})

/** The machine's source of secrets. */
export const systemRandom: Random = Object.freeze({
  bytes: (length: number): Uint8Array => new Uint8Array(randomBytes(length)),
})
