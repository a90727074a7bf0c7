/** Octets and text: Latin-1, UTF-8, ASCII case and base64. RFC 4648 §4; RFC 9051 §1.2. */

const DECODER = new TextDecoder('utf-8')
const STRICT = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
const ENCODER = new TextEncoder()
/** Up to here `String.fromCharCode` is as fast as a native copy; short arrays lie in the heap, where they have no buffer yet. */
const SHORT = 64
const BEYOND_LATIN1 = /[^\u0000-\u00ff]/

/** The octets of a text whose characters are all below U+0100; others throw a RangeError. */
export function latin1Bytes(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length)
  setLatin1(bytes, 0, text)
  return bytes
}

/** Writes the same octets to `bytes` from `at` on. */
export function setLatin1(bytes: Uint8Array, at: number, text: string): void {
  if (text.length > SHORT) {
    if (BEYOND_LATIN1.test(text)) throw new RangeError('not Latin-1')
    Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).write(text, at, 'latin1')
    return
  }
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code > 0xff) throw new RangeError('not Latin-1')
    bytes[at + i] = code
  }
}

/** Each octet as the character of the same number: loses nothing, for protocol text and for printing unknown octets. */
export function latin1Text(bytes: Uint8Array, from = 0, to: number = bytes.length): string {
  const end = Math.min(to, bytes.length)
  if (end - from <= SHORT) return String.fromCharCode.apply(null, bytes.subarray(from, end) as unknown as number[])
  return Buffer.from(bytes.buffer, bytes.byteOffset + from, end - from).toString('latin1')
}

/** The UTF-8 octets of a text; lone surrogates become U+FFFD. */
export function utf8Bytes(text: string): Uint8Array {
  return ENCODER.encode(text)
}

/** UTF-8 octets as text; broken sequences become U+FFFD, a byte order mark is dropped. */
export function utf8Text(bytes: Uint8Array): string {
  return DECODER.decode(bytes)
}

/** UTF-8 octets as text, or undefined when they are not UTF-8. */
export function strictUtf8Text(bytes: Uint8Array): string | undefined {
  try {
    return STRICT.decode(bytes)
  } catch {
    return undefined
  }
}

/** True when no octet is above 0x7f. */
export function isAscii(bytes: Uint8Array): boolean {
  for (let i = 0; i < bytes.length; i++) if ((bytes[i] ?? 0) > 0x7f) return false
  return true
}

/** The octet with A-Z folded to a-z; others unchanged. */
function foldCase(octet: number): number {
  return octet >= 0x41 && octet <= 0x5a ? octet | 0x20 : octet
}

/** A text with A-Z folded to a-z and nothing else: `İ` and `K` (Kelvin) stay, unlike with `toLowerCase()`. */
export function asciiLowerCase(text: string): string {
  return text.replace(/[A-Z]+/g, capitals => capitals.toLowerCase())
}

/** Whether `bytes[from..]` begins with `word`, ASCII case ignored; `word` is given in lower case. */
export function startsWithFolded(bytes: Uint8Array, from: number, word: string): boolean {
  if (bytes.length - from < word.length) return false
  for (let i = 0; i < word.length; i++) if (foldCase(bytes[from + i] ?? 0) !== word.charCodeAt(i)) return false
  return true
}

/** Whether two runs of octets are the same. Not for secrets: it stops at the first difference. */
export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false
  return true
}

/** Text longer than this is not looked for octet by octet: a search that fails late again and again would not be linear. */
const FOUND_BY_OCTETS = 64

/** Whether UTF-8 text at `octets[from, to)` holds another one. */
export function hasOctets(octets: Uint8Array, from: number, to: number, wanted: Uint8Array): boolean {
  const { length } = wanted
  if (length > FOUND_BY_OCTETS) return utf8Text(octets.subarray(from, to)).includes(utf8Text(wanted))
  const first = wanted[0]
  const last = to - length
  for (let at = from; at <= last; at++) {
    if (octets[at] !== first && length > 0) continue
    let same = 1
    while (same < length && octets[at + same] === wanted[same]) same++
    if (same >= length) return true
  }
  return false
}

/** Several runs of octets as one. */
export function concatBytes(pieces: readonly Uint8Array[]): Uint8Array {
  const [only] = pieces
  if (pieces.length === 1 && only !== undefined) return only
  let length = 0
  for (const piece of pieces) length += piece.length
  const whole = new Uint8Array(length)
  let at = 0
  for (const piece of pieces) {
    whole.set(piece, at)
    at += piece.length
  }
  return whole
}

const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/

/** The octets of a base64 text as SASL sends it (RFC 4648 §4, §3.5): no white space, padded, no left-over bits; undefined for anything else. */
export function decodeBase64(text: string): Uint8Array | undefined {
  if (text.length % 4 !== 0 || !BASE64.test(text)) return undefined
  const bytes = latin1Bytes(atob(text))
  // A second spelling of the same octets (left-over bits) is refused.
  return text.endsWith('=') && !encodeBase64(bytes).endsWith(text.slice(-4)) ? undefined : bytes
}

/** Octets as base64 with padding, in one line. RFC 4648 §4. */
export function encodeBase64(bytes: Uint8Array): string {
  return btoa(latin1Text(bytes))
}
