/** Which messages and recipients a selector means. */

import type { QueuedEnvelope, QueueSelector, RecipientState } from '../../contracts/queue.ts'
import { destinationOf } from './check.ts'

/** Whether a state ends a recipient's way. */
export function isSettled(state: RecipientState): boolean {
  return state === 'delivered' || state === 'failed' || state === 'removed'
}

/** Whether the message can have recipients that are meant. */
export function meansMessage(selector: QueueSelector, id: string, envelope: QueuedEnvelope): boolean {
  return (
    (selector.id === undefined || selector.id === id) &&
    (selector.from === undefined || selector.from === envelope.from) &&
    (selector.account === undefined || selector.account === envelope.account)
  )
}

/** Whether the recipient of such a message is meant. */
export function meansRecipient(selector: QueueSelector, recipient: { readonly address: string; readonly state: RecipientState }): boolean {
  return (
    (selector.recipient === undefined || selector.recipient === recipient.address) &&
    (selector.destination === undefined || selector.destination === destinationOf(recipient.address)) &&
    (selector.state === undefined || selector.state === recipient.state)
  )
}

/** Whether a list names the message: one of its recipients is meant, and is unsettled unless a settled state is asked for. */
export function listsMessage(
  selector: QueueSelector,
  recipients: readonly { readonly address: string; readonly state: RecipientState }[],
): boolean {
  return recipients.some(recipient => meansRecipient(selector, recipient) && (selector.state !== undefined || !isSettled(recipient.state)))
}
