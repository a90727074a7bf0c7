/** What waits to leave. The contract only: implementations come with outbound delivery. RFC 5321 §4.5.4. */

import type { CallOptions } from './call.ts'
import type { MessageSource } from './message.ts'

/** A message to be queued for recipients elsewhere. */
export interface QueuedMessage {
  /** Envelope sender; empty for the null reverse-path. RFC 5321 §4.5.5. */
  readonly from: string
  readonly recipients: readonly string[]
  readonly content: MessageSource
  /** Not before this moment, in milliseconds since the epoch. Default: at once. */
  readonly notBefore?: number
  /** Queueing again under the same key answers the first id and queues nothing. */
  readonly idempotencyKey?: string
}

/** A recipient that is due, leased to one worker. */
export interface QueueLease {
  readonly id: string
  readonly recipient: string
  readonly from: string
  readonly content: MessageSource
  /** Earlier tries. */
  readonly attempts: number
  /** Proves that the lease is still held; a later lease makes it void. */
  readonly token: string
}

/** Takes messages durably and hands them out when they are due, each to one worker at a time. */
export interface Queue {
  /** Resolves with the queue's id of the message once it survives a crash. */
  enqueue(message: QueuedMessage, options?: CallOptions): Promise<string>
  /** Up to `limit` recipients that are due, leased for `leaseMs`. */
  lease(limit: number, leaseMs: number, options?: CallOptions): Promise<readonly QueueLease[]>
  /** Done with a recipient for good. Throws `no-permission` when the token is void. */
  complete(id: string, token: string, options?: CallOptions): Promise<void>
  /** Try again no sooner than `dueAt` (milliseconds since the epoch). Throws `no-permission` when the token is void. */
  retry(id: string, token: string, dueAt: number, options?: CallOptions): Promise<void>
}
