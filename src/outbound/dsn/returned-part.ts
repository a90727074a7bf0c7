/** What a notification gives back of the message: all of a small one, else its header. RFC 3461 §4.3; RFC 6522 §4; RFC 6533 §4.2, §4.3. */

import { concatBytes, encodeBase64, latin1Bytes } from '../../bytes/ascii.ts'
import type { MessageSource } from '../../contracts/message.ts'
import { headerLength } from '../../dkim/index.ts'
import { headerFields } from '../../mime/index.ts'

/** The part, and what the other parts tell of the message. */
export interface ReturnedPart {
  readonly kind: 'message' | 'header'
  /** With its own header. */
  readonly octets: Uint8Array
  /** Octets beyond ASCII stand in it as they are. */
  readonly eightBit: boolean
  readonly subject: string | undefined
  readonly date: string | undefined
  readonly messageId: string | undefined
}

/** How a part is to be made. */
export interface ReturnOptions {
  /** Give the whole message back, if it is no larger than this. */
  readonly wholeUpTo: number
  /** The return path takes letters beyond ASCII (SMTPUTF8). */
  readonly utf8: boolean
}

/** More of a header is not given back. */
const LONGEST_HEADER = 32_768
/** RFC 5322 §2.1.1. */
const LONGEST_LINE = 998
const LF = 0x0a

/** Reads the message, at most as much of it as is given back. */
export async function returnedPart(content: MessageSource, { wholeUpTo, utf8 }: ReturnOptions): Promise<ReturnedPart> {
  const isWhole = content.size <= wholeUpTo
  const octets = await content.read(0, Math.min(content.size, isWhole ? content.size : LONGEST_HEADER))
  const length = headerLength(octets)
  const header = wholeLines(octets.subarray(0, Math.min(length, LONGEST_HEADER)))
  const international = !isSevenBit(header)
  const facts = factsOf(header)
  // A message whose lines are too long cannot be encoded as a message (RFC 2046 §5.2.1): its header can, as text.
  const asMessage = isWhole && !hasLongLine(octets) && (!international || utf8)
  if (asMessage) {
    const eightBit = !isSevenBit(octets)
    const type = international ? 'message/global' : 'message/rfc822'
    return { kind: 'message', octets: part(type, eightBit ? '8bit' : '7bit', octets), eightBit, ...facts }
  }
  const type = international ? 'message/global-headers' : 'text/rfc822-headers'
  if (hasLongLine(header) || (international && !utf8))
    return { kind: 'header', octets: part(type, 'base64', base64Lines(header)), eightBit: false, ...facts }
  return { kind: 'header', octets: part(type, international ? '8bit' : '7bit', header), eightBit: international, ...facts }
}

function part(type: string, encoding: string, body: Uint8Array): Uint8Array {
  return concatBytes([latin1Bytes(`Content-Type: ${type}\r\nContent-Transfer-Encoding: ${encoding}\r\n\r\n`), body])
}

function factsOf(header: Uint8Array): Pick<ReturnedPart, 'subject' | 'date' | 'messageId'> {
  const facts: Partial<Record<'subject' | 'date' | 'message-id', string>> = {}
  for (const { name, value } of headerFields(header)) {
    const key = name.toLowerCase()
    if (key === 'subject' || key === 'date' || key === 'message-id') facts[key] ??= value
  }
  return { subject: facts.subject, date: facts.date, messageId: facts['message-id'] }
}

/** Up to the last line end: what is cut off in the middle of a line says something else. */
function wholeLines(octets: Uint8Array): Uint8Array {
  return octets.subarray(0, octets.lastIndexOf(LF) + 1)
}

function isSevenBit(octets: Uint8Array): boolean {
  return !octets.some(octet => octet > 127 || octet === 0)
}

function hasLongLine(octets: Uint8Array): boolean {
  let start = 0
  while (start < octets.length) {
    const feed = octets.indexOf(LF, start)
    const end = feed < 0 ? octets.length : feed + 1
    if (end - start > LONGEST_LINE + 2) return true
    start = end
  }
  return false
}

/** RFC 2045 §6.8. */
export function base64Lines(octets: Uint8Array): Uint8Array {
  return latin1Bytes((encodeBase64(octets).match(/.{1,76}/g) ?? []).map(line => `${line}\r\n`).join(''))
}
