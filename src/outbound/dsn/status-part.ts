/** The part of a notification that programs read. RFC 3464 §2.2, §2.3; RFC 6533 §4.1; RFC 2852 §5; RFC 4865 §5.1.2. */

import type { DeliveryStatus, QueuedEnvelope, QueuedRecipient } from '../../contracts/queue.ts'
import { asciiLineOf, field, lineOf, mailDate } from '../../mime/field-text.ts'
import { originalRecipient, typedAddress } from './utf8-address.ts'
import type { DeliveryAction } from './wishes.ts'

/** One recipient that a notification tells of. */
export interface ReportedRecipient {
  readonly recipient: Pick<QueuedRecipient, 'address' | 'originalRecipient'>
  readonly action: DeliveryAction
  readonly status: DeliveryStatus
  /** Until when it is tried, for what is only late; milliseconds since the epoch. */
  readonly retriedUntil?: number
}

/** The fields, `utf8` where the part may hold letters beyond ASCII. */
export function statusFields(
  hostname: string,
  envelope: Pick<QueuedEnvelope, 'envelopeId' | 'deliverBy' | 'notBefore'> & { readonly queuedAt: number },
  recipients: readonly ReportedRecipient[],
  utf8: boolean,
): string {
  const line = utf8 ? lineOf : asciiLineOf
  let text = ''
  // RFC 3464 §2.2.1: as it was given, case and spelling kept.
  if (envelope.envelopeId !== undefined) text += field('Original-Envelope-Id', asciiLineOf(envelope.envelopeId, 200))
  text += field('Reporting-MTA', `dns; ${hostname}`) + field('Arrival-Date', mailDate(envelope.queuedAt))
  if (envelope.deliverBy !== undefined) text += field('Deliver-By-Date', mailDate(envelope.deliverBy.at))
  // RFC 4865 §5.1.2: a DSN "MUST include" it; how long is told as until when, which says the same.
  if (envelope.notBefore !== undefined) text += field('Future-Release-Request', `until;${new Date(envelope.notBefore).toISOString()}`)
  for (const { recipient, action, status, retriedUntil } of recipients) {
    text += '\r\n'
    const original = recipient.originalRecipient === undefined ? undefined : originalRecipient(recipient.originalRecipient, utf8)
    if (original !== undefined) text += field('Original-Recipient', original)
    text += field('Final-Recipient', typedAddress(recipient.address, utf8)) + field('Action', action)
    text += field('Status', statusCode(status.code, action))
    if (status.remote !== undefined && status.remote !== '') text += field('Remote-MTA', `dns; ${asciiLineOf(status.remote, 255)}`)
    if (action === 'failed' || action === 'delayed') text += field('Diagnostic-Code', diagnostic(status, line))
    text += field('Last-Attempt-Date', mailDate(status.at))
    if (action === 'delayed' && retriedUntil !== undefined) text += field('Will-Retry-Until', mailDate(retriedUntil))
  }
  return text
}

/** RFC 3464 §2.3.4; a success has a code of success, a delay one of what may pass. */
function statusCode(code: string, action: DeliveryAction): string {
  const [, kind = '5', rest = '0.0'] = /^([245])\.(\d{1,3}\.\d{1,3})$/.exec(code) ?? []
  if (action === 'failed') return kind === '2' ? '5.0.0' : `${kind}.${rest}`
  const wanted = action === 'delayed' ? '4' : '2'
  return kind === wanted || action === 'delayed' ? `${wanted}.${rest}` : '2.0.0'
}

function diagnostic({ reply, code, text }: DeliveryStatus, line: typeof lineOf): string {
  const said = line(text, 900)
  // RFC 3464 §2.3.6: a reply of SMTP is told as it came; what we found ourselves is of no type that is registered.
  if (reply === undefined) return `x-local; ${said}`
  return `smtp; ${reply} ${/^[245]\.\d{1,3}\.\d{1,3}(?: |$)/.test(said) ? said : `${code} ${said}`}`
}
