/** The end of a delivery for recipients on other servers: one message for the queue, or one for each alias that sends it on. RFC 5321 §3.6, §3.9. */

import type {
  LiveConnection,
  MailAddress,
  MessageSource,
  OutboundMessage,
  OutboundRecipient,
  RecipientParameters,
  Transaction,
  Verdict,
} from '../contracts/index.ts'
import { verdictOf } from './failures.ts'
import type { House } from './house.ts'
import { concatenated } from './header-edits.ts'
import { printable } from './printable.ts'

const encoder = new TextEncoder()
/** The group of what goes on as it is. */
const RELAYED = Symbol('relayed')

/** One address elsewhere that the message goes to. */
export interface Departure {
  /** Index of the recipient in the transaction. */
  readonly recipient: number
  readonly address: MailAddress
  readonly parameters: RecipientParameters
  /** The alias that sends it on, where one does. */
  readonly by: string | undefined
  /** This server is a gateway for the address. */
  readonly relayed: boolean
  verdict: Verdict
}

/** The message that leaves. */
export interface Leaving {
  readonly id: string
  readonly connection: LiveConnection
  readonly transaction: Transaction
  readonly content: MessageSource
  readonly prefix: Uint8Array
  readonly header: (name: string) => string | undefined
  /** Domains that whoever submitted it has the right to. */
  readonly domains: readonly string[]
}

/**
 * Queues the message for all addresses elsewhere; what fails becomes the verdict of the departures it concerns.
 *
 * What an alias sends on carries `Delivered-To` with the alias, so that a message that comes back is known (S22).
 */
export async function sendOut(house: House, departures: readonly Departure[], leaving: Leaving): Promise<void> {
  const { outbound } = house
  if (outbound === undefined) return
  for (const [by, group] of Map.groupBy(departures, ({ by, relayed }) => (relayed ? RELAYED : by))) {
    const marked =
      typeof by !== 'string' ? leaving.prefix : concatenated([encoder.encode(`Delivered-To: ${printable(by)}\r\n`), leaving.prefix])
    try {
      const message = { ...messageFor(leaving, group, marked), ...(leaving.connection.protocol === 'lmtp' ? { trusted: true } : {}) }
      await outbound.take(by === RELAYED ? { ...message, relayed: true } : message)
    } catch (error) {
      const { verdict, expected } = verdictOf(error)
      if (!expected) house.report(error, 'queue', leaving.connection)
      for (const departure of group) departure.verdict = verdict
    }
  }
}

function messageFor(leaving: Leaving, group: readonly Departure[], prefix: Uint8Array): OutboundMessage {
  const recipients = group.map(({ address, parameters }) => ({ address, ...parameters }))
  return { ...subjectOf(leaving, recipients), prefix, header: leaving.header, domains: leaving.domains }
}

/** What a transaction asked for, with the recipients concerned. */
export function subjectOf(
  { id, content, transaction, connection }: Omit<Leaving, 'prefix' | 'header' | 'domains'>,
  recipients: readonly OutboundRecipient[],
): Omit<OutboundMessage, 'prefix' | 'header'> {
  const { principal } = connection
  const { sender, smtpUtf8 = false, envelopeId, ret, requireTls, notBefore, deliverBy, priority } = transaction
  return {
    id,
    sender,
    recipients,
    content,
    smtpUtf8,
    ...(principal === undefined ? {} : { principal }),
    ...(envelopeId === undefined ? {} : { envelopeId }),
    ...(ret === undefined ? {} : { returnedContent: ret }),
    ...(requireTls === undefined ? {} : { requireTls }),
    ...(notBefore === undefined ? {} : { notBefore }),
    ...(deliverBy === undefined ? {} : { deliverBy }),
    ...(priority === undefined ? {} : { priority }),
  }
}
