/** The header and the readable text of a message, for filters that read: from its first octets, within limits. RFC 2045; RFC 2046 §4.1. */

import type { MessageSource } from '../contracts/index.ts'
import { decodeCharset, decodeTransfer, decodeWords, headerFields, readSummary, SummaryBuilder } from '../mime/index.ts'
import { htmlText } from './html-text.ts'

/** A header field, as it stands and as it reads. */
export interface TextField {
  /** Lower case. */
  readonly name: string
  /** Unfolded; for whoever looks for addresses: what an encoded-word says is no syntax (RFC 2047 §5). */
  readonly raw: string
  /** With its encoded-words decoded. */
  readonly value: string
}

/** One part that a person reads. */
export interface TextPart {
  readonly kind: 'plain' | 'html'
  /** Of HTML: as a reader sees it. */
  readonly text: string
  /** Of HTML: where its links lead. */
  readonly links: readonly string[]
}

/** What there is to be read. */
export interface MessageText {
  readonly fields: readonly TextField[]
  readonly parts: readonly TextPart[]
  /** Media types of all parts that were seen, `image/png`. At most 50. */
  readonly types: readonly string[]
  /** The message goes on beyond what was read. */
  readonly isPartial: boolean
}

/** Octets of a message that are looked at; all text, with its attachments behind it, lies within them in nearly all mail. */
const MOST_OCTETS = 256 * 1024
/** Characters of text of all parts together. */
const MOST_TEXT = 128 * 1024
const MOST_PARTS = 50
const MOST_FIELDS = 300
const LONGEST_FIELD = 2000

const known = new WeakMap<MessageSource, Promise<MessageText>>()

/** Reads a message, once for all filters that ask for the same source. Rejects as the source does. */
export function messageText(source: MessageSource): Promise<MessageText> {
  const before = known.get(source)
  if (before !== undefined) return before
  const reading = readText(source)
  known.set(source, reading)
  return reading
}

async function readText(source: MessageSource): Promise<MessageText> {
  const octets = await source.read(0, Math.min(source.size, MOST_OCTETS))
  const builder = new SummaryBuilder({ depth: 30, parts: 4 * MOST_PARTS })
  builder.push(octets)
  const summary = readSummary(builder.finish())
  const fields: TextField[] = []
  for (const { name, value } of headerFields(octets.subarray(0, summary.headerSize))) {
    if (fields.length === MOST_FIELDS) break
    const raw = value.slice(0, LONGEST_FIELD)
    fields.push({ name: name.toLowerCase(), raw, value: decodeWords(raw) })
  }
  const parts: TextPart[] = []
  const types: string[] = []
  let left = MOST_TEXT
  // The message itself comes first and, unless it is a multipart, again as its part 1.
  for (const { location } of summary.parts.slice(1, 1 + MOST_PARTS)) {
    types.push(`${location.type}/${location.subtype}`)
    if (location.type !== 'text' || left <= 0) continue
    // Encoded text is up to three times as long.
    const end = Math.min(location.bodyEnd, location.bodyStart + left * 3)
    const text = decodeCharset(decodeTransfer(octets.subarray(location.bodyStart, end), location.encoding), location.charset).slice(0, left)
    left -= text.length
    if (location.subtype === 'html') parts.push({ kind: 'html', ...htmlText(text) })
    else parts.push({ kind: 'plain', text, links: [] })
  }
  return { fields, parts, types, isPartial: source.size > MOST_OCTETS }
}
