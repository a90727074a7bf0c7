/** Base64 as signatures and keys have it: no white space left, padding not insisted upon. RFC 4648 §4; RFC 6376 §2.10. */

const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/

/** The octets of a text, or `undefined` when it is no base64. */
export function octetsOfBase64(text: string): Buffer | undefined {
  return BASE64.test(text) && text.replace(/={1,2}$/, '').length % 4 !== 1 ? Buffer.from(text, 'base64') : undefined
}
