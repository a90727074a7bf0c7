/** What a message needs and what the next hop offers: commands to say, or why it cannot go. RFC 1870 §6; RFC 6152 §3; RFC 6531 §3; RFC 3461 §5.2; RFC 8689 §4.2.1; RFC 2852 §4.1.4; RFC 6710 §4.2. */

import { isAscii } from '../../bytes/ascii.ts'
import type { EnhancedCode, MessageSource, NotifyCondition } from '../../contracts/index.ts'
import type { Capabilities } from './capabilities.ts'
import { sevenBit } from './downgrade.ts'
import { needsUtf8, originalRecipient, pathOf, xtext } from './path.ts'
import type { OutgoingMessage, OutgoingRecipient } from './message.ts'
import type { SessionFacts } from './session-facts.ts'

/** Ready to be sent over this hop. */
export interface Prepared {
  readonly kind: 'ready'
  /** MAIL, whole. */
  readonly mail: string
  /** RCPT of each recipient; `undefined` where the address is none. */
  readonly rcpts: readonly (string | undefined)[]
  readonly content: MessageSource
}

/** Cannot go over this hop. */
export interface Unfit {
  readonly kind: 'unfit'
  readonly code: EnhancedCode
  readonly text: string
  /** Another server of the same domain may offer what this one lacks. */
  readonly elsewhere: boolean
}

/** Octets of a header that are looked at for what needs SMTPUTF8. */
const HEADER = 262_144
/** Octets that are looked at in one go. */
const SLICE = 131_072

/** What this message takes on this hop at `now`, milliseconds since the epoch. */
export async function prepare(
  message: OutgoingMessage,
  facts: Pick<SessionFacts, 'capabilities' | 'lmtp' | 'verified'>,
  now: number,
): Promise<Prepared | Unfit> {
  const { envelope, recipients } = message
  const { capabilities: hop, verified } = facts
  if (hop.size !== undefined && hop.size > 0 && message.content.size > hop.size)
    return unfit('5.3.4', `the message has ${message.content.size} octets, and the server takes ${hop.size}`)
  const parameters: string[] = []
  // RFC 8689 §5: a bounce of a message that required TLS must not be lost for it.
  if (envelope.requireTls === true && envelope.from !== '') {
    if (!verified) return unfit('5.7.10', 'the sender requires verified TLS on every hop')
    if (!hop.requireTls) return unfit('5.7.30', 'the sender requires REQUIRETLS, and the server does not offer it')
    parameters.push('REQUIRETLS')
  }
  const by = deadline(message, facts, now)
  if (typeof by === 'object') return by
  if (by !== undefined) parameters.push(by)
  // RFC 6710 §4.2: it "MUST appear" where the next server knows it.
  if (hop.priority && envelope.priority !== undefined) parameters.push(`MT-PRIORITY=${envelope.priority}`)
  const utf8 = wantsUtf8(message, hop) ?? ((await headerHasHighOctets(message.content)) ? 'unfit' : 'no')
  if (utf8 === 'unfit') return unfit('5.6.7', 'the message needs SMTPUTF8, and the server does not offer it')
  if (utf8 === 'yes') parameters.push('SMTPUTF8')
  let { content } = message
  if (hop.eightBitMime) {
    if (envelope.eightBit !== false) parameters.push('BODY=8BITMIME')
  } else if (utf8 === 'no' && (await hasHighOctets(content, content.size))) {
    const converted = await sevenBit(content)
    if (converted === undefined)
      return unfit('5.6.3', 'the message has octets above 127, the server takes none, and it cannot be converted')
    content = converted
  }
  if (hop.size !== undefined) parameters.push(`SIZE=${content.size}`)
  if (hop.dsn) {
    if (envelope.returnedContent !== undefined) parameters.push(`RET=${envelope.returnedContent}`)
    if (envelope.envelopeId !== undefined && envelope.envelopeId !== '') parameters.push(`ENVID=${xtext(envelope.envelopeId)}`)
  }
  const from = pathOf(envelope.from, utf8 === 'yes')
  if (from === undefined) return unfit('5.1.7', 'the sender is no address', false)
  return {
    kind: 'ready',
    mail: ['MAIL FROM:', from, ...parameters.map(parameter => ` ${parameter}`)].join(''),
    rcpts: recipients.map(recipient => rcpt(recipient, hop, utf8 === 'yes', isUntimed(message, facts))),
    content,
  }
}

function unfit(code: EnhancedCode, text: string, elsewhere: boolean = true): Unfit {
  return { kind: 'unfit', code, text, elsewhere }
}

/**
 * The time that is left, for a server that heeds it; why the message cannot go when its time is over, or when it must come back in
 * time and the server would not see to that. A neighbour by LMTP is the end of the way: nothing is left for it to wait with.
 */
function deadline(
  { envelope: { deliverBy } }: OutgoingMessage,
  { capabilities: hop, lmtp }: Pick<SessionFacts, 'capabilities' | 'lmtp'>,
  now: number,
): string | Unfit | undefined {
  if (deliverBy === undefined) return undefined
  const left = Math.ceil((deliverBy.at - now) / 1000)
  if (deliverBy.mode === 'notify') return hop.deliverBy === undefined ? undefined : `BY=${left};N`
  // RFC 2852 §4.1.3: "no further delivery attempts may be made".
  if (left <= 0) return unfit('5.4.7', 'the time in which the sender wanted it delivered is over', false)
  if (hop.deliverBy === undefined)
    return lmtp ? undefined : unfit('5.3.3', 'it must be delivered in time or come back, and the server does not offer that')
  if (hop.deliverBy > left)
    return unfit('5.3.3', `it must be delivered within ${left} seconds, and the server takes no less than ${hop.deliverBy}`)
  return `BY=${left};R`
}

/** The sender wants to hear when it is late, and the server does not know of that. RFC 2852 §4.1.4.2. */
function isUntimed({ envelope }: OutgoingMessage, { capabilities, lmtp }: Pick<SessionFacts, 'capabilities' | 'lmtp'>): boolean {
  return envelope.deliverBy?.mode === 'notify' && capabilities.deliverBy === undefined && !lmtp
}

/** RFC 2852 §4.1.4.2: whoever wants to hear that it is late asks for that in the way that is left. */
function notifyOf({ notify }: OutgoingRecipient, untimed: boolean): readonly NotifyCondition[] {
  if (!untimed) return notify ?? []
  if (notify === undefined) return ['FAILURE', 'DELAY']
  return notify.includes('NEVER') || notify.includes('DELAY') ? notify : [...notify, 'DELAY']
}

function rcpt(recipient: OutgoingRecipient, hop: Capabilities, utf8: boolean, untimed: boolean): string | undefined {
  const path = recipient.address === '' ? undefined : pathOf(recipient.address, utf8)
  if (path === undefined) return undefined
  const parameters: string[] = []
  if (hop.dsn) {
    const notify = notifyOf(recipient, untimed)
    if (notify.length > 0) parameters.push(` NOTIFY=${notify.join(',')}`)
    const original = recipient.originalRecipient === undefined ? undefined : originalRecipient(recipient.originalRecipient)
    if (original !== undefined) parameters.push(` ORCPT=${original}`)
  }
  return `RCPT TO:${path}${parameters.join('')}`
}

/**
 * RFC 6531 §3.4: the parameter goes with what needs it; a message that was only sent along with it may do without.
 * `undefined`: its header tells.
 */
function wantsUtf8({ envelope, recipients }: OutgoingMessage, hop: Capabilities): 'yes' | 'no' | 'unfit' | undefined {
  const addresses = needsUtf8(envelope.from) || recipients.some(recipient => needsUtf8(recipient.address))
  if (hop.smtpUtf8) return addresses || envelope.smtpUtf8 === true ? 'yes' : 'no'
  if (addresses) return 'unfit'
  return envelope.smtpUtf8 === true ? undefined : 'no'
}

async function hasHighOctets(content: MessageSource, end: number): Promise<boolean> {
  for (let at = 0; at < end;) {
    const slice = await content.read(at, Math.min(end, at + SLICE))
    if (!isAscii(slice)) return true
    if (slice.length === 0) return false
    at += slice.length
  }
  return false
}

async function headerHasHighOctets(content: MessageSource): Promise<boolean> {
  const octets = await content.read(0, Math.min(content.size, HEADER))
  for (let at = 0; at < octets.length;) {
    const feed = octets.indexOf(0x0a, at)
    const end = feed < 0 ? octets.length : feed + 1
    const length = end - at
    if (length === 1 || (length === 2 && octets[at] === 0x0d)) return false
    if (!isAscii(octets.subarray(at, end))) return true
    at = end
  }
  return false
}
