/** What every port takes last. */

/** Options common to every call of a port. */
export interface CallOptions {
  /**
   * Fires when nobody waits for the answer any more (the client left, the deadline passed). A port may stop early and throw
   * `signal.reason`; it must not leave half of a durable change behind.
   */
  readonly signal?: AbortSignal
}
