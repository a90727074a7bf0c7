/** What the client is given to send. RFC 5321 §3.3; RFC 3461 §4. */

import type { MessageSource, NotifyCondition, QueuedEnvelope } from '../../contracts/index.ts'

/** One recipient, as the queue has it. */
export interface OutgoingRecipient {
  readonly address: string
  readonly notify?: readonly NotifyCondition[]
  readonly originalRecipient?: string
}

/** One message for one hop: what a lease of the queue holds. */
export interface OutgoingMessage {
  readonly envelope: Pick<
    QueuedEnvelope,
    'from' | 'envelopeId' | 'returnedContent' | 'smtpUtf8' | 'eightBit' | 'requireTls' | 'deliverBy' | 'priority'
  >
  /** At least one. */
  readonly recipients: readonly OutgoingRecipient[]
  readonly content: MessageSource
}
