/**
 * Memory for arriving messages that other threads can read as well, in blocks that are used again and again: what passes
 * through leaves nothing for the garbage collector, and nothing is copied to hand it to a store's thread.
 */

/** Octets of the first block of a message: most messages fit. */
export const SMALL_BLOCK = 16_384

/** Octets of every further one. */
export const LARGE_BLOCK = 65_536

/** Octets in free blocks that are kept of either size. */
const KEPT = 4_194_304

/** A budget, and the blocks that are within it. */
export class SharedBlocks {
  readonly #budget: number
  readonly #free = new Map<number, Uint8Array[]>([
    [SMALL_BLOCK, []],
    [LARGE_BLOCK, []],
  ])
  #taken = 0

  constructor(budget: number) {
    this.#budget = budget
  }

  /** A block; what is in it is anybody's. `undefined` when the budget is used up. */
  take(size: number): Uint8Array | undefined {
    if (this.#taken + size > this.#budget) return undefined
    this.#taken += size
    return this.#free.get(size)?.pop() ?? new Uint8Array(new SharedArrayBuffer(size))
  }

  /** Takes blocks back: nobody may be reading them. */
  give(blocks: readonly Uint8Array[]): void {
    for (const block of blocks) {
      this.#taken -= block.length
      const free = this.#free.get(block.length)
      if (free !== undefined && free.length * block.length < KEPT) free.push(block)
    }
  }

  /** Counts octets that wait elsewhere; negative when they are gone. */
  count(octets: number): void {
    this.#taken += octets
  }
}
