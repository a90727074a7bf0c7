/** The fields of a header as signatures see them: whole, in order, octets kept. RFC 5322 §2.2, §4.5; RFC 6376 §3.4. */

import { asciiLowerCase, latin1Text } from '../bytes/ascii.ts'
import { trimmed } from './tag-list.ts'

/** One header field, octets as characters of the same number. */
export interface SignableField {
  /** Name in lower case, without white space. Empty for a line in front of the first field that is none. */
  readonly key: string
  /** The whole field with its line end. */
  readonly text: string
}

/** A header that was read. */
export interface SignableHeader {
  readonly fields: readonly SignableField[]
  /** Where the body begins: behind the empty line; the block's length when there is none. */
  readonly bodyStart: number
}

/** RFC 5322 §4.5.8 allows white space before the colon, a fold in it too. */
const FIELD = /[\u0021-\u0039\u003b-\u007e]+[ \t]*(?:\r\n[ \t]+)?:/y

/**
 * Reads the header at the start of a block of octets with CRLF line ends. A line that neither begins a field nor continues
 * one is taken as a continuation: it can then only break a signature, never escape from one. Linear in the header.
 */
export function readSignableHeader(octets: Uint8Array): SignableHeader {
  const length = headerLength(octets)
  const text = latin1Text(octets, 0, length)
  const bodyStart = length + 2 <= octets.length && octets[length] === 0x0d ? length + 2 : length
  const fields: SignableField[] = []
  let start = 0
  let key = ''
  for (let at = 0; at < text.length;) {
    const feed = text.indexOf('\r\n', at)
    const next = feed < 0 ? text.length : feed + 2
    if (text.charCodeAt(at) !== 0x20 && text.charCodeAt(at) !== 0x09) {
      FIELD.lastIndex = at
      if (FIELD.test(text)) {
        if (at > start) fields.push({ key, text: text.slice(start, at) })
        start = at
        key = asciiLowerCase(trimmed(text, at, FIELD.lastIndex - 1))
      }
    }
    at = next
  }
  if (text.length > start) fields.push({ key, text: text.endsWith('\r\n') ? text.slice(start) : `${text.slice(start)}\r\n` })
  return { fields, bodyStart }
}

/** Octets before the empty line that ends the header; all of them when there is none. */
export function headerLength(octets: Uint8Array): number {
  if (octets[0] === 0x0d && octets[1] === 0x0a) return 0
  for (let feed = octets.indexOf(0x0a); feed >= 0; feed = octets.indexOf(0x0a, feed + 1)) {
    if (octets[feed - 1] === 0x0d && octets[feed + 1] === 0x0d && octets[feed + 2] === 0x0a) return feed + 1
  }
  return octets.length
}

/** The value of a field as text of octets: what stands behind the colon, with its folds. */
export function fieldValue(field: SignableField): string {
  return field.text.slice(field.text.indexOf(':') + 1)
}
