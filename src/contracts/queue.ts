/**
 * What waits to leave. A queue keeps messages for recipients elsewhere, hands them out when they are due, each to one
 * worker at a time, and remembers what became of them. RFC 5321 §4.5.4; RFC 3461; RFC 4865; RFC 2852; RFC 6710.
 */

import type { CallOptions } from './call.ts'
import type { AccountId } from './mailbox-info.ts'
import type { MessageSource } from './message.ts'
import type { EnhancedCode } from './verdict.ts'

/** When the sender wants to hear of a recipient; `NEVER` stands alone. RFC 3461 §4.1. */
export type NotifyCondition = 'NEVER' | 'SUCCESS' | 'FAILURE' | 'DELAY'

/** How much of the message a notification gives back. RFC 3461 §4.3. */
export type ReturnedContent = 'FULL' | 'HDRS'

/** Why a message is in the queue: decides what may be sent back about it, and who is held to limits for it. */
export type QueueOrigin =
  /** A client that had logged in gave it to us. */
  | 'submission'
  /** The host sent it by a call. */
  | 'api'
  /** It came from elsewhere and goes on by an alias, a group or a filter. */
  | 'forward'
  /** We made it: a notification, a report, an automatic answer. Never bounces. */
  | 'notification'

/** One recipient of a message to be queued. */
export interface QueuedRecipient {
  /** `local@domain`, domain in lower-case A-labels (U-labels only with `smtpUtf8`). */
  readonly address: string
  /** Default: what RFC 3461 §4.1 says for none given (failure, and delay where the queue warns). */
  readonly notify?: readonly NotifyCondition[]
  /** ORCPT as given, `rfc822;ann@example.org`, xtext decoded. RFC 3461 §4.2. */
  readonly originalRecipient?: string
}

/** The envelope of a queued message and how it is to be treated. */
export interface QueuedEnvelope {
  /** Envelope sender; empty for the null reverse-path. RFC 5321 §4.5.5. */
  readonly from: string
  readonly origin: QueueOrigin
  /** Whose message it is, for fairness and limits. Absent: nobody's. */
  readonly account?: AccountId
  /** ENVID, xtext decoded. RFC 3461 §4.4. */
  readonly envelopeId?: string
  readonly returnedContent?: ReturnedContent
  /** Needs SMTPUTF8 on every hop. RFC 6531 §3.6. */
  readonly smtpUtf8?: boolean
  /** Octets above 127 in the body: the next hop must offer 8BITMIME, or the message is converted. RFC 6152. */
  readonly eightBit?: boolean
  /** Never over a hop without verified TLS. RFC 8689 §4.2.1. */
  readonly requireTls?: boolean
  /** -9 to 9, higher leaves first. Default 0. RFC 6710 §3. */
  readonly priority?: number
  /** Not before this moment, milliseconds since the epoch. Default: at once. RFC 4865 §4.2. */
  readonly notBefore?: number
  /**
   * After this moment (milliseconds since the epoch) undelivered recipients fail: whoever leases them then gives them up. Default:
   * {@link QueueLimits.lifetimeMs} after queueing, or after `notBefore` where that is later. RFC 5321 §4.5.4.1.
   */
  readonly expiresAt?: number
  /** Deliver by this moment, or give it back (`return`) or say that it is late (`notify`). RFC 2852 §4. */
  readonly deliverBy?: { readonly at: number; readonly mode: 'return' | 'notify' }
}

/** A message to be queued. */
export interface QueuedMessage extends QueuedEnvelope {
  /** At least one. */
  readonly recipients: readonly QueuedRecipient[]
  /** RFC 5322 with CRLF line ends. Must stay readable until the call's promise settles; the queue makes its own copy. */
  readonly content: MessageSource
  /** Fields that go in front of `content` on the wire (`Received`, `DKIM-Signature` ...). */
  readonly prefix?: Uint8Array
  /** Queueing again under the same key and account answers the first id and queues nothing, for as long as the queue remembers it. */
  readonly idempotencyKey?: string
}

/** What the next hop, or the lack of one, said. RFC 3463; RFC 3464 §2.3. */
export interface DeliveryStatus {
  /** Milliseconds since the epoch. */
  readonly at: number
  /** SMTP reply code, where a server gave one. */
  readonly reply?: number
  readonly code: EnhancedCode
  /** One line; whatever the remote server liked to say: escape it before it is shown. */
  readonly text: string
  /** Name of the server that said so. */
  readonly remote?: string
}

/** Where a recipient stands. */
export type RecipientState =
  /** Waits until `dueAt`. */
  | 'waiting'
  /** A worker has it. */
  | 'leased'
  /** Waits until somebody releases it. */
  | 'held'
  /** The next hop took it. */
  | 'delivered'
  /** Given up; the sender was told where that is due. */
  | 'failed'
  /** Taken out by the operator. */
  | 'removed'

/** One recipient as the queue tells of it. */
export interface RecipientEntry extends QueuedRecipient {
  /** Place in the message's recipients; names the recipient together with the message's id. */
  readonly index: number
  readonly state: RecipientState
  /** Tries so far. */
  readonly attempts: number
  /**
   * Milliseconds since the epoch; when it is tried next, while it waits. Never beyond `expiresAt` or `deliverBy.at` while those
   * are to come, so that a message is given up in time.
   */
  readonly dueAt: number
  readonly last?: DeliveryStatus
}

/** A message as the queue tells of it. */
export interface QueueEntry extends QueuedEnvelope {
  readonly id: string
  readonly queuedAt: number
  readonly expiresAt: number
  /** Octets, prefix included. */
  readonly size: number
  readonly recipients: readonly RecipientEntry[]
}

/** A recipient of a lease. */
export interface LeasedRecipient extends QueuedRecipient {
  readonly index: number
  /** Earlier tries. */
  readonly attempts: number
  /** The sender was already told that it is late. */
  readonly warned: boolean
  readonly last?: DeliveryStatus
}

/** Those recipients of one message in one domain that are due, leased to one worker: one transaction's worth. */
export interface QueueLease {
  /** Of the message. */
  readonly id: string
  /** Proves that the lease is still held; once it has run out and somebody else leased, the token is void (fencing). */
  readonly token: string
  /** Domain of the recipients, as in their addresses. */
  readonly destination: string
  readonly envelope: QueuedEnvelope & { readonly queuedAt: number; readonly expiresAt: number }
  readonly recipients: readonly LeasedRecipient[]
  /** Prefix and content. Readable while the lease is held. */
  readonly content: MessageSource
}

/** What to lease. */
export interface LeaseRequest {
  /** Leases, not recipients. */
  readonly limit: number
  readonly leaseMs: number
  /** Recipients in one lease at most; the rest of a domain comes in further leases. Default 100. RFC 5321 §4.5.3.1.8. */
  readonly recipientsPerLease?: number
  /** Leases for one destination at most in this call. Default: `limit`. */
  readonly perDestination?: number
  /** Destinations that take no more at present. */
  readonly except?: readonly string[]
  /** Leases for certain destinations at most, instead of `perDestination`. */
  readonly allowances?: readonly { readonly destination: string; readonly leases: number }[]
}

/** What became of a leased recipient. */
export type RecipientOutcome =
  | { readonly kind: 'delivered'; readonly status: DeliveryStatus }
  | { readonly kind: 'failed'; readonly status: DeliveryStatus }
  /** Again at `dueAt`. `warned`: the sender is told with this very step that it is late. `untried`: not counted as a try. */
  | {
      readonly kind: 'deferred'
      readonly status: DeliveryStatus
      readonly dueAt: number
      readonly warned?: boolean
      readonly untried?: boolean
    }

/** The end of a lease: what became of its recipients. Those left out wait again at once, untried. */
export interface Settlement {
  readonly id: string
  readonly token: string
  readonly outcomes: readonly { readonly index: number; readonly outcome: RecipientOutcome }[]
}

/** What is to be said about a message whose lease ends. */
export interface QueuedNotification {
  /** Id of the message that it is about. */
  readonly about: string
  /** Token of the one settlement that it belongs to. Default: all of `about` in the call. */
  readonly token?: string
  readonly message: QueuedMessage
}

/** Chooses messages and recipients; what is left out does not narrow. */
export interface QueueSelector {
  readonly id?: string
  /** Envelope sender, whole. */
  readonly from?: string
  readonly account?: AccountId
  /** Domain of recipients. */
  readonly destination?: string
  /** One recipient, whole. */
  readonly recipient?: string
  readonly state?: RecipientState
}

/** What makes new mail wait. One of the three is given. */
export type QueuePause = { readonly destination: string } | { readonly from: string } | { readonly account: AccountId }

/** How much is in a queue. */
export interface QueueCounts {
  /** Messages with a recipient that is not settled. */
  readonly messages: number
  /** Unsettled recipients by state. */
  readonly waiting: number
  readonly leased: number
  readonly held: number
  /** Octets of their contents. */
  readonly octets: number
  /** When the oldest unsettled message was queued, milliseconds since the epoch. */
  readonly oldest?: number
  /** Unsettled recipients by destination, the largest first (of equal ones by name), at most 100. */
  readonly destinations: readonly { readonly destination: string; readonly recipients: number }[]
}

/** What an account has in the queue and queued lately. */
export interface QueueUsage {
  /** Its messages with a recipient that is not settled. */
  readonly messages: number
  /** Its unsettled recipients. */
  readonly recipients: number
  /** Recipients of messages that it queued since the moment asked for, settled ones included. */
  readonly recent: number
  /** When the first of these was queued, milliseconds since the epoch. */
  readonly recentSince?: number
  /** Unsettled messages of all accounts and of nobody's. */
  readonly all: number
}

/** What a queue keeps to. */
export interface QueueLimits {
  /** How long undelivered recipients are tried. Default 5 days. RFC 5321 §4.5.4.1. */
  readonly lifetimeMs: number
  /** How long settled messages are remembered (without content): for outcomes, bounces that come late, and idempotency keys. Default 7 days. */
  readonly rememberMs: number
  /** Messages at most; more are refused with `no-space`. Default 1,000,000. */
  readonly maxMessages: number
}

/**
 * Takes messages durably and hands them out when they are due, each recipient to one worker at a time.
 *
 * Promises of every method: a promise that resolves stands for a change that survives a crash (unless the queue says that it
 * is volatile); a promise that rejects stands for no change at all; calls may overlap, from several workers and processes.
 * `queueSuite` of `mailwright/testing` proves every sentence on this page.
 *
 * Order: by priority, then by when it fell due, taking turns between accounts and between destinations so that one sender of
 * a hundred thousand messages does not stand before another's single one.
 */
export interface Queue {
  /** `false` for queues that forget on exit. Default, when left out: durable. */
  readonly durable?: boolean
  readonly limits: QueueLimits
  /**
   * Resolves with the queue's id of the message once it survives a crash. `repeated` says that the idempotency key was known
   * and nothing was queued. Throws `invalid` for an address or envelope that cannot be one, `too-big`, `no-space`
   * (also when the queue is full), `unavailable` when it is closed.
   */
  enqueue(message: QueuedMessage, options?: CallOptions): Promise<{ readonly id: string; readonly repeated: boolean }>
  /** What is due, leased. An empty answer means that nothing is due at present: see {@link Queue.nextDue} and {@link Queue.watch}. */
  lease(request: LeaseRequest, options?: CallOptions): Promise<readonly QueueLease[]>
  /** The heartbeat: leases last `leaseMs` from now on. Answers those tokens that are void. */
  renew(leases: readonly Pick<QueueLease, 'id' | 'token'>[], leaseMs: number, options?: CallOptions): Promise<readonly string[]>
  /**
   * Ends leases, and queues what is to be said about them (notifications) in the same durable step, so that a crash can
   * neither lose nor repeat a bounce. Settlements with void tokens are ignored, and answered as their tokens; when one is, the
   * messages given for its id in `notifications` are not queued. A token is good until somebody else leases, even after it ran
   * out: what a server said stays true. {@link QueueLimits.maxMessages} does not hold for notifications.
   */
  settle(
    settlements: readonly Settlement[],
    options?: CallOptions & { readonly notifications?: readonly QueuedNotification[] },
  ): Promise<readonly string[]>
  /** Milliseconds since the epoch when the next waiting recipient falls due or the next lease runs out; `undefined` when none does. */
  nextDue(options?: CallOptions): Promise<number | undefined>
  /** Calls `listener` soon after something may have become due: after enqueue, release, retry, resume. Answers how to stop. */
  watch(listener: () => void): () => void
  /** Recipients that wait are held until released. Answers how many. */
  hold(selector: QueueSelector, options?: CallOptions): Promise<number>
  /** Held recipients wait again, due at once. Answers how many. */
  release(selector: QueueSelector, options?: CallOptions): Promise<number>
  /** Waiting recipients fall due at once (paused ones once resumed). Answers how many wait, those included that were due already. */
  retry(selector: QueueSelector, options?: CallOptions): Promise<number>
  /** Takes out recipients that are not settled; leases on them become void. Nobody is told. Answers how many. */
  remove(selector: QueueSelector, options?: CallOptions): Promise<number>
  /** Nothing that matches is leased from now on, until resumed; survives a restart. Again is no error. */
  pause(rule: QueuePause, options?: CallOptions): Promise<void>
  /** Ends a pause; one that is not there is no error. */
  resume(rule: QueuePause, options?: CallOptions): Promise<void>
  /** The pauses in force. */
  paused(options?: CallOptions): Promise<readonly QueuePause[]>
  /** Messages by time of queueing, unsettled ones unless the selector names a settled state; fetched in pages while it is walked. */
  list(selector?: QueueSelector, options?: CallOptions): AsyncIterable<QueueEntry>
  /** One message, settled ones too while they are remembered; by its id. */
  show(id: string, options?: CallOptions): Promise<QueueEntry | undefined>
  /** Octets of an unsettled message, or `undefined`. */
  content(id: string, options?: CallOptions): Promise<MessageSource | undefined>
  /** How much there is; cheap enough for every few seconds. */
  counts(options?: CallOptions): Promise<QueueCounts>
  /**
   * What an account has waiting, and what it queued since `since` (milliseconds since the epoch, as far back as the queue remembers): for
   * limits, so it is asked for every message. `most`: messages that are counted in each regard; whoever has more has too many anyhow.
   * Without this method accounts have no limits.
   */
  usage?(account: AccountId, asked: { readonly since: number; readonly most: number }, options?: CallOptions): Promise<QueueUsage>
  /** Ends running calls, lets go of resources and leases stay as they are. Calls after it throw `unavailable`. */
  close(): Promise<void>
}

/** Why an address gets no mail from us. */
export interface Suppression {
  /** `local@domain`. All its spellings are one: quotes and case make no difference. */
  readonly address: string
  readonly reason: 'hard-bounce' | 'complaint' | 'unsubscribed' | 'operator'
  /** Milliseconds since the epoch. */
  readonly since: number
  /** What was said, for the operator. */
  readonly text?: string
}

/** Addresses that get no mail from us, since it came back or was complained about. Durable like the queue beside it. */
export interface SuppressionList {
  /** Adds or replaces. */
  suppress(entry: Suppression, options?: CallOptions): Promise<void>
  /** One that is not there is no error. */
  unsuppress(address: string, options?: CallOptions): Promise<void>
  /** Those of the addresses that are suppressed, each as it was asked for. */
  suppressed(addresses: readonly string[], options?: CallOptions): Promise<readonly Suppression[]>
  /** All, by address, each in one spelling of the list's choice. */
  suppressions(options?: CallOptions): AsyncIterable<Suppression>
}
