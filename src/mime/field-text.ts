/** Foreign text made fit for fields and for people: one line, nothing that acts, never a new field (S13). RFC 5322 §2.2; RFC 3464 §2.1.1. */

import { encodeBase64, utf8Bytes } from '../bytes/ascii.ts'

/** Controls, separators of lines and paragraphs, and marks that turn the direction of text or cannot be seen. */
const ACTING = /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb]+/gu
const BEYOND_ASCII = /[^\u0000-\u007f]/gu
const LINE = 76

/** A text as one line of at most `limit` characters; lone surrogates become U+FFFD. */
export function lineOf(text: string, limit: number = 500): string {
  // Cut first: a remote server's megabyte is not worth reading.
  const line = text
    .slice(0, limit * 4)
    .toWellFormed()
    .replace(ACTING, ' ')
    .replace(/ {2,}/g, ' ')
    .trim()
  return line.length <= limit ? line : `${line.slice(0, limit - 3).toWellFormed()}...`
}

/** The same in ASCII: everything else as a question mark. */
export function asciiLineOf(text: string, limit: number = 500): string {
  return lineOf(text, limit).replace(BEYOND_ASCII, '?')
}

/** Whether a text needs more than ASCII. */
export function isBeyondAscii(text: string): boolean {
  return /[^\u0000-\u007f]/u.test(text)
}

/** A field, folded at its blanks, with its line end. `value` must be one line. */
export function field(name: string, value: string): string {
  let text = `${name}:`
  let length = text.length
  for (const word of value.split(' ')) {
    if (word === '') continue
    if (length + 1 + word.length > LINE && length > name.length + 1) {
      text += '\r\n'
      length = 0
    }
    text += ` ${word}`
    length += 1 + word.length
  }
  return `${text}\r\n`
}

/** A text for a field of text: as it is in ASCII, else as encoded-words. `text` must be one line. RFC 2047 §2, §5. */
export function encodedText(text: string): string {
  if (!isBeyondAscii(text) && !text.includes('=?')) return text
  const words: string[] = []
  let piece = ''
  let size = 0
  for (const character of text) {
    const octets = utf8Bytes(character).length
    // RFC 2047 §2: 75 characters in a word, and none cut in its middle (§5).
    if (size + octets > 45) {
      words.push(piece)
      piece = ''
      size = 0
    }
    piece += character
    size += octets
  }
  return [...words, piece].map(word => `=?utf-8?B?${encodeBase64(utf8Bytes(word))}?=`).join(' ')
}

/** A moment as mail writes it. RFC 5322 §3.3. */
export function mailDate(at: number): string {
  return new Date(at).toUTCString().replace('GMT', '+0000')
}

/** Paragraphs wrapped to lines for people, `\n` between them; `indent` in front of each line. */
export function wrapped(text: string, indent: string = ''): string {
  const lines: string[] = []
  let line = indent
  for (const word of text.split(' ')) {
    if (line.length + word.length + 1 > 74 && line !== indent) {
      lines.push(line)
      line = indent
    }
    line += line === indent ? word : ` ${word}`
  }
  lines.push(line)
  return lines.join('\n')
}
