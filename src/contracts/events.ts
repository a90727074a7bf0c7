/** The one-way stream: what happened, for logs and figures. Never awaited, never decides. */

import type { MailAddress } from './directory.ts'
import type { AccountId, MailboxId } from './mailbox-info.ts'
import type { ConnectionFacts } from './middleware.ts'
import type { Phase } from './phase.ts'
import type { Uid } from './numbers.ts'
import type { DeliveryStatus, QueueOrigin } from './queue.ts'
import type { ReceivedReport } from './report.ts'
import type { TraceEntry } from './trace.ts'
import type { Verdict } from './verdict.ts'

/** A message that was accepted or refused as a whole. */
export interface MessageEvent {
  readonly connection: ConnectionFacts
  /** Unique id of this message in this server; stands in its `Received` field. */
  readonly id: string
  readonly sender: MailAddress | undefined
  readonly recipients: readonly MailAddress[]
  /** Octets as received. */
  readonly size: number
  readonly verdict: Verdict
  readonly trace: readonly TraceEntry[]
}

/** A message that is in a mailbox now. */
export interface DeliveredEvent {
  /** Id of the message, as in its {@link MessageEvent}. */
  readonly id: string
  readonly recipient: MailAddress
  readonly account: AccountId
  readonly mailbox: MailboxId
  readonly uid: Uid
}

/** What became of one recipient elsewhere in one try. */
export interface OutboundEvent {
  /** Id of the message in the queue. */
  readonly id: string
  /** Envelope sender; empty for the null reverse-path. */
  readonly from: string
  readonly recipient: string
  readonly status: DeliveryStatus
  /** Tries so far, this one included. */
  readonly attempts: number
  /** When it is tried next, milliseconds since the epoch; of what is delayed only. */
  readonly dueAt?: number
}

/** Every event and what comes with it. Listeners must not throw; what they throw is reported as an `error` event. */
export interface MailEvents {
  /** A client connected. */
  connection: (event: { readonly connection: ConnectionFacts }) => void
  /** A connection ended. */
  closed: (event: { readonly connection: ConnectionFacts; readonly reason?: string }) => void
  /** Somebody logged in, or failed to. */
  login: (event: {
    readonly connection: ConnectionFacts
    readonly username: string
    readonly mechanism: string
    readonly ok: boolean
  }) => void
  /** Middleware decided something other than `accept` before a whole message was there. */
  refused: (event: {
    readonly connection: ConnectionFacts
    readonly phase: Phase
    readonly verdict: Verdict
    readonly trace: readonly TraceEntry[]
  }) => void
  /** A whole message was decided on. */
  message: (event: MessageEvent) => void
  /** A message reached a mailbox. */
  delivered: (event: DeliveredEvent) => void
  /** A message is in the queue. */
  queued: (event: {
    readonly id: string
    readonly from: string
    readonly recipients: readonly string[]
    readonly origin: QueueOrigin
  }) => void
  /** The next hop of a recipient elsewhere took the message. */
  sent: (event: OutboundEvent) => void
  /** A recipient elsewhere did not get the message yet; it is tried again. */
  delayed: (event: OutboundEvent) => void
  /** A recipient elsewhere will not get the message. */
  bounced: (event: OutboundEvent) => void
  /** Mail that the next hop had taken came back, or was complained about; proved to be ours. */
  returned: (event: {
    /** Of the message in the queue. */
    readonly id: string
    readonly recipient: string
    readonly kind: 'bounce' | 'complaint'
    /** A class of bounces, or the type of a complaint. */
    readonly reason: string
    /** Trying again is no use. */
    readonly permanent: boolean
    /** The recipient gets no more mail from here. */
    readonly suppressed: boolean
  }) => void
  /** A report of another server on our mail or our TLS came. RFC 9990; RFC 8460. */
  report: (event: ReceivedReport) => void
  /** A bug or a failing adapter: what the peer was told is only that something went wrong. */
  error: (event: { readonly error: unknown; readonly where: string; readonly connection?: ConnectionFacts }) => void
}

/** Where the library tells what happened. */
export interface EventSink {
  /** Must return quickly and not throw. */
  emit<Name extends keyof MailEvents>(name: Name, event: Parameters<MailEvents[Name]>[0]): void
}
