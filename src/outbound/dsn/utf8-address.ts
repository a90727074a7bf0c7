/** Addresses with letters beyond ASCII, in fields of both kinds. RFC 6533 §3. */

import { isBeyondAscii, lineOf } from '../../mime/field-text.ts'

const LONGEST = 1000

/**
 * `type; address` for a field. `utf8`: letters as they are (`message/global-delivery-status`); else as `\x{...}`, the form that
 * is safe in seven bits.
 */
export function typedAddress(address: string, utf8: boolean): string {
  const text = lineOf(address, LONGEST)
  if (!isBeyondAscii(text)) return `rfc822; ${text}`
  return `utf-8; ${utf8 ? text : embedded(text)}`
}

/** An ORCPT as the sender gave it (`rfc822;ann@example.org`), for `Original-Recipient`; `undefined` when it has no type. */
export function originalRecipient(given: string, utf8: boolean): string | undefined {
  const [, type = '', rest] = /^([\w-]{1,40});(.*)$/s.exec(given) ?? []
  if (rest === undefined) return undefined
  const text = lineOf(rest, LONGEST)
  if (type.toLowerCase() !== 'utf-8') return isBeyondAscii(text) ? typedAddress(text, utf8) : `${type}; ${text}`
  return `utf-8; ${utf8 ? plain(text) : embedded(plain(text))}`
}

/** utf-8-addr-xtext. */
function embedded(text: string): string {
  return text.replace(/[^\u0021-\u002a\u002c-\u003c\u003e-\u005b\u005d-\u007e]/gu, character => {
    const point = (character.codePointAt(0) ?? 0).toString(16).toUpperCase()
    return `\\x{${point.padStart(2, '0')}}`
  })
}

/** Back from `\x{...}`; what is not of that form stays, and nothing that acts comes out of it. */
export function plain(text: string): string {
  const read = text.replace(/\\x\{([0-9A-Fa-f]{2,6})\}/g, (whole: string, digits: string) => {
    const point = Number.parseInt(digits, 16)
    return point > 0x10_ffff || (point >= 0xd800 && point <= 0xdfff) ? whole : String.fromCodePoint(point)
  })
  return lineOf(read, LONGEST)
}
