/** What SEARCH looks for, as text in one case. RFC 9051 §6.4.4; RFC 6855 §3. */

import { latin1Text, strictUtf8Text } from '../../bytes/ascii.ts'

/** Whether text in that charset can be looked for. `undefined`: none was named. */
export function knowsCharset(charset: string | undefined): boolean {
  if (charset === undefined) return true
  const name = charset.toUpperCase()
  return name === 'UTF-8' || name === 'US-ASCII' || name === 'ISO-8859-1'
}

/** The octets of a key as text to look for. */
export function needleOf(octets: Uint8Array, charset: string | undefined): string {
  if (charset?.toUpperCase() === 'ISO-8859-1') return folded(latin1Text(octets))
  // Without a charset, clients have been seen to send UTF-8, and older ones Latin-1.
  return folded(strictUtf8Text(octets) ?? latin1Text(octets))
}

/** Text in the form in which texts are compared: one case, one spelling of accents. */
export function folded(text: string): string {
  return text.normalize('NFC').toLowerCase()
}
