/** Where the octets of an item lie in the stored message, and what becomes of them. RFC 9051 §6.4.5.1; RFC 3516 §4.2. */

import { latin1Bytes } from '../../bytes/ascii.ts'
import { decodeTransfer, headerFields, type MessageSummary, type PartLocation } from '../../mime/index.ts'
import { HEADER_OCTETS } from '../limits.ts'
import type { Partial, Section } from '../wire/fetch-att.ts'
import type { MessageItem } from './plan.ts'

/** What an item is for one message: `known` is printed as it is, `read` is octets of the message, through `shape` where there is one. */
export type Wanted =
  | { readonly kind: 'known'; readonly octets: Uint8Array }
  | { readonly kind: 'nil' }
  | { readonly kind: 'unknown-encoding' }
  | {
      readonly kind: 'read'
      readonly start: number
      readonly end: number
      readonly shape: ((octets: Uint8Array) => Uint8Array) | undefined
      /** The number of octets is told, not they. */
      readonly isSize: boolean
    }

interface Span {
  readonly start: number
  readonly end: number
}

const NIL: Wanted = { kind: 'nil' }
const CRLF = latin1Bytes('\r\n')
const ENCODINGS: readonly string[] = ['', '7bit', '8bit', 'binary', 'base64', 'quoted-printable']

/** Works out an item. `summary` is there whenever the plan asked for it; `size` is that of the message. */
export function wantedOf(item: MessageItem, summary: MessageSummary | undefined, size: number): Wanted {
  switch (item.kind) {
    case 'summary':
      return summary === undefined ? NIL : known(summary, item.label)
    case 'section':
      return sectionOf(item.section, item.partial, summary, size)
    case 'binary':
      return binaryOf(item.part, item.partial, summary, size)
    case 'binary-size': {
      const wanted = binaryOf(item.part, undefined, summary, size)
      return wanted.kind === 'read' ? { ...wanted, isSize: true } : wanted
    }
  }
}

function known(summary: MessageSummary, label: 'ENVELOPE' | 'BODY' | 'BODYSTRUCTURE'): Wanted {
  const octets = label === 'ENVELOPE' ? summary.envelope : label === 'BODY' ? summary.body : summary.bodyStructure
  return { kind: 'known', octets }
}

function sectionOf(section: Section, partial: Partial | undefined, summary: MessageSummary | undefined, size: number): Wanted {
  const span = spanOf(section, summary, size)
  if (span === undefined) return NIL
  if (section.fields.length === 0) return read(span, partial)
  const { start, end } = span
  const names = new Set(section.fields)
  const keep = section.text === 'HEADER.FIELDS'
  return {
    kind: 'read',
    start,
    end: Math.min(end, start + HEADER_OCTETS),
    shape: octets => cut(chosenFields(octets, names, keep), partial),
    isSize: false,
  }
}

function read({ start, end }: Span, partial: Partial | undefined): Wanted {
  if (partial === undefined) return { kind: 'read', start, end, shape: undefined, isSize: false }
  const from = Math.min(end, start + partial.offset)
  return { kind: 'read', start: from, end: Math.min(end, from + partial.length), shape: undefined, isSize: false }
}

/** The octets that a section names; `undefined` when the message has no such part. */
function spanOf({ part, text }: Section, summary: MessageSummary | undefined, size: number): Span | undefined {
  if (part.length === 0 && text === '') return { start: 0, end: size }
  if (summary === undefined) return undefined
  if (part.length === 0) {
    const header = Math.min(summary.headerSize, size)
    return text === 'TEXT' ? { start: header, end: size } : { start: 0, end: header }
  }
  const location = summary.part(part)
  return location === undefined ? undefined : spanIn(location, text)
}

function spanIn(location: PartLocation, text: Section['text']): Span | undefined {
  if (text === '') return { start: location.bodyStart, end: location.bodyEnd }
  // The empty line after the header belongs to it here.
  if (text === 'MIME') return { start: location.headerStart, end: location.bodyStart }
  // RFC 9051 §6.4.5.1: HEADER and TEXT of a part mean the message that it holds.
  const { embedded } = location
  if (embedded === undefined) return undefined
  return text === 'TEXT' ? { start: embedded.bodyStart, end: embedded.bodyEnd } : { start: embedded.headerStart, end: embedded.bodyStart }
}

function binaryOf(part: readonly number[], partial: Partial | undefined, summary: MessageSummary | undefined, size: number): Wanted {
  if (part.length === 0) return read({ start: 0, end: size }, partial)
  const location = summary?.part(part)
  if (location === undefined) return NIL
  const { encoding, bodyStart: start, bodyEnd: end } = location
  // RFC 3516 §4.3: "the server MUST fail the request and issue a NO response that contains the UNKNOWN-CTE".
  if (!ENCODINGS.includes(encoding)) return { kind: 'unknown-encoding' }
  if (encoding !== 'base64' && encoding !== 'quoted-printable') return read({ start, end }, partial)
  return { kind: 'read', start, end, shape: octets => cut(decodeTransfer(octets, encoding), partial), isSize: false }
}

function cut(octets: Uint8Array, partial: Partial | undefined): Uint8Array {
  if (partial === undefined) return octets
  const from = Math.min(octets.length, partial.offset)
  return octets.subarray(from, Math.min(octets.length, from + partial.length))
}

/** The fields of those names, or all others, and the empty line. RFC 9051 §6.4.5.1, HEADER.FIELDS. */
function chosenFields(block: Uint8Array, names: ReadonlySet<string>, keep: boolean): Uint8Array {
  const chosen: Uint8Array[] = []
  let length = CRLF.length
  for (const { name, raw } of headerFields(block)) {
    if (names.has(name.toLowerCase()) !== keep) continue
    chosen.push(raw)
    length += raw.length
  }
  const octets = new Uint8Array(length)
  let at = 0
  for (const raw of chosen) {
    octets.set(raw, at)
    at += raw.length
  }
  octets.set(CRLF, at)
  return octets
}
