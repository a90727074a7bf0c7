/** A message as the memory queue keeps it, and how it is told. */

import { MailError } from '../../contracts/mail-error.ts'
import type { MessageSource } from '../../contracts/message.ts'
import type {
  DeliveryStatus,
  QueueCounts,
  QueuedMessage,
  QueuedRecipient,
  QueueEntry,
  QueueLease,
  QueueLimits,
  QueueUsage,
  RecipientState,
} from '../../contracts/queue.ts'
import { destinationOf } from './check.ts'
import { isSettled } from './selector.ts'
import { dueWithin, envelopeOf } from './times.ts'

/** One recipient. */
export interface KeptRecipient {
  readonly index: number
  readonly given: QueuedRecipient
  readonly destination: string
  state: RecipientState
  /** When it is due; while it is leased, when the lease runs out. */
  dueAt: number
  attempts: number
  warned: boolean
  /** Of the last lease, until it is settled. */
  token: string | undefined
  last: DeliveryStatus | undefined
}

/** One message. */
export interface Kept {
  readonly id: string
  readonly envelope: QueueLease['envelope']
  readonly recipients: readonly KeptRecipient[]
  readonly size: number
  /** Account and idempotency key. */
  readonly key: string | undefined
  /** Prefix and content, until all is settled. */
  octets: Uint8Array | undefined
  settledAt: number | undefined
}

/** The message, its octets copied. */
export async function keptOf(message: QueuedMessage, limits: QueueLimits, now: number): Promise<Omit<Kept, 'id'>> {
  const { content, prefix = new Uint8Array(), idempotencyKey, account = '' } = message
  const octets = new Uint8Array(prefix.length + content.size)
  octets.set(prefix)
  const read = await content.read(0, content.size)
  if (read.length !== content.size) throw new MailError('corrupt', `${read.length} octets of ${content.size} could be read`)
  octets.set(read, prefix.length)
  const envelope = envelopeOf(message, limits, now)
  const dueAt = dueWithin(Math.max(now, message.notBefore ?? 0), now, envelope)
  const recipients = message.recipients.map((given, index) => ({
    index,
    given: { ...given },
    destination: destinationOf(given.address),
    state: 'waiting' as const,
    dueAt,
    attempts: 0,
    warned: false,
    token: undefined,
    last: undefined,
  }))
  const key = idempotencyKey === undefined ? undefined : JSON.stringify([account, idempotencyKey])
  return { envelope, recipients, size: octets.length, key, octets, settledAt: undefined }
}

/** Whether a recipient is not settled. */
export function isOpen({ recipients }: Kept): boolean {
  return recipients.some(({ state }) => !isSettled(state))
}

/** Prefix and content. */
export function sourceOf({ octets = new Uint8Array() }: Kept): MessageSource {
  return { size: octets.length, read: (start, end) => octets.subarray(Math.max(0, start), Math.max(0, end)) }
}

/** A lease of some recipients. */
export function leaseOf(message: Kept, recipients: readonly KeptRecipient[], destination: string, token: string): QueueLease {
  return {
    id: message.id,
    token,
    destination,
    envelope: message.envelope,
    recipients: recipients.map(({ index, given, attempts, warned, last }) => ({
      ...given,
      index,
      attempts,
      warned,
      ...(last === undefined ? {} : { last }),
    })),
    content: sourceOf(message),
  }
}

/** A message as it is told. */
export function entryOf({ id, envelope, size, recipients }: Kept): QueueEntry {
  return {
    ...envelope,
    id,
    size,
    recipients: recipients.map(({ index, given, state, attempts, dueAt, last }) => ({
      ...given,
      index,
      state,
      attempts,
      dueAt,
      ...(last === undefined ? {} : { last }),
    })),
  }
}

/** What an account has among them. */
export function usageOf(messages: readonly Kept[], account: string, since: number): QueueUsage {
  const own = messages.filter(({ envelope }) => envelope.account === account)
  const open = own.filter(isOpen)
  const recent = own.filter(({ envelope }) => envelope.queuedAt >= since)
  return {
    messages: open.length,
    recipients: open.flatMap(({ recipients }) => recipients.filter(({ state }) => !isSettled(state))).length,
    recent: recent.flatMap(({ recipients }) => recipients).length,
    ...(recent[0] === undefined ? {} : { recentSince: Math.min(...recent.map(({ envelope }) => envelope.queuedAt)) }),
    all: messages.filter(isOpen).length,
  }
}

/** What unsettled messages add up to. */
export function countsOf(messages: readonly Kept[]): QueueCounts {
  const open = messages.flatMap(({ recipients }) => recipients.filter(({ state }) => !isSettled(state)))
  const count = (wanted: RecipientState): number => open.filter(({ state }) => state === wanted).length
  const destinations = [...Map.groupBy(open, ({ destination }) => destination)]
    .map(([destination, { length }]) => ({ destination, recipients: length }))
    .sort((one, other) => other.recipients - one.recipients || (one.destination < other.destination ? -1 : 1))
  return {
    messages: messages.length,
    waiting: count('waiting'),
    leased: count('leased'),
    held: count('held'),
    octets: messages.reduce((sum, { size }) => sum + size, 0),
    ...(messages[0] === undefined ? {} : { oldest: Math.min(...messages.map(({ envelope }) => envelope.queuedAt)) }),
    destinations: destinations.slice(0, 100),
  }
}
