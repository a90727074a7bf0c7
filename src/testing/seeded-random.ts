/** Chance that repeats itself: the same seed gives the same octets, so that a failure can be seen again. */

import type { Random } from '../contracts/index.ts'

/** A {@link Random} for tests, never for secrets, with numbers as property tests want them. */
export interface SeededRandom extends Random {
  /** A whole number from 0 up to but not including `limit` (at most 2^32). */
  below(limit: number): number
  /** One of the items. */
  pick<T>(items: readonly [T, ...T[]]): T
}

/** Repeats itself for the same seed (default 1). */
export function seededRandom(seed: number = 1): SeededRandom {
  // A Weyl sequence through a mixing function: every seed has the full period of 2^32, neighbouring seeds differ at once.
  let state = seed >>> 0
  function word(): number {
    state = (state + 0x9e37_79b9) >>> 0
    let mixed = state
    mixed = Math.imul(mixed ^ (mixed >>> 16), 0x21f0_aaad)
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a_2d97)
    return (mixed ^ (mixed >>> 15)) >>> 0
  }
  function below(limit: number): number {
    return Math.floor((word() / 0x1_0000_0000) * limit)
  }
  return {
    bytes: length => Uint8Array.from({ length }, () => word() >>> 24),
    below,
    pick: items => items[below(items.length)] ?? items[0],
  }
}
