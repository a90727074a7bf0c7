/** What cannot be queued: addresses, envelopes and wishes that no transaction could carry. RFC 5321 §4.1.2; RFC 3461 §4; RFC 6710 §3. */

import { MailError } from '../../contracts/mail-error.ts'
import type { QueuedMessage, QueuedRecipient, QueuePause } from '../../contracts/queue.ts'
import { inTurns } from './in-turns.ts'

/** RFC 5321 §4.5.3.1.3 allows 256 octets for a path; forwarded senders (SRS, VERP) need more. */
const MOST_ADDRESS = 1000

/** RFC 3461 §4.4: an ENVID has 100 characters at most. */
const MOST_ENVELOPE_ID = 100

/** RFC 3461 §4.2: an ORCPT has 500 characters at most. */
const MOST_ORIGINAL = 500

const CONTROL = /[\u0000-\u001f\u007f\u2028\u2029]/u
/** Callers without types send anything, and these go into commands. RFC 3461 §4.1, §4.3. */
const NOTIFY: ReadonlySet<string> = new Set(['NEVER', 'SUCCESS', 'FAILURE', 'DELAY'])
const RETURNED: ReadonlySet<string> = new Set(['FULL', 'HDRS'])
const ORIGINS: ReadonlySet<string> = new Set(['submission', 'forward', 'api', 'notification'])
const BEYOND_ASCII = /[^\u0000-\u007f]/u
const DOMAIN =
  /^(?:[a-z0-9_\u0080-\u{10ffff}](?:[a-z0-9_\u0080-\u{10ffff}-]*[a-z0-9_\u0080-\u{10ffff}])?\.)*[a-z0-9_\u0080-\u{10ffff}](?:[a-z0-9_\u0080-\u{10ffff}-]*[a-z0-9_\u0080-\u{10ffff}])?$/u
const LITERAL = /^\[[\w:.-]+\]$/

/** The domain of a recipient, as in its address. */
export function destinationOf(address: string): string {
  return address.slice(address.lastIndexOf('@') + 1)
}

function refuse(text: string): never {
  throw new MailError('invalid', text)
}

function shown(text: string): string {
  return JSON.stringify(text.slice(0, 100))
}

/** Throws `invalid` unless the message can be queued. */
export function checkMessage(message: QueuedMessage): void {
  checkAllButRecipients(message)
  for (const recipient of message.recipients) checkRecipient(recipient, message.smtpUtf8 === true)
}

/** The same for a message that may have very many recipients. */
export async function checkMessageInTurns(message: QueuedMessage): Promise<void> {
  checkAllButRecipients(message)
  await inTurns(message.recipients, slice => {
    for (const recipient of slice) checkRecipient(recipient, message.smtpUtf8 === true)
  })
}

function checkAllButRecipients(message: QueuedMessage): void {
  if (message.recipients.length === 0) refuse('a message without recipients')
  checkSender(message)
  checkEnvelope(message)
}

function checkSender({ from, smtpUtf8 }: QueuedMessage): void {
  if (from === '') return
  const at = from.lastIndexOf('@')
  if (from.length > MOST_ADDRESS || at < 1 || at === from.length - 1 || CONTROL.test(from) || !from.isWellFormed()) {
    refuse(`${shown(from)} cannot be an envelope sender`)
  }
  if (smtpUtf8 !== true && BEYOND_ASCII.test(from)) refuse(`${shown(from)} needs SMTPUTF8`)
}

function checkRecipient({ address, notify, originalRecipient }: QueuedRecipient, smtpUtf8: boolean): void {
  const destination = destinationOf(address)
  const whole = address.length <= MOST_ADDRESS && address.lastIndexOf('@') >= 1 && !CONTROL.test(address) && address.isWellFormed()
  if (!whole || !(DOMAIN.test(destination) || LITERAL.test(destination))) refuse(`${shown(address)} cannot be a recipient`)
  if (!smtpUtf8 && BEYOND_ASCII.test(address)) refuse(`${shown(address)} needs SMTPUTF8`)
  if (notify?.some(word => !NOTIFY.has(word)) === true) refuse('a NOTIFY of other words than NEVER, SUCCESS, FAILURE and DELAY')
  if (notify !== undefined && (notify.length === 0 || (notify.includes('NEVER') && notify.length > 1))) {
    refuse('a recipient with NOTIFY of nothing, or of NEVER and more')
  }
  if (originalRecipient !== undefined && (originalRecipient.length > MOST_ORIGINAL || CONTROL.test(originalRecipient))) {
    refuse(`${shown(originalRecipient)} cannot be an ORCPT`)
  }
}

function checkEnvelope(message: QueuedMessage): void {
  const { origin, returnedContent } = message
  if (!ORIGINS.has(origin)) refuse('a message of no known origin')
  if (returnedContent !== undefined && !RETURNED.has(returnedContent)) refuse('a RET of neither FULL nor HDRS')
  const { account, envelopeId, priority, notBefore, expiresAt, deliverBy, idempotencyKey } = message
  if (account !== undefined && (account === '' || account.length > 510 || CONTROL.test(account))) {
    refuse(`${shown(account)} cannot be the id of an account`)
  }
  if (envelopeId !== undefined && (envelopeId.length > MOST_ENVELOPE_ID || CONTROL.test(envelopeId))) {
    refuse(`${shown(envelopeId)} cannot be an ENVID`)
  }
  // RFC 6710 §3: MT-PRIORITY goes from -9 to 9.
  if (priority !== undefined && !(Number.isInteger(priority) && priority >= -9 && priority <= 9)) refuse(`a priority of ${priority}`)
  for (const moment of [notBefore, expiresAt, deliverBy?.at]) {
    if (moment !== undefined && !(Number.isSafeInteger(moment) && moment >= 0)) refuse(`${moment} is no moment`)
  }
  if (idempotencyKey !== undefined && (idempotencyKey === '' || idempotencyKey.length > 255 || CONTROL.test(idempotencyKey))) {
    refuse('an idempotency key has 1 to 255 characters and no controls')
  }
}

/** The one thing that a pause is about. Throws `invalid` when it is none, or several. */
export function pauseOf(rule: QueuePause): readonly [kind: 'destination' | 'from' | 'account', value: string] {
  const given = (['destination', 'from', 'account'] as const).flatMap(kind => {
    const value = (rule as Readonly<Record<string, unknown>>)[kind]
    return typeof value === 'string' ? [[kind, value] as const] : []
  })
  const [only] = given
  if (only === undefined || given.length !== 1) return refuse('a pause names a destination, a sender or an account')
  return only
}

/** The rule again. */
export function ruleOf(kind: string, value: string): QueuePause {
  return kind === 'destination' ? { destination: value } : kind === 'from' ? { from: value } : { account: value }
}
