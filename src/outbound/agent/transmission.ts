/** What the agent asks of whoever carries mail: one lease to its next hop, and what came of each recipient. RFC 5321 §4.2, §4.5.4. */

import type { DeliveryStatus, QueueLease } from '../../contracts/queue.ts'

/** What came of one recipient in one try. */
export interface Attempt {
  /** As in the lease. */
  readonly index: number
  readonly kind: 'delivered' | 'failed' | 'deferred'
  readonly status: DeliveryStatus
  /**
   * Who tells the sender of the success, if that was asked for: `next-hop` when it took the wish over (RFC 3461 §5.2.1);
   * `nobody` when it cannot (we say "relayed"); `final` when the message is in its mailbox (we say "delivered"); `untimed` when it
   * cannot tell that the message is late, as the sender wanted (we say "relayed" to all who do not want to hear nothing, RFC 2852 §4.1.4.2).
   */
  readonly success?: 'next-hop' | 'nobody' | 'final' | 'untimed'
}

/** What came of one try. Recipients that are not mentioned wait again, as if they had not been tried. */
export interface TransmissionReport {
  readonly attempts: readonly Attempt[]
  /** No hop of the destination could be reached or talked to: it is left alone for a while. */
  readonly unreachable?: boolean
}

/**
 * Carries a lease. Rejects only for what is not the destination's doing; then everything waits again. Ends soon after
 * `signal` fires: the lease is no longer held, or the agent stops.
 */
export type Transmit = (lease: QueueLease, signal: AbortSignal) => Promise<TransmissionReport>
