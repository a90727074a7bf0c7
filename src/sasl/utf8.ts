/** UTF-8 as SASL messages carry it: exact, or not at all. RFC 3629 §3; RFC 4616 §2. */

const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
const encoder = new TextEncoder()

/** The text of octets that are UTF-8; `undefined` for all others (overlong forms and surrogates among them). */
export function decodeUtf8(octets: Uint8Array): string | undefined {
  try {
    return strict.decode(octets)
  } catch {
    return undefined
  }
}

/** The octets of a text. */
export function encodeUtf8(text: string): Uint8Array {
  return encoder.encode(text)
}
