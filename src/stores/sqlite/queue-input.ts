/** Queue values on their way to and from the writer's thread. RFC 3461 §4; RFC 3463. */

import { MailError } from '../../contracts/mail-error.ts'
import type { MessageSource } from '../../contracts/message.ts'
import type {
  DeliveryStatus,
  LeasedRecipient,
  QueuedMessage,
  QueuedRecipient,
  QueueLease,
  QueueLimits,
  RecipientOutcome,
  Settlement,
} from '../../contracts/queue.ts'
import { destinationOf } from '../../outbound/queue/check.ts'
import { inTurns } from '../../outbound/queue/in-turns.ts'
import { dueWithin, envelopeOf } from '../../outbound/queue/times.ts'
import { type ContentReader, StoredSource } from './content-reader.ts'
import { DELIVERED, FAILED, WAITING } from './queue-schema.ts'
import { rowOfQueueId } from './queue-steer.ts'
import type { LeasedInput, QueueMessageInput, QueueOutcomeInput, QueueSettlementInput } from './queue-task.ts'

/** A message as the writer takes it. */
export function queueMessageInput(
  message: QueuedMessage,
  content: number,
  limits: QueueLimits,
  now: number,
  recipients: string = message.recipients.map(lineOf).join('\n'),
): QueueMessageInput {
  const envelope = envelopeOf(message, limits, now)
  const prefix = message.prefix === undefined || message.prefix.length === 0 ? undefined : message.prefix
  return {
    content,
    prefix,
    size: message.content.size + (prefix?.length ?? 0),
    sender: message.from,
    account: message.account ?? '',
    priority: message.priority ?? 0,
    queuedAt: now,
    expiresAt: envelope.expiresAt,
    deliverBy: message.deliverBy?.at,
    due: dueWithin(Math.max(now, message.notBefore ?? 0), now, envelope),
    envelope: JSON.stringify(envelope),
    key: message.idempotencyKey,
    recipients,
  }
}

/** The recipients of a message that may have very many. Neither addresses nor JSON have line ends or tabs. */
export async function packedRecipients(recipients: readonly QueuedRecipient[]): Promise<string> {
  return (await inTurns(recipients, slice => slice.map(lineOf).join('\n'))).join('\n')
}

function lineOf({ address, notify, originalRecipient }: QueuedRecipient): string {
  return notify === undefined && originalRecipient === undefined ? address : `${address}\t${JSON.stringify({ notify, originalRecipient })}`
}

/** The recipients again, for the writer. */
export function unpackedRecipients(text: string): (readonly [address: string, destination: string, wishes: string | null])[] {
  return text.split('\n').map(line => {
    const tab = line.indexOf('\t')
    const address = tab < 0 ? line : line.slice(0, tab)
    return [address, destinationOf(address), tab < 0 ? null : line.slice(tab + 1)]
  })
}

/** The token of a lease: its number, and how many recipients it has. */
function tokenOf(token: number, count: number): string {
  return `${token}.${count}`
}

/** The number in a token; -1 for what is none. */
export function numberOfToken(token: string): readonly [number: number, count: number] {
  const [, number = '-1', count = '0'] = /^([1-9][0-9]{0,14})\.([1-9][0-9]{0,6})$/.exec(token) ?? []
  return [Number(number), Number(count)]
}

/** The end of a lease as the writer takes it. */
export function settlementInput({ id, token, outcomes }: Settlement): QueueSettlementInput {
  const [number, count] = numberOfToken(token)
  return { message: rowOfQueueId(id), token: number, count, outcomes: outcomes.map(({ index, outcome }) => outcomeInput(index, outcome)) }
}

function outcomeInput(place: number, outcome: RecipientOutcome): QueueOutcomeInput {
  const last = JSON.stringify(outcome.status)
  if (outcome.kind !== 'deferred') {
    return { place, state: outcome.kind === 'delivered' ? DELIVERED : FAILED, due: 0, tried: true, warned: false, last }
  }
  return { place, state: WAITING, due: outcome.dueAt, tried: outcome.untried !== true, warned: outcome.warned === true, last }
}

/** A recipient from its columns. */
export function recipientOf(address: string, wishes: string | null): QueuedRecipient {
  return wishes === null ? { address } : { address, ...(JSON.parse(wishes) as Omit<QueuedRecipient, 'address'>) }
}

/** A status from its column, to be spread. */
export function lastOf(last: string | null): { readonly last?: DeliveryStatus } {
  return last === null ? {} : { last: JSON.parse(last) as DeliveryStatus }
}

/** A lease as workers get it. */
export function leaseOf(input: LeasedInput, reader: ContentReader): QueueLease {
  const { message, token, destination, envelope, recipients } = input
  return {
    id: `q${message}`,
    token: tokenOf(token, recipients.length),
    destination,
    envelope: JSON.parse(envelope) as QueueLease['envelope'],
    recipients: recipients.map(([index, address, wishes, attempts, warned, last]): LeasedRecipient => ({
      ...recipientOf(address, wishes),
      index,
      attempts,
      warned: warned === 1,
      ...lastOf(last),
    })),
    content: contentOf(input, reader),
  }
}

/** Prefix and content. */
export function contentOf({ place, prefix }: Pick<LeasedInput, 'place' | 'prefix'>, reader: ContentReader): MessageSource {
  if (place !== undefined) return new StoredSource(reader, place, prefix ?? undefined)
  return {
    size: 0,
    read: () => {
      throw new MailError('corrupt', 'the content of a queued message is lost: run verify, restore a backup')
    },
  }
}
