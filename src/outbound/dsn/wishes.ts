/** Whom a sender is told of, and of what. RFC 3461 §4.1, §5.2; RFC 5321 §6.1; RFC 2852 §4.1.4. */

import type { NotifyCondition, QueueOrigin } from '../../contracts/queue.ts'

/** What became of a recipient. RFC 3464 §2.3.3. */
export type DeliveryAction = 'failed' | 'delayed' | 'delivered' | 'relayed' | 'expanded'

const CONDITIONS: Readonly<Record<DeliveryAction, NotifyCondition>> = {
  failed: 'FAILURE',
  delayed: 'DELAY',
  delivered: 'SUCCESS',
  relayed: 'SUCCESS',
  expanded: 'SUCCESS',
}

/**
 * Whether the sender of a message hears of a recipient. Never about a message without a sender and never about what we said
 * ourselves, so that no two servers answer each other's notifications; else what `NOTIFY` asks for, and failures and delays
 * where it asks for nothing. `takenOver`: the next hop notifies by itself (RFC 3461 §5.2.1), so its successes are not ours to tell.
 */
export function isDue(
  envelope: { readonly from: string; readonly origin: QueueOrigin },
  recipient: { readonly notify?: readonly NotifyCondition[] },
  action: DeliveryAction,
  takenOver: boolean = false,
): boolean {
  if (envelope.from === '' || envelope.origin === 'notification') return false
  const condition = CONDITIONS[action]
  if (condition === 'SUCCESS' && takenOver) return false
  return recipient.notify === undefined ? condition !== 'SUCCESS' : recipient.notify.includes(condition)
}

/** Whether the sender hears of what nobody asked about but must be told, unless they want to hear nothing at all. RFC 2852 §4.1.4.2. */
export function isOwed(
  envelope: { readonly from: string; readonly origin: QueueOrigin },
  recipient: { readonly notify?: readonly NotifyCondition[] },
): boolean {
  return envelope.from !== '' && envelope.origin !== 'notification' && recipient.notify?.includes('NEVER') !== true
}
