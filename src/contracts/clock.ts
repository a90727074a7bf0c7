/** Time and chance, as contracts, so that a test can hold both in its hand. */

/** Tells the time. */
export interface Clock {
  /** Milliseconds since the epoch; may jump when the system's clock is set. */
  now(): number
  /** Milliseconds that only ever go forward; for measuring and deadlines. */
  monotonic(): number
  /** Calls `callback` once after `ms`, unless the function it answers was called before. Does not keep the process alive. */
  after(ms: number, callback: () => void): () => void
  /**
   * Resolves in the next turn of the event loop, once what has arrived was heard: for long work that lets others have their turns. Keeps the
   * process alive. Default: `after(0, …)`, which takes a millisecond by most clocks and does not keep it alive.
   */
  turn?(): Promise<void>
}

/** Gives unpredictable octets. */
export interface Random {
  /** `length` octets fit for secrets. */
  bytes(length: number): Uint8Array
}
