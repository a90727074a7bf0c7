/** The text of an answer as a whole message: lines within their limits, whatever was written. RFC 5322 §2.1.1; RFC 2045 §6. */

import { encodeBase64, utf8Bytes } from '../../bytes/ascii.ts'

const CRLF = '\r\n'

/** The message. `header`: fields, each with its line end. */
export function messageOf(header: string, text: string): Uint8Array {
  const lines = text.toWellFormed().split(/\r\n|[\r\n\u2028\u2029]/)
  const body = `${lines.join(CRLF).replace(/(?:\r\n)+$/, '')}${CRLF}`
  // Controls, long lines and what would be cut off at a dot or a blank are safe in base64.
  const isPlain = /^[\t\n\r\u0020-\u007e]*$/.test(body) && lines.every(line => line.length <= 900)
  const [encoding, octets] = isPlain ? ['7bit', body] : ['base64', `${encodeBase64(utf8Bytes(body)).replace(/.{76}/g, `$&${CRLF}`)}${CRLF}`]
  const fields = `Content-Type: text/plain; charset=${isPlain ? 'us-ascii' : 'utf-8'}${CRLF}Content-Transfer-Encoding: ${encoding}${CRLF}`
  return utf8Bytes(`${header}${fields}${CRLF}${octets}`)
}
