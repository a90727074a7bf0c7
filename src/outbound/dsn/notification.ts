/** Notifications to the sender of a message that was, was not, or was not yet delivered. RFC 3464 §2; RFC 3461 §6; RFC 6522 §3; RFC 6533 §4. */

import { concatBytes, utf8Bytes } from '../../bytes/ascii.ts'
import type { Clock, Random } from '../../contracts/clock.ts'
import { ConfigurationError } from '../../contracts/mail-error.ts'
import type { MessageSource } from '../../contracts/message.ts'
import type { QueuedEnvelope, QueuedMessage, QueuedRecipient } from '../../contracts/queue.ts'
import { canonicalDomain, decodeWords } from '../../mime/index.ts'
import { field, isBeyondAscii, lineOf, mailDate } from '../../mime/field-text.ts'
import { humanText } from './human-part.ts'
import { base64Lines, returnedPart } from './returned-part.ts'
import { statusFields, type ReportedRecipient } from './status-part.ts'
import { isDue, isOwed, type DeliveryAction } from './wishes.ts'

/** Options of {@link notifier}. */
export interface NotifierOptions {
  /** This server's name, as in its greeting. */
  readonly hostname: string
  /** A person who can help; in `From`. Default `postmaster@` and the hostname. */
  readonly postmaster?: string
  readonly clock: Pick<Clock, 'now'>
  readonly random: Random
  /** Messages up to so many octets are given back whole where the sender asks for it; of larger ones the header. Default 262,144. */
  readonly wholeUpTo?: number
  /**
   * Whether a sender may be told at all. Default: yes. A host says no where mail came from elsewhere under a sender that nobody vouched
   * for, since a notification would then hit a stranger (backscatter).
   */
  readonly mayTell?: (envelope: QueuedEnvelope) => boolean
}

/** What a notification is about: a lease of the queue has this form. */
export interface NotificationSubject {
  readonly envelope: QueuedEnvelope & { readonly queuedAt: number }
  readonly content: MessageSource
}

/** A recipient, with what its sender wants to know of it. */
export interface NotifiableRecipient extends ReportedRecipient {
  readonly recipient: Pick<QueuedRecipient, 'address' | 'originalRecipient' | 'notify'>
}

/** Makes notifications. */
export type Notifier = (subject: NotificationSubject, recipients: readonly NotifiableRecipient[]) => Promise<readonly QueuedMessage[]>

const SUBJECTS: Readonly<Record<DeliveryAction, string>> = {
  failed: 'Not delivered',
  delayed: 'Not delivered yet',
  delivered: 'Delivered',
  relayed: 'Handed on',
  expanded: 'Sent on',
}

/** Failures, delays and successes are told apart, in this order. */
const GROUPS: readonly (readonly DeliveryAction[])[] = [['failed'], ['delayed'], ['delivered', 'relayed', 'expanded']]

/**
 * A maker of notifications, ready to be queued: at most one each of failures, delays and successes, about all recipients that are
 * due one ({@link isDue}); none for a message without a sender or one that is itself a notification. What remote servers
 * and senders wrote appears as text, never as a field. The content is read before the promise settles.
 *
 * Throws a ConfigurationError `MW_NOTIFIER` for a name or address that cannot be one.
 */
export function notifier(options: NotifierOptions): Notifier {
  const hostname = canonicalDomain(options.hostname)
  const postmaster = options.postmaster ?? `postmaster@${options.hostname}`
  if (hostname === undefined || !/^[\u0021-\u003b=\u003f-\u007e]+@[\w.-]+$/.test(postmaster))
    throw new ConfigurationError(
      'MW_NOTIFIER',
      `notifications cannot come from ${JSON.stringify(postmaster)} at ${JSON.stringify(options.hostname)}`,
    )
  const made: Made = { wholeUpTo: 262_144, ...options, hostname, postmaster }
  return async (subject, recipients) => {
    if (options.mayTell?.(subject.envelope) === false) return []
    const due = recipients.filter(({ recipient, action }) => isTold(subject.envelope, recipient, action))
    const groups = GROUPS.map(actions => due.filter(({ action }) => actions.includes(action))).filter(group => group.length > 0)
    return Promise.all(groups.map(group => notification(made, subject, group)))
  }
}

/** RFC 2852 §4.1.4.2: that nobody will tell of the delay is told unasked; the agent knows when. */
function isTold(envelope: QueuedEnvelope, recipient: Parameters<typeof isOwed>[1], action: DeliveryAction): boolean {
  if (action === 'relayed' && envelope.deliverBy?.mode === 'notify') return isOwed(envelope, recipient)
  return isDue(envelope, recipient, action)
}

type Made = NotifierOptions & Required<Pick<NotifierOptions, 'postmaster' | 'wholeUpTo'>>

async function notification(
  { hostname, postmaster, clock, random, wholeUpTo }: Made,
  { envelope, content }: NotificationSubject,
  recipients: readonly NotifiableRecipient[],
): Promise<QueuedMessage> {
  const utf8 = isBeyondAscii(envelope.from)
  const hasFailed = recipients.some(({ action }) => action === 'failed')
  // RFC 3461 §4.3: only failures give the message back; RFC 8689 §5: never one that asks for TLS all the way.
  const whole = hasFailed && envelope.returnedContent === 'FULL' && envelope.requireTls !== true
  const returned = await returnedPart(content, { wholeUpTo: whole ? wholeUpTo : 0, utf8 })
  const subject = returned.subject === undefined ? undefined : decodeWords(returned.subject)
  const human = humanText(hostname, postmaster, recipients, { ...returned, subject, size: content.size, returned: returned.kind })
  const now = clock.now()
  const boundary = `=_${token(random, 16)}`
  const head =
    field('From', `"Mail server ${hostname}" <${postmaster}>`) +
    field('To', `<${lineOf(envelope.from, 1000)}>`) +
    field('Subject', subjectOf(recipients, utf8)) +
    field('Date', mailDate(now)) +
    field('Message-ID', `<${token(random, 12)}@${hostname}>`) +
    references(returned.messageId) +
    // RFC 3834 §5: so that nothing answers it by itself.
    field('Auto-Submitted', 'auto-replied') +
    'MIME-Version: 1.0\r\n' +
    `Content-Type: multipart/report; report-type=${utf8 ? 'global-' : ''}delivery-status;\r\n boundary="${boundary}"\r\n\r\n` +
    'This is a notification about mail, in parts as RFC 3464 has them.\r\n'
  const statusType = utf8 ? 'message/global-delivery-status' : 'message/delivery-status'
  const status = utf8Bytes(statusFields(hostname, envelope, recipients, utf8))
  const between = utf8Bytes(`\r\n--${boundary}\r\n`)
  const octets = concatBytes([
    utf8Bytes(head),
    between,
    textPart(human),
    between,
    utf8Bytes(`Content-Type: ${statusType}\r\nContent-Transfer-Encoding: ${utf8 ? '8bit' : '7bit'}\r\n\r\n`),
    status,
    between,
    returned.octets,
    utf8Bytes(`\r\n--${boundary}--\r\n`),
  ])
  return {
    from: '',
    origin: 'notification',
    // RFC 3461 §6.1: nobody is told what becomes of a notification.
    recipients: [{ address: envelope.from, notify: ['NEVER'] }],
    content: { size: octets.length, read: (start, end) => octets.subarray(Math.max(0, start), Math.max(0, end)) },
    ...(utf8 ? { smtpUtf8: true } : {}),
    eightBit: utf8 || returned.eightBit,
    ...(envelope.requireTls === true ? { requireTls: true } : {}),
  }
}

function subjectOf(recipients: readonly NotifiableRecipient[], utf8: boolean): string {
  const [first] = recipients
  if (first === undefined) return ''
  const { address } = first.recipient
  const to =
    recipients.length === 1 && (utf8 || !isBeyondAscii(address))
      ? lineOf(address, 200)
      : recipients.length === 1
        ? '1 recipient'
        : `${recipients.length} recipients`
  return `${SUBJECTS[first.action]}: ${to}`
}

/** Threads the notification under the message, where that has an id that is one. */
function references(messageId: string | undefined): string {
  if (messageId === undefined || !/^<[\u0021-\u003b=\u003f-\u007e]{1,900}>$/.test(messageId)) return ''
  return field('In-Reply-To', messageId) + field('References', messageId)
}

/** Text for people: as it is where it is ASCII, else in base64. */
function textPart(text: string): Uint8Array {
  const octets = utf8Bytes(text.replaceAll('\n', '\r\n'))
  if (!isBeyondAscii(text)) return concatBytes([utf8Bytes('Content-Type: text/plain; charset=us-ascii\r\n\r\n'), octets])
  return concatBytes([
    utf8Bytes('Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n'),
    base64Lines(octets),
  ])
}

function token(random: Random, octets: number): string {
  return random.bytes(octets).reduce((text, octet) => text + octet.toString(16).padStart(2, '0'), '')
}
