/** A message as a host writes it down, and what it may ask for along with it. RFC 5322 §3.6; RFC 3461; RFC 4865; RFC 8689. */

import type { AccountId } from '../../contracts/mailbox-info.ts'
import type { MessageSource } from '../../contracts/message.ts'
import type { DeliveryStatus, NotifyCondition, QueueOrigin, RecipientState, ReturnedContent } from '../../contracts/queue.ts'

/** One or more addresses, as text (`Ann <ann@example.org>, ben@example.org`) or in parts. */
export type Addresses =
  | string
  | { readonly name?: string; readonly address: string }
  | readonly (string | { readonly name?: string; readonly address: string })[]

/** Octets in one of the forms that a host may have them in. */
export type Octets = string | Uint8Array | AsyncIterable<Uint8Array | string>

/** A file that goes along. */
export interface Attachment {
  readonly filename?: string
  readonly content: Octets
  /** Default: by the filename. */
  readonly contentType?: string
  /** For pictures in `html`: `<img src="cid:...">`. RFC 2392. */
  readonly cid?: string
}

/** What a message says, for composing. The names are nodemailer's. */
export interface ComposedMail {
  readonly from: Addresses
  readonly sender?: Addresses
  readonly to?: Addresses
  readonly cc?: Addresses
  /** Gets the message and is not named in it. */
  readonly bcc?: Addresses
  readonly replyTo?: Addresses
  readonly inReplyTo?: string
  readonly references?: string | readonly string[]
  readonly subject?: string
  readonly text?: string
  readonly html?: string
  readonly attachments?: readonly Attachment[]
  /** Further fields; line ends in values are refused. */
  readonly headers?: Readonly<Record<string, string | readonly string[]>>
  /** Default: now. */
  readonly date?: Date
  /** Default: a new one under the server's name. */
  readonly messageId?: string
}

/** What may be asked for with any message. */
export interface SendWishes {
  /** Default: taken from `from`/`sender` and `to`/`cc`/`bcc`; a raw message needs one. `from: ''` is the null reverse-path. */
  readonly envelope?: { readonly from: string; readonly to: string | readonly string[] }
  /** Sending again under the same key sends nothing and answers the first message. */
  readonly idempotencyKey?: string
  /** Not before this moment. RFC 4865. */
  readonly notBefore?: Date
  /** Default: the queue's lifetime. */
  readonly expiresAt?: Date
  /** -9 to 9. RFC 6710. */
  readonly priority?: number
  /** What the sender wants to hear of, for all recipients. RFC 3461 §4.1. */
  readonly notify?: readonly NotifyCondition[]
  readonly returnedContent?: ReturnedContent
  readonly envelopeId?: string
  /** Never over a hop without verified TLS. RFC 8689. */
  readonly requireTls?: boolean
  /** The header holds addresses beyond ASCII; those of the envelope tell of themselves. RFC 6531 §3.4. */
  readonly smtpUtf8?: boolean
  /** Whose message it is, for limits and for taking turns. */
  readonly account?: AccountId
  /** Default `api`. A `notification` never bounces. */
  readonly origin?: QueueOrigin
}

/** A message to send: written down, or whole already (`raw`, RFC 5322 octets; line ends are brought to CRLF). */
export type OutgoingMail = SendWishes & (ComposedMail | { readonly raw: Octets | MessageSource })

/** What became of one recipient in the end. */
export interface SentRecipient {
  readonly address: string
  readonly state: Extract<RecipientState, 'delivered' | 'failed' | 'removed'>
  readonly status?: DeliveryStatus
}

/** A message that is in the queue. */
export interface SentMail {
  /** In the queue. */
  readonly id: string
  /** The idempotency key was known: nothing was queued. */
  readonly repeated: boolean
  /**
   * Waits until every recipient has the message or will not get it, which may be days; rejects when `signal` fires or the
   * server closes, and with `MailError('no-such-message')` when the queue remembers it no more.
   */
  outcome(options?: { readonly signal?: AbortSignal }): Promise<readonly SentRecipient[]>
}
