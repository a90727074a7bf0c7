/** The text of one message: header fields and readable parts, decoded, in one case. RFC 9051 §6.4.4, BODY and TEXT. */

import type { MessageSource } from '../../contracts/message.ts'
import { decodeCharset, decodeTransfer, decodeWords, headerFields, type MessageSummary, type PartLocation } from '../../mime/index.ts'
import { HEADER_OCTETS } from '../limits.ts'
import { folded } from './needle.ts'

/** What of a message has to be there for a search. */
export interface TextNeeds {
  readonly header: boolean
  readonly body: boolean
  /** Octets of the body that are looked through. */
  readonly octets: number
}

/** A message's text, kept only while the message is looked at. */
export interface MessageText {
  /** Fields with their names in lower case and their values folded, in order. */
  readonly fields: readonly { readonly name: string; readonly value: string }[]
  /** The texts of the parts; `undefined` when they were not needed. */
  readonly body: readonly string[] | undefined
}

/** Reads what is needed; `breathe` is called between the parts. */
export async function messageText(
  source: MessageSource,
  summary: MessageSummary,
  needs: TextNeeds,
  breathe: () => Promise<void> | undefined,
): Promise<MessageText> {
  const header = needs.header ? await source.read(0, Math.min(summary.headerSize, source.size, HEADER_OCTETS)) : undefined
  return {
    fields: header === undefined ? [] : fieldsOf(header),
    body: needs.body ? await bodyOf(source, summary, needs.octets, breathe) : undefined,
  }
}

function fieldsOf(block: Uint8Array): { name: string; value: string }[] {
  const fields: { name: string; value: string }[] = []
  for (const { name, value } of headerFields(block)) fields.push({ name: name.toLowerCase(), value: folded(decodeWords(value)) })
  return fields
}

async function bodyOf(
  source: MessageSource,
  summary: MessageSummary,
  octetsAtMost: number,
  breathe: () => Promise<void> | undefined,
): Promise<string[]> {
  const texts: string[] = []
  let left = octetsAtMost
  for (const { path, location } of summary.parts) {
    if (left <= 0) break
    // The message as a whole: its text is part 1, or lies in the parts.
    if (path.length === 0) continue
    const span = searchedSpan(location)
    if (span === undefined) continue
    const end = Math.min(span.end, span.start + left)
    if (end <= span.start) continue
    left -= end - span.start
    const octets = await source.read(span.start, end)
    texts.push(folded(location.embedded === undefined ? textOf(octets, location) : headerTextOf(octets)))
    const pause = breathe()
    if (pause !== undefined) await pause
  }
  return texts
}

/** Of texts all, of messages within the message the header; of anything else nothing. */
function searchedSpan(location: PartLocation): { readonly start: number; readonly end: number } | undefined {
  const { embedded } = location
  if (embedded !== undefined) return { start: embedded.headerStart, end: embedded.headerEnd }
  if (location.isMultipart || location.type !== 'text') return undefined
  return { start: location.bodyStart, end: location.bodyEnd }
}

function textOf(octets: Uint8Array, { encoding, charset }: PartLocation): string {
  return decodeCharset(decodeTransfer(octets, encoding), charset)
}

function headerTextOf(block: Uint8Array): string {
  const lines: string[] = []
  for (const { name, value } of headerFields(block)) lines.push(`${name}: ${decodeWords(value)}`)
  return lines.join('\n')
}
