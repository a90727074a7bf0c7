/** Texts that a peer, a log or an operator may read: one line, nothing that moves a cursor. RFC 5321 §4.2; RFC 5198 §2. */

/** C0, DEL, C1, the line and paragraph separators, and the marks that turn the direction of text. */
const UNPRINTABLE = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu

/** A text as one line for a peer: what is not printable becomes a space; at most `limit` characters. */
export function printable(text: string, limit: number = 400): string {
  const line = text.replace(UNPRINTABLE, ' ').trim()
  return line.length <= limit ? line : `${line.slice(0, limit - 3)}...`
}

/** A text for an operator: what is not printable is written as `\u{1b}`, so that nothing is hidden; at most `limit` characters. */
export function escaped(text: string, limit: number = 1000): string {
  const cut = text.length <= limit ? text : `${text.slice(0, limit - 3)}...`
  return cut.replace(UNPRINTABLE, character => `\\u{${character.charCodeAt(0).toString(16)}}`)
}
