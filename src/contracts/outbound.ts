/** The way out, as the pipeline asks for it: may this recipient elsewhere have mail from here, and take it. RFC 5321 §3.6. */

import type { CallOptions } from './call.ts'
import type { MailAddress, Principal } from './directory.ts'
import type { MessageSource } from './message.ts'
import type { NotifyCondition, ReturnedContent } from './queue.ts'
import type { Verdict } from './verdict.ts'

/** A recipient elsewhere. */
export interface OutboundRecipient {
  readonly address: MailAddress
  readonly notify?: readonly NotifyCondition[]
  readonly originalRecipient?: string
}

/** A whole message for recipients elsewhere. */
export interface OutboundMessage {
  /** Id of the message, as in its `Received` field. */
  readonly id: string
  /** Who logged in and submitted it; absent when it came from elsewhere and goes on by an alias or group. */
  readonly principal?: Principal
  /** This server is a gateway for the recipients: the message goes on as it is, under the sender that it has. */
  readonly relayed?: boolean
  /** It came from a neighbour (LMTP) or from our own queue, whose word on the sender is good. */
  readonly trusted?: boolean
  /** `undefined` is the null reverse-path. */
  readonly sender: MailAddress | undefined
  readonly recipients: readonly OutboundRecipient[]
  readonly content: MessageSource
  /** Trace fields that we put in front. */
  readonly prefix: Uint8Array
  /** The first value of a field of the message as it is sent, its name in any case. */
  readonly header: (name: string) => string | undefined
  /**
   * Domains that the principal was found to have the right to, as author and as envelope sender: a signature is made for these and no
   * others. Absent: for none.
   */
  readonly domains?: readonly string[]
  readonly smtpUtf8: boolean
  readonly envelopeId?: string
  readonly returnedContent?: ReturnedContent
  readonly requireTls?: boolean
  readonly notBefore?: number
  readonly deliverBy?: { readonly at: number; readonly mode: 'return' | 'notify' }
  readonly priority?: number
}

/** The way out of this server. */
export interface Outbound {
  /**
   * Whether mail for this recipient is taken. Called at RCPT, for those who logged in, and for targets of aliases. A
   * refusal says why (`5.1.2` bad domain, `5.7.1` may not send as this sender, `5.1.1` suppressed ...).
   */
  recipient(
    recipient: OutboundRecipient,
    by: {
      readonly sender: MailAddress | undefined
      readonly principal?: Principal
      /** Recipients elsewhere that the transaction has already. */
      readonly taken?: number
    },
    options?: CallOptions,
  ): Promise<Verdict>
  /** Tells the sender that recipients here have the message in their mailboxes: only those are named whose `notify` asks for it. RFC 3461 §5.2.3. */
  delivered?(message: Omit<OutboundMessage, 'prefix' | 'header'>, options?: CallOptions): Promise<void>
  /**
   * Whether there is room for a message, asked when all of it is there and nobody has a copy yet, so that a refusal is one for all of its
   * recipients. What is accepted keeps its room until it is taken.
   */
  room?(
    message: { readonly id: string; readonly principal?: Principal; readonly recipients: number },
    options?: CallOptions,
  ): Promise<Verdict>
  /** Takes a message; the promise resolves with the queue's id once it survives a crash. Throws `MailError`s. */
  take(message: OutboundMessage, options?: CallOptions): Promise<string>
}
