/** From what came of a try to what the queue is told, and whom the sender is to hear about. RFC 5321 §4.5.4.1; RFC 3461 §4.1, §5.2; RFC 2852 §4.1. */

import type { Random } from '../../contracts/clock.ts'
import type { DeliveryStatus, LeasedRecipient, QueueLease, RecipientOutcome } from '../../contracts/queue.ts'
import { isDue, isOwed } from '../dsn/wishes.ts'
import type { DeliveryAction } from '../dsn/wishes.ts'
import { retryDelay } from '../retry-schedule.ts'
import type { RetrySchedule } from '../retry-schedule.ts'
import type { Attempt } from './transmission.ts'

/** One recipient that the sender is told of. */
export interface NotifiedRecipient {
  readonly recipient: LeasedRecipient
  readonly action: DeliveryAction
  readonly status: DeliveryStatus
  /** Until when it is tried, for what is only late; milliseconds since the epoch. */
  readonly retriedUntil?: number
}

/** The patience of a queue. */
export interface Patience {
  readonly retries: RetrySchedule
  /** The sender is told that a message is late once it has waited so many milliseconds. */
  readonly warnAfter: number
}

/** What is to be done about one recipient. */
export interface Decision {
  readonly index: number
  readonly outcome: RecipientOutcome
  readonly notified?: NotifiedRecipient
}

/** Decides on one recipient at `now`, milliseconds since the epoch. */
export function decide(
  lease: QueueLease,
  recipient: LeasedRecipient,
  attempt: Attempt,
  now: number,
  patience: Patience,
  random: Random,
): Decision {
  const { index } = recipient
  const { status } = attempt
  const { queuedAt, deliverBy } = lease.envelope
  const told = (
    action: DeliveryAction,
    what: DeliveryStatus,
    more: Partial<NotifiedRecipient> = {},
  ): { readonly notified?: NotifiedRecipient } =>
    isDue(lease.envelope, recipient, action) ? { notified: { recipient, action, status: what, ...more } } : {}
  if (attempt.kind === 'delivered') {
    // Whoever is late was told so already.
    if (attempt.success === 'untimed' && now < (deliverBy?.at ?? now) && isOwed(lease.envelope, recipient))
      return { index, outcome: { kind: 'delivered', status }, notified: { recipient, action: 'relayed', status } }
    const action = attempt.success === 'final' ? 'delivered' : 'relayed'
    return { index, outcome: { kind: 'delivered', status }, ...(attempt.success === 'next-hop' ? {} : told(action, status)) }
  }
  if (attempt.kind === 'failed') return { index, outcome: { kind: 'failed', status }, ...told('failed', status) }
  const mustEnd = deliverBy?.mode === 'return' ? Math.min(deliverBy.at, lease.envelope.expiresAt) : lease.envelope.expiresAt
  if (now >= mustEnd) {
    const expired: DeliveryStatus = {
      ...status,
      code: '5.4.7',
      text: `Gave up after ${duration(now - queuedAt)}; last answer: ${status.text}`,
    }
    return { index, outcome: { kind: 'failed', status: expired }, ...told('failed', expired) }
  }
  // The last try falls on the moment of expiry, so that the message is given up then and not at the end of a long pause.
  const dueAt = Math.min(now + retryDelay(recipient.attempts + 1, random, patience.retries), mustEnd)
  const overdue = deliverBy?.mode === 'notify' && now >= deliverBy.at
  const late = overdue || now - queuedAt >= patience.warnAfter
  // RFC 2852 §4.1.3: a status of 4.4.7.
  const why: DeliveryStatus = overdue ? { ...status, code: '4.4.7', text: `Not there in time; last answer: ${status.text}` } : status
  const warning = late && !recipient.warned ? told('delayed', why, { retriedUntil: mustEnd }) : {}
  const outcome: RecipientOutcome = { kind: 'deferred', status, dueAt, ...(late && !recipient.warned ? { warned: true } : {}) }
  return { index, outcome, ...warning }
}

function duration(ms: number): string {
  const hours = ms / 3_600_000
  if (hours >= 48) return `${Math.round(hours / 24)} days`
  if (hours >= 2) return `${Math.round(hours)} hours`
  return `${Math.max(1, Math.round(ms / 60_000))} minutes`
}
