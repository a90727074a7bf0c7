/** Whether a message may be answered by a program, to whom, and with which header. RFC 3834 §2, §3.1, §4, §5; RFC 5230 §4.5, §4.6 for vacations. */

import type { MailAddress } from '../contracts/directory.ts'
import { parseAddressList } from './address-list.ts'
import { canonicalDomain, printAddress } from './address.ts'
import { encodedText, field, isBeyondAscii, lineOf, mailDate } from './field-text.ts'

/** A message that came, as far as the rules look at it. */
export interface AnswerableMessage {
  /** Envelope sender; `undefined` is the null reverse-path. */
  readonly sender: MailAddress | undefined
  /** Every value of a field, name in any case, unfolded; encoded-words left. */
  readonly header: (name: string) => readonly string[]
}

/** For whom the program answers. */
export interface Responder {
  /** Whose name it answers under. */
  readonly address: MailAddress
  /** Other addresses of the same person or service. */
  readonly aliases?: readonly MailAddress[]
  /** A service that is written to in order to be answered, not a person who is away: need not be named in `To` or `Cc`. */
  readonly service?: boolean
}

/** Why a message gets no automatic answer. */
export type NoReplyReason =
  /** Null sender: a notification. RFC 3834 §2. */
  | 'no-sender'
  /** `Auto-Submitted` says that a program wrote it. RFC 3834 §2, §5. */
  | 'automatic'
  /** List mail: `List-*`, or `Precedence` of old. RFC 3834 §2. */
  | 'list'
  /** From a mailer, a list's owner, or an address that says that nobody reads it. RFC 3834 §2. */
  | 'daemon'
  /** From the responder itself. */
  | 'self'
  /** The responder is not named in `To`, `Cc` or `Bcc`: a blind copy or a list. RFC 3834 §2. */
  | 'not-addressed'
  /** Marked by others as not to be answered (`X-Auto-Response-Suppress`). */
  | 'unwanted'
  /** Went through too many hands: a loop. RFC 5321 §6.3. */
  | 'loop'
  /** Taken for spam. */
  | 'spam'

/** The verdict: an answer with its envelope and header, or why there is none. */
export type AutoReply =
  | { readonly reply: false; readonly reason: NoReplyReason }
  | {
      readonly reply: true
      /** Recipient, of envelope and header alike: the envelope sender of the message, and nobody else. RFC 3834 §4. */
      readonly to: MailAddress
      /** Envelope sender of the answer: null, so that nothing comes back for it. RFC 3834 §3.3. */
      readonly from: ''
      /** Fields from `From` to `MIME-Version`, each with its line end; those of content and the empty line are to follow. */
      readonly header: string
      /** An address has letters beyond ASCII: SMTPUTF8 is needed. RFC 6531 §3.6. */
      readonly smtpUtf8: boolean
    }

/** What the answer says of itself. */
export interface AutoReplyText {
  /** Default: `Auto: ` and the subject of the message. RFC 3834 §3.1.5. */
  readonly subject?: string
  /** Name to show beside the responder's address. */
  readonly name?: string
  /** Milliseconds since the epoch. */
  readonly at: number
  /** `local@domain`, unique. */
  readonly messageId: string
}

const DAEMONS =
  /^(?:mailer-daemon|daemon|listserv|majordomo|nobody|noreply|no-reply|no_reply|donotreply|do-not-reply|bounces?|bounce[+-].*|owner-.*|.*-(?:request|owner|relay|bounces?|errors?))$|^.*[+-](?:bounces?|owner)[+=-].*$/i
const MOST_RECEIVED = 50
/** Of references so many octets are repeated. */
const LONGEST_REFERENCES = 2000
const MESSAGE_ID = /<[\u0021-\u003b=\u003f-\u007e]{1,250}>/g

/**
 * Whether a message may be answered by a program, and how. A pure function: that one sender is answered at most once in a while (RFC
 * 3834 §2 says a week or so; RFC 5230 §4.2) is for the caller to remember, by `to` and the responder.
 *
 * Throws nothing for what a message holds.
 */
export function autoReply(message: AnswerableMessage, responder: Responder, text: AutoReplyText): AutoReply {
  const reason = noReplyReason(message, responder)
  const { sender } = message
  if (reason !== undefined || sender === undefined) return { reply: false, reason: reason ?? 'no-sender' }
  const header = replyHeader(message, responder, sender, text)
  return { reply: true, to: sender, from: '', header, smtpUtf8: isBeyondAscii(header) }
}

function noReplyReason({ sender, header }: AnswerableMessage, responder: Responder): NoReplyReason | undefined {
  const has = (name: string): boolean => header(name).length > 0
  const says = (name: string, pattern: RegExp): boolean => header(name).some(value => pattern.test(value.trim()))
  if (sender === undefined || (sender.local === '' && sender.domain === '')) return 'no-sender'
  // RFC 3834 §5: any keyword but "no", known or not, says that no person wrote it. A comment may stand before it.
  if (header('Auto-Submitted').some(value => withoutComments(value).toLowerCase().split(/[;\s]/, 1)[0] !== 'no')) return 'automatic'
  if (
    has('X-Autoreply') ||
    has('X-Autorespond') ||
    has('X-Auto-Response') ||
    has('Feedback-Type') ||
    says('Content-Type', /^multipart\/report\b|^message\/(?:delivery-status|disposition-notification)\b/i)
  )
    return 'automatic'
  if (says('X-Auto-Response-Suppress', /\b(?:all|autoreply|oof)\b/i)) return 'unwanted'
  if (
    [
      'List-Id',
      'List-Help',
      'List-Unsubscribe',
      'List-Post',
      'List-Subscribe',
      'List-Owner',
      'List-Archive',
      'Mailing-List',
      'X-Mailing-List',
    ].some(has)
  )
    return 'list'
  if (says('Precedence', /^(?:bulk|list|junk|auto_reply)\b/i)) return 'list'
  if (says('X-Spam-Flag', /^yes\b/i) || says('X-Spam-Status', /^yes\b/i)) return 'spam'
  if (DAEMONS.test(sender.local)) return 'daemon'
  // Once is the delivery that is under way.
  if (header('Received').length > MOST_RECEIVED || header('Delivered-To').filter(value => isOne(value, [responder.address])).length > 1)
    return 'loop'
  const own = [responder.address, ...(responder.aliases ?? [])]
  if (own.some(address => sameAddress(address, sender)) || header('From').some(value => isOne(value, own))) return 'self'
  const named = ['To', 'Cc', 'Bcc', 'Resent-To', 'Resent-Cc', 'Resent-Bcc'].some(name => header(name).some(value => isOne(value, own)))
  return named || responder.service === true ? undefined : 'not-addressed'
}

function isOne(value: string, own: readonly MailAddress[]): boolean {
  return parseAddressList(value).some(({ mailbox, host }) => {
    if (mailbox === undefined || host === undefined || host === '') return false
    const domain = canonicalDomain(host)
    return domain !== undefined && own.some(address => sameAddress(address, { local: mailbox, domain }))
  })
}

/** Case of local parts is for their host to judge; here it makes none of two people who could answer each other for ever. */
function sameAddress(one: MailAddress, other: MailAddress): boolean {
  return one.domain === other.domain && one.local.normalize('NFC').toLowerCase() === other.local.normalize('NFC').toLowerCase()
}

/** RFC 5322 §3.2.2. */
function withoutComments(value: string): string {
  let text = ''
  let depth = 0
  for (const character of value.slice(0, 1000)) {
    if (character === '(') depth++
    else if (character === ')') depth = Math.max(0, depth - 1)
    else if (depth === 0) text += character
  }
  return text.trim()
}

function replyHeader({ header }: AnswerableMessage, { address }: Responder, to: MailAddress, text: AutoReplyText): string {
  const ids = (name: string): readonly string[] => header(name).flatMap(value => value.match(MESSAGE_ID) ?? [])
  const [messageId] = ids('Message-ID')
  const [subject = ''] = header('Subject')
  // RFC 3834 §3.1.5: "Auto:" in front, and nobody counts how often.
  const about = text.subject ?? `Auto: ${lineOf(subject, 200).replace(/^(?:(?:auto|re):\s{0,5}){1,5}/i, '')}`
  const name = text.name === undefined ? '' : `${phrase(lineOf(text.name, 100))} `
  let fields =
    field('From', `${name}<${printAddress(address)}>`) +
    field('To', `<${printAddress(to)}>`) +
    field('Subject', encodedText(lineOf(about, 300)))
  fields += field('Date', mailDate(text.at)) + field('Message-ID', `<${lineOf(text.messageId, 250)}>`)
  // RFC 3834 §3.1.6.
  if (messageId !== undefined) {
    const earlier = ids('References').length > 0 ? ids('References') : ids('In-Reply-To').slice(0, 1)
    fields +=
      field('In-Reply-To', messageId) + field('References', withinLimit([...earlier.filter(id => id !== messageId), messageId]).join(' '))
  }
  return `${fields}Auto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\n`
}

/** The first and as many of the last as go into the limit. RFC 5322 §3.6.4 (threads hold together by their ends). */
function withinLimit(ids: readonly string[]): readonly string[] {
  const [first, ...rest] = ids
  if (first === undefined) return []
  const kept: string[] = []
  let size = first.length
  for (const id of rest.reverse()) {
    size += id.length + 1
    if (size > LONGEST_REFERENCES) break
    kept.push(id)
  }
  return [first, ...kept.reverse()]
}

/** RFC 5322 §3.2.4; RFC 2047 §5 (3). */
function phrase(name: string): string {
  return isBeyondAscii(name) ? encodedText(name) : `"${name.replace(/["\\]/g, '\\$&')}"`
}
