/** The header of a message, read with limits: its fields, and where the body begins. RFC 5322 §2.1, §2.2, §2.2.3. */

import { latin1Text } from '../bytes/ascii.ts'
import type { HeaderField, MessageSource } from '../contracts/index.ts'

/** Octets that a header may have, the empty line included (S28). */
export const MAX_HEADER_OCTETS: number = 256 * 1024
/** Fields that a header may have (S28). */
export const MAX_HEADER_FIELDS = 1000
/** Most headers fit into the first read. */
const FIRST_READ = 16 * 1024

const CR = 0x0d
const LF = 0x0a
const utf8 = new TextDecoder('utf-8')
const NAME = /[\u0021-\u0039\u003b-\u007e]{1,200}[ \t]*:/y
/** Octets from the first of a name to its colon. */
const LONGEST_NAME = 256
const BEYOND_ASCII = /[^\u0000-\u007f]/

/** One field as it stands in the header block. */
export class LocatedField implements HeaderField {
  readonly name: string
  /** The name in lower case. */
  readonly key: string
  /** First octet of the field, and the octet behind its line end. */
  readonly start: number
  readonly end: number
  readonly #block: HeaderText
  readonly #valueStart: number
  #value: string | undefined

  constructor(block: HeaderText, start: number, valueStart: number, end: number) {
    // What may stand before the colon is no part of the name. RFC 5322 §4.5.
    this.name = block.text.slice(start, valueStart - 1).trimEnd()
    this.key = this.name.toLowerCase()
    this.start = start
    this.end = end
    this.#block = block
    this.#valueStart = valueStart
  }

  /** Most fields are never looked at: the value is made when it is. */
  get value(): string {
    return (this.#value ??= valueOf(this.#block, this.#valueStart, this.end))
  }
}

/** A header's octets, and the same as text: each character one octet. */
interface HeaderText {
  readonly octets: Uint8Array
  readonly text: string
}

/** A header that was read. */
export interface HeaderBlock {
  /** In their order, at most {@link MAX_HEADER_FIELDS}. */
  readonly fields: readonly LocatedField[]
  /** The octets of the header, without the empty line. */
  readonly octets: Uint8Array
  /** Whether it ended at a line that is neither a field nor empty. */
  readonly broken: boolean
  /** Whether a limit was passed; `fields` holds what came before it. */
  readonly exceeds: 'octets' | 'fields' | undefined
}

/**
 * Reads a message's header. It ends at the first empty line, at the first line that is neither a field nor a continuation
 * (what follows is body: RFC 7103 §7.1.2), or with the message.
 */
export async function readHeader(source: MessageSource): Promise<HeaderBlock> {
  // What lies in memory is looked at where it lies: only the header is copied.
  const first = source.pieces?.[0]?.subarray(0, MAX_HEADER_OCTETS + 1) ?? (await source.read(0, Math.min(source.size, FIRST_READ)))
  const end = emptyLine(first)
  if (end !== undefined || first.length >= source.size) return headerOf(first, end, source.size)
  const more = await source.read(0, Math.min(source.size, MAX_HEADER_OCTETS + 1))
  return headerOf(more, emptyLine(more), source.size)
}

function headerOf(octets: Uint8Array, end: number | undefined, size: number): HeaderBlock {
  if (end === undefined && size > MAX_HEADER_OCTETS) return { fields: [], octets: octets.slice(0, 0), broken: false, exceeds: 'octets' }
  const header = new Uint8Array(octets.subarray(0, end))
  return fieldsOf({ octets: header, text: latin1Text(header) })
}

/** Where the empty line begins, if there is one. */
function emptyLine(octets: Uint8Array): number | undefined {
  for (let at = 0; at < octets.length;) {
    if (octets[at] === LF || (octets[at] === CR && octets[at + 1] === LF)) return at
    const feed = octets.indexOf(LF, at)
    if (feed < 0) return undefined
    at = feed + 1
  }
  return undefined
}

function fieldsOf(block: HeaderText): HeaderBlock {
  const { octets, text } = block
  const fields: LocatedField[] = []
  let at = 0
  while (at < text.length) {
    NAME.lastIndex = at
    if (!NAME.test(text) || NAME.lastIndex - at > LONGEST_NAME) break
    if (fields.length === MAX_HEADER_FIELDS) return { fields, octets: octets.subarray(0, at), broken: false, exceeds: 'fields' }
    const valueStart = NAME.lastIndex
    const end = fieldEnd(text, at)
    fields.push(new LocatedField(block, at, valueStart, end))
    at = end
  }
  return { fields, octets: octets.subarray(0, at), broken: at < text.length, exceeds: undefined }
}

/** Behind the last line of the field that begins at `at`: a line that begins with white space continues it. */
function fieldEnd(text: string, at: number): number {
  let end = at
  do {
    const lf = text.indexOf('\n', end)
    end = lf < 0 ? text.length : lf + 1
  } while (text[end] === ' ' || text[end] === '\t')
  return end
}

function valueOf({ octets, text }: HeaderText, start: number, end: number): string {
  const raw = text.slice(start, end)
  const folded = BEYOND_ASCII.test(raw) ? utf8.decode(octets.subarray(start, end)) : raw
  return folded.replace(/\r?\n/g, '').trim()
}
