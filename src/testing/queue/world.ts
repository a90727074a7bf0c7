/** What every case of the queue's conformance kit works with: a fresh queue, a clock in the hand, messages to put in. */

import type {
  DeliveryStatus,
  LeaseRequest,
  MessageSource,
  Queue,
  QueuedMessage,
  QueueEntry,
  QueueLease,
  QueueLimits,
  QueueSelector,
  RecipientOutcome,
  Settlement,
  SuppressionList,
} from '../../contracts/index.ts'
import type { FakeClock } from '../fake-clock.ts'

export { promised, refuses, same } from '../promised.ts'

/** What the kit tries. */
export interface TestableQueue {
  readonly queue: Queue
  /** The list beside it, where there is one. */
  readonly suppressions?: SuppressionList
}

/** A fresh queue and what the kit knows about it; made for one case and thrown away after it. */
export interface QueueWorld {
  readonly queue: Queue
  readonly suppressions: SuppressionList | undefined
  readonly clock: FakeClock
  /** How many histories are made up, and from which seed. */
  readonly histories: number
  readonly seed: number
  /** Crashes the queue and opens what it left. */
  crash(): Promise<void>
  /** A second, independent world with other limits or of its own. */
  another(limits?: Partial<QueueLimits>): Promise<QueueWorld>
  /** Throws the world away. */
  end(): Promise<void>
}

/** One promise and how it is proved. */
export interface QueueCase {
  readonly name: string
  /** Powers without which there is nothing to prove. */
  readonly needs?: readonly ('reopen' | 'suppressions')[]
  readonly run: (world: QueueWorld) => Promise<void>
}

export const MINUTE = 60_000
export const DAY = 86_400_000

const encoder = new TextEncoder()
const decoder = new TextDecoder()

/** A source of these octets. */
export function sourceOf(octets: Uint8Array): MessageSource {
  return { size: octets.length, read: async (start, end) => octets.slice(Math.max(0, start), Math.max(0, end)) }
}

/** A message to these recipients. */
export function letter(
  to: string | readonly string[] = 'bob@example.net',
  more: Partial<QueuedMessage> & { readonly text?: string } = {},
): QueuedMessage {
  const { text = 'a letter', ...rest } = more
  const addresses = typeof to === 'string' ? [to] : to
  return {
    from: 'ann@example.org',
    origin: 'api',
    recipients: addresses.map(address => ({ address })),
    content: sourceOf(encoder.encode(`Subject: ${text}\r\n\r\n${text}\r\n`)),
    ...rest,
  }
}

/** Queues a message; its id. */
export async function put({ queue }: QueueWorld, ...args: Parameters<typeof letter>): Promise<string> {
  return (await queue.enqueue(letter(...args))).id
}

/** Leases what is due, for a minute unless asked otherwise. */
export function take({ queue }: QueueWorld, request: Partial<LeaseRequest> = {}): Promise<readonly QueueLease[]> {
  return queue.lease({ limit: 1000, leaseMs: MINUTE, ...request })
}

/** Leases what must be one lease. */
export async function takeOne(world: QueueWorld, request: Partial<LeaseRequest> = {}): Promise<QueueLease> {
  const [lease, ...more] = await take(world, request)
  if (lease === undefined || more.length > 0) throw new Error(`one lease was due, ${lease === undefined ? 'none' : more.length + 1} came`)
  return lease
}

/** What a server said. */
export function said(world: QueueWorld, text: string = 'fine', code: DeliveryStatus['code'] = '2.0.0'): DeliveryStatus {
  return { at: world.clock.now(), reply: 250, code, text, remote: 'mx.example.net' }
}

/** An outcome for all recipients of a lease. */
export function all(lease: QueueLease, outcome: RecipientOutcome): Settlement {
  return { id: lease.id, token: lease.token, outcomes: lease.recipients.map(({ index }) => ({ index, outcome })) }
}

/** All delivered. */
export function delivered(world: QueueWorld, lease: QueueLease): Settlement {
  return all(lease, { kind: 'delivered', status: said(world) })
}

/** All put off. */
export function deferred(world: QueueWorld, lease: QueueLease, ms: number): Settlement {
  return all(lease, { kind: 'deferred', status: said(world, 'later', '4.2.0'), dueAt: world.clock.now() + ms })
}

/** The octets of a source as text. */
export async function textOf(source: MessageSource | undefined): Promise<string | undefined> {
  if (source === undefined) return undefined
  return decoder.decode(await source.read(0, source.size))
}

/** The message, which must be there. */
export async function entryOf({ queue }: QueueWorld, id: string): Promise<QueueEntry> {
  const entry = await queue.show(id)
  if (entry === undefined) throw new Error(`${id} is not there`)
  return entry
}

/** The states of its recipients. */
export async function statesOf(world: QueueWorld, id: string): Promise<readonly string[]> {
  return (await entryOf(world, id)).recipients.map(({ state }) => state)
}

/** The ids that a list names. */
export async function idsOf({ queue }: QueueWorld, selector?: QueueSelector): Promise<readonly string[]> {
  const ids: string[] = []
  for await (const { id } of queue.list(selector)) ids.push(id)
  return ids
}

/** The recipients of leases as sorted text, for comparing. */
export function addressesOf(leases: readonly QueueLease[]): readonly string[] {
  return leases.flatMap(({ recipients }) => recipients.map(({ address }) => address)).sort()
}
