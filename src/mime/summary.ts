/**
 * The summary of a message: what engines want to know of it without reading it, made in one pass while it arrives and kept
 * by the store as opaque octets. Version 1: a fixed head, a table of lengths, and the sections. RFC 9051 §7.5.2; RFC 8970.
 */

import { hasOctets, latin1Bytes, latin1Text, setLatin1, utf8Bytes, utf8Text } from '../bytes/ascii.ts'
import type { LineCount } from '../contracts/host.ts'
import { MailError } from '../contracts/mail-error.ts'
import { parseSentDate } from './date-time.ts'
import { decodeCharset, decodeTransfer, decodeWords } from './decode.ts'
import { fieldOf } from './entity.ts'
import { valuesOf } from './header.ts'
import { envelopeForm, structureForms } from './imap-form.ts'
import type { MimeLimits } from './limits.ts'
import { numberParts, type Extent, type NumberedPart, type PartLocation } from './parts.ts'
import { StructureScanner } from './scanner.ts'

/** The version that is written; other versions are not read, and a store is rebuilt from its octets. */
export const SUMMARY_VERSION = 1

/** Header fields whose decoded text a summary keeps. */
export type SummaryField = 'subject' | 'from' | 'to' | 'cc' | 'bcc' | 'message-id' | 'in-reply-to' | 'references'

/** The same, in the order in which they lie there. */
export const FIELDS: readonly SummaryField[] = ['subject', 'from', 'to', 'cc', 'bcc', 'message-id', 'in-reply-to', 'references']
/** Envelope, structure, body, parts and preview come before the fields. */
export const FIRST_FIELD = 5
/** Number of sections: the length of each is told after the head. */
export const SECTIONS: number = FIRST_FIELD + FIELDS.length
/** version u8, base u32, header size u32, lines u32, sent time f64, sent day i32. */
export const HEAD = 25
const LONGEST_FIELD = 8192
const PREVIEW = 200

/**
 * Makes a summary from a message that arrives in slices. Takes any octets, in linear time and bounded memory.
 *
 * @example
 * ```ts
 * import { readSummary, SummaryBuilder } from 'mailwright/mime'
 *
 * const builder = new SummaryBuilder()
 * builder.push(new TextEncoder().encode('Subject: hello\r\n\r\n'))
 * builder.push(new TextEncoder().encode('Good day\r\n'))
 * console.log(readSummary(builder.finish()).field('subject')) // hello
 * ```
 */
export class SummaryBuilder {
  readonly #scanner: StructureScanner
  /** Made once, since the octets it is made of are given back. */
  #previewed: string | undefined

  /** `linesTold`: who cut the message into lines has counted them and tells {@link SummaryBuilder.finish}. */
  constructor(limits: Partial<MimeLimits> = {}, linesTold = false) {
    this.#scanner = new StructureScanner(limits, linesTold)
  }

  /** The next octets; they are not kept. */
  push(slice: Uint8Array): void {
    this.#scanner.push(slice)
  }

  /** The longest line so far in octets, its line end included. RFC 5322 §2.1.1. */
  get longestLine(): number {
    return this.#scanner.longestLine
  }

  /** No more octets. */
  finish(lines?: LineCount): Uint8Array {
    const root = this.#scanner.finish(lines)
    const structure = root.forms ?? structureForms(root)
    const sections = [
      envelopeForm(root.fields),
      structure.extended,
      structure.plain,
      octetText(JSON.stringify(numberParts(root).map(packed))),
      octetText((this.#previewed ??= this.#previewText())),
    ]
    for (const name of FIELDS) {
      const values = valuesOf(root.fields, name)
      sections.push(values === undefined ? '' : octetText(searchable(values)))
    }
    const sent = parseSentDate(fieldOf(root.fields, 'date') ?? '')
    // One array and no other on the way: making arrays is the dearest part of a summary.
    const whole = new Uint8Array(HEAD + SECTIONS * 4 + sections.reduce((sum, section) => sum + section.length, 0))
    const view = new DataView(whole.buffer)
    view.setUint8(0, SUMMARY_VERSION)
    view.setUint32(5, root.bodyStart)
    view.setUint32(9, root.lines)
    view.setFloat64(13, sent?.time ?? Number.NaN)
    view.setInt32(21, sent?.day ?? -0x8000_0000)
    for (const [index, section] of sections.entries()) view.setUint32(HEAD + index * 4, section.length)
    setLatin1(whole, HEAD + SECTIONS * 4, sections.join(''))
    this.#scanner.releasePreview()
    return whole
  }

  #previewText(): string {
    const preview = this.#scanner.preview
    if (preview === undefined) return ''
    const { part } = preview
    const octets = preview.octets.subarray(0, part.bodyEnd - part.bodyStart)
    const charset = part.parameters.find(([name]) => name === 'charset')?.[1] ?? ''
    const text = decodeCharset(decodeTransfer(octets, part.encoding), charset)
    const plain =
      part.subtype === 'html' ? text.replace(/<(?:style|script)[^>]*>[^<]*/gi, ' ').replace(/<[^<>]*>?/g, ' ') : text.slice(0, PREVIEW * 4)
    return plain
      .replace(/[\s\u0000-\u001f\u007f]+/g, ' ')
      .trim()
      .slice(0, PREVIEW)
  }
}

/** A text as text of its octets in UTF-8. */
function octetText(text: string): string {
  return BEYOND_ASCII.test(text) ? latin1Text(utf8Bytes(text)) : text
}

const BEYOND_ASCII = /[^\u0000-\u007f]/

/** What can be looked for: decoded, in lower case, bounded. */
function searchable(values: readonly string[]): string {
  const octets = values.join(', ').slice(0, LONGEST_FIELD)
  const text = /[\u0080-\u00ff]/.test(octets) ? utf8Text(latin1Bytes(octets)) : octets
  return decodeWords(text).toLowerCase()
}

/** The summary of a message that is at hand as a whole. */
export function summarise(message: Uint8Array): Uint8Array {
  const builder = new SummaryBuilder()
  builder.push(message)
  return builder.finish()
}

/**
 * The same summary for a message with `prefixLength` octets of further header fields in front of what was summarised.
 * Costs one copy.
 */
export function rebased(summary: Uint8Array, prefixLength: number): Uint8Array {
  const copy = summary.slice()
  new DataView(copy.buffer, copy.byteOffset).setUint32(1, prefixLength)
  return copy
}

/** A summary, read as far as it is asked. */
export interface MessageSummary {
  readonly version: number
  /** `envelope` of RFC 9051 §9, ready to be sent. Octets beyond ASCII stand in literals. */
  readonly envelope: Uint8Array
  /** `body` with extension data, ready to be sent. */
  readonly bodyStructure: Uint8Array
  /** `body` without extension data, ready to be sent. */
  readonly body: Uint8Array
  /** Octets of the header, the empty line included. */
  readonly headerSize: number
  /** Line feeds in the body. */
  readonly lineCount: number
  /** The beginning of the text, at most 200 characters, white space folded. RFC 8970 §3. */
  readonly preview: string
  /** The Date field in milliseconds since the epoch; `undefined` where there is none to be read. */
  readonly sentDate: number | undefined
  /** Days since the epoch that the sender's calendar showed. */
  readonly sentDay: number | undefined
  /** Decoded text of a field in lower case; empty where it is absent. At most 8,192 octets of it are kept. */
  field(name: SummaryField): string
  /** Whether the text of a field has these octets of UTF-8 in it. Cheaper than {@link MessageSummary.field}. */
  fieldHas(name: SummaryField, octets: Uint8Array): boolean
  /** A part by its number; the whole message by an empty path. RFC 9051 §6.4.5.1. */
  part(path: readonly number[]): PartLocation | undefined
  /** All parts with their numbers, the message itself first. */
  readonly parts: readonly NumberedPart[]
}

/** Opens a summary. Throws `MailError('corrupt')` for another version or octets that are no summary: rebuild it from the message. */
export function readSummary(summary: Uint8Array): MessageSummary {
  if (summary.length < HEAD + SECTIONS * 4 || summary[0] !== SUMMARY_VERSION)
    throw new MailError('corrupt', `the message's summary is not of version ${SUMMARY_VERSION}`)
  return new SummaryView(summary)
}

class SummaryView implements MessageSummary {
  readonly #octets: Uint8Array
  readonly #view: DataView
  #parts: readonly NumberedPart[] | undefined

  constructor(octets: Uint8Array) {
    this.#octets = octets
    this.#view = new DataView(octets.buffer, octets.byteOffset, octets.length)
  }

  get version(): number {
    return this.#view.getUint8(0)
  }

  get envelope(): Uint8Array {
    return this.#section(0)
  }

  get bodyStructure(): Uint8Array {
    return this.#section(1)
  }

  get body(): Uint8Array {
    return this.#section(2)
  }

  get headerSize(): number {
    return this.#base + this.#view.getUint32(5)
  }

  get lineCount(): number {
    return this.#view.getUint32(9)
  }

  get preview(): string {
    return utf8Text(this.#section(4))
  }

  get sentDate(): number | undefined {
    const time = this.#view.getFloat64(13)
    return Number.isNaN(time) ? undefined : time
  }

  get sentDay(): number | undefined {
    const day = this.#view.getInt32(21)
    return day === -0x8000_0000 ? undefined : day
  }

  get parts(): readonly NumberedPart[] {
    this.#parts ??= (JSON.parse(utf8Text(this.#section(3))) as PackedPart[]).map(part => unpacked(part, this.#base))
    return this.#parts
  }

  field(name: SummaryField): string {
    return utf8Text(this.#section(FIRST_FIELD + FIELDS.indexOf(name)))
  }

  fieldHas(name: SummaryField, octets: Uint8Array): boolean {
    const section = this.#section(FIRST_FIELD + FIELDS.indexOf(name))
    return hasOctets(section, 0, section.length, octets)
  }

  part(path: readonly number[]): PartLocation | undefined {
    return this.parts.find(part => part.path.length === path.length && part.path.every((number, level) => number === path[level]))?.location
  }

  get #base(): number {
    return this.#view.getUint32(1)
  }

  #section(index: number): Uint8Array {
    let at = HEAD + SECTIONS * 4
    for (let before = 0; before < index; before++) at += this.#view.getUint32(HEAD + before * 4)
    return this.#octets.subarray(at, at + this.#view.getUint32(HEAD + index * 4))
  }
}

type PackedExtent = readonly [headerStart: number, headerEnd: number, bodyStart: number, bodyEnd: number]
type PackedPart = readonly [
  path: readonly number[],
  extent: PackedExtent,
  type: string,
  subtype: string,
  encoding: string,
  charset: string,
  lines: number,
  embedded: PackedExtent | 0,
]

function packedExtent(extent: Extent): PackedExtent {
  return [extent.headerStart, extent.headerEnd, extent.bodyStart, extent.bodyEnd]
}

function packed({ path, location }: NumberedPart): PackedPart {
  const { type, subtype, encoding, charset, lines, embedded } = location
  return [path, packedExtent(location), type, subtype, encoding, charset, lines, embedded === undefined ? 0 : packedExtent(embedded)]
}

function unpacked([path, extent, type, subtype, encoding, charset, lines, embedded]: PackedPart, base: number): NumberedPart {
  return {
    path,
    location: {
      ...shifted(extent, base),
      type,
      subtype,
      encoding,
      charset,
      isMultipart: type === 'multipart',
      isMessage: embedded !== 0,
      ...(embedded === 0 ? {} : { embedded: shifted(embedded, base) }),
      lines,
    },
  }
}

/** The message's own header begins where the prefix does, whatever its length. */
function shifted([headerStart, headerEnd, bodyStart, bodyEnd]: PackedExtent, base: number): Extent {
  return {
    headerStart: headerStart === 0 ? 0 : headerStart + base,
    headerEnd: headerEnd + base,
    bodyStart: bodyStart + base,
    bodyEnd: bodyEnd + base,
  }
}
