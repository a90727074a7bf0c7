/** When a recipient falls due. RFC 5321 §4.5.4.1; RFC 4865 §4.2; RFC 2852 §4.1. */

import type { QueuedEnvelope, QueuedMessage, QueueLimits } from '../../contracts/queue.ts'

/** The moments of a message that a wait must not sleep through. */
export type Deadlines = Pick<QueuedEnvelope, 'deliverBy'> & { readonly expiresAt: number }

/** When it is to be tried, unless a deadline comes first. A deadline that has passed stops nobody: whoever waits on has a reason. */
export function dueWithin(wanted: number, now: number, { expiresAt, deliverBy }: Deadlines): number {
  let due = wanted
  for (const deadline of [expiresAt, deliverBy?.at]) if (deadline !== undefined && deadline > now && deadline < due) due = deadline
  return due
}

/** The envelope as it is kept: with its moments, without what is kept beside it. */
export function envelopeOf(
  message: QueuedMessage,
  limits: QueueLimits,
  now: number,
): QueuedEnvelope & { readonly queuedAt: number; readonly expiresAt: number } {
  const { recipients: _, content: _content, prefix: _prefix, idempotencyKey: _key, ...envelope } = message
  // What is held on the sender's wish (RFC 4865 §4.2) has not been tried meanwhile: its lifetime begins when it is let go.
  const expiresAt = message.expiresAt ?? Math.max(now, message.notBefore ?? 0) + limits.lifetimeMs
  return { ...envelope, queuedAt: now, expiresAt }
}
