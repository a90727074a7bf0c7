/** From what was encoded for the wire back to text and octets. RFC 2045 §6; RFC 2047; the one place that knows `libmime`. */

import libmime from 'libmime'
import { encodeBase64, latin1Text, utf8Bytes, utf8Text } from '../bytes/ascii.ts'

/** Decodes encoded-words; what cannot be decoded stays. Never throws. RFC 2047 §6. */
export function decodeWords(text: string): string {
  if (!text.includes('=?')) return text
  try {
    return libmime.decodeWords(text)
  } catch {
    return text
  }
}

/** Octets as text in a charset; unknown ones and UTF-7 are read octet by octet as Latin-1 (M4). Never throws. */
export function decodeCharset(octets: Uint8Array, charset: string): string {
  const label = charset.trim().toLowerCase()
  if (label === '' || label === 'us-ascii' || label === 'utf-8' || label === 'utf8') return utf8Text(octets)
  if (label.includes('utf-7') || label.includes('utf7')) return latin1Text(octets)
  try {
    return new TextDecoder(label).decode(octets)
  } catch {
    // Not one of the web's: libmime knows those that mail still has.
  }
  try {
    return libmime.decodeWord(label, 'B', encodeBase64(octets))
  } catch {
    return latin1Text(octets)
  }
}

/** Octets without their transfer encoding: `base64`, `quoted-printable`; anything else as it is. RFC 2045 §6.7, §6.8. Never throws, linear. */
export function decodeTransfer(octets: Uint8Array, encoding: string): Uint8Array {
  const name = encoding.trim().toLowerCase()
  if (name === 'base64') return decodeBase64Lines(octets)
  if (name === 'quoted-printable') return decodeQuotedPrintable(octets)
  return octets
}

const BASE64_VALUES = new Int8Array(256).fill(-1)
for (const [value, code] of utf8Bytes('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/').entries())
  BASE64_VALUES[code] = value

/** RFC 2045 §6.8: characters outside the alphabet are passed over; the first `=` of a group ends it. */
function decodeBase64Lines(octets: Uint8Array): Uint8Array {
  const out = new Uint8Array(Math.ceil((octets.length * 3) / 4))
  let length = 0
  let bits = 0
  let held = 0
  for (const octet of octets) {
    if (octet === 0x3d) {
      held = 0
      continue
    }
    const value = BASE64_VALUES[octet] ?? -1
    if (value < 0) continue
    bits = ((bits << 6) | value) & 0xff_ffff
    held += 6
    if (held < 8) continue
    held -= 8
    out[length++] = (bits >> held) & 0xff
  }
  return out.subarray(0, length)
}

/** RFC 2045 §6.7: soft line breaks and white space before line ends go, what is no escape stays. */
function decodeQuotedPrintable(octets: Uint8Array): Uint8Array {
  const out = new Uint8Array(octets.length)
  let length = 0
  let spaces = 0
  for (let at = 0; at < octets.length; at++) {
    const octet = octets[at] ?? 0
    if (octet === 0x20 || octet === 0x09) {
      out[length++] = octet
      spaces++
      continue
    }
    if (octet === 0x0d || octet === 0x0a) {
      length -= spaces
      spaces = 0
      out[length++] = octet
      continue
    }
    spaces = 0
    if (octet !== 0x3d) {
      out[length++] = octet
      continue
    }
    let next = at + 1
    while (octets[next] === 0x20 || octets[next] === 0x09) next++
    if (octets[next] === 0x0a || next >= octets.length) at = next
    else if (octets[next] === 0x0d && octets[next + 1] === 0x0a) at = next + 1
    else {
      const high = hexValue(octets[at + 1] ?? 0)
      const low = hexValue(octets[at + 2] ?? 0)
      if (high < 0 || low < 0) out[length++] = octet
      else {
        out[length++] = (high << 4) | low
        at += 2
      }
    }
  }
  return out.subarray(0, length)
}

function hexValue(octet: number): number {
  if (octet >= 0x30 && octet <= 0x39) return octet - 0x30
  const letter = octet | 0x20
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : -1
}
