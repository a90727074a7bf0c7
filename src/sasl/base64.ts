/** Base64 as SASL exchanges carry it, strict: one spelling for each octet string. RFC 4648 §4, §3.5. */

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'
const VALUES: Int8Array = new Int8Array(256).fill(-1)
for (let value = 0; value < 64; value++) VALUES[ALPHABET.charCodeAt(value)] = value

const PAD = 0x3d

/**
 * The octets that a base64 text stands for; `undefined` when it is none: a foreign character (white space too), wrong or
 * missing padding, or bits left over that are not zero.
 */
export function decodeBase64(text: Uint8Array): Uint8Array | undefined {
  const { length } = text
  if (length % 4 !== 0) return undefined
  const pads = length === 0 || text[length - 1] !== PAD ? 0 : text[length - 2] === PAD ? 2 : 1
  const octets = new Uint8Array((length / 4) * 3 - pads)
  let bits = 0
  let held = 0
  let at = 0
  for (let index = 0; index < length - pads; index++) {
    const value = VALUES[text[index] ?? 0] ?? -1
    if (value < 0) return undefined
    bits = ((bits << 6) | value) & 0xffff
    held += 6
    if (held < 8) continue
    held -= 8
    octets[at++] = (bits >> held) & 0xff
  }
  return (bits & ((1 << held) - 1)) === 0 ? octets : undefined
}

/** The base64 text of octets. */
export function encodeBase64(octets: Uint8Array): string {
  let text = ''
  for (let at = 0; at < octets.length; at += 3) {
    const [a = 0, b = 0, c = 0] = octets.subarray(at, at + 3)
    const triple = (a << 16) | (b << 8) | c
    text += ALPHABET.charAt(triple >> 18) + ALPHABET.charAt((triple >> 12) & 63)
    text += at + 1 < octets.length ? ALPHABET.charAt((triple >> 6) & 63) : '='
    text += at + 2 < octets.length ? ALPHABET.charAt(triple & 63) : '='
  }
  return text
}
