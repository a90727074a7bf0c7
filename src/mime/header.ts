/** Header fields of a block of octets, as they stand and unfolded. RFC 5322 §2.2; RFC 7103 §7. */

import { latin1Text, utf8Text } from '../bytes/ascii.ts'

/** One header field. */
export interface HeaderFieldOctets {
  /** As written, without the colon. */
  readonly name: string
  /** The whole field with its line end. */
  readonly raw: Uint8Array
  /** Unfolded and trimmed, octets beyond ASCII read as UTF-8; encoded-words are left. */
  readonly value: string
}

/** Octets before the colon in which a name that is wanted can end. */
const LONGEST_NAME = 256

/** A field as text of octets (each character one octet), which is how structure and envelope are made. */
export interface LatinField {
  /** Lower case. */
  readonly name: string
  /** Unfolded and trimmed. */
  readonly value: string
}

/**
 * The fields of a header block, in their order. Lines that are no field and continue none are passed over. Linear in the
 * block's length.
 */
export function* headerFields(block: Uint8Array): Generator<HeaderFieldOctets> {
  for (const spans = new FieldSpans(block); spans.next();) {
    const { start, colon, end } = spans
    const raw = block.subarray(start, end)
    yield { name: latin1Text(block, start, colon).trimEnd(), raw, value: unfold(utf8Text(block.subarray(colon + 1, end))) }
  }
}

/**
 * The same for the library's own use: names in lower case, octets kept. Of the first `most` fields only those that `wanted`
 * names: the rest of a header is the larger part of it, and nobody asks for it here.
 */
export function latinFields(block: Uint8Array, most: number, wanted: ReadonlySet<string>): readonly LatinField[] {
  const fields: LatinField[] = []
  // The whole at once: one call out of JavaScript for each name and value would cost more than what is not wanted.
  const text = latin1Text(block)
  const spans = new FieldSpans(block)
  for (let seen = 0; seen < most && spans.next(); seen++) {
    const { start, colon, end } = spans
    if (colon - start > LONGEST_NAME) continue
    const name = text.slice(start, colon).trimEnd().toLowerCase()
    if (wanted.has(name)) fields.push({ name, value: unfold(text.slice(colon + 1, end)) })
  }
  return fields
}

/** All values of a name (in lower case); `undefined` where there is none. */
export function valuesOf(fields: readonly LatinField[], name: string): string[] | undefined {
  let values: string[] | undefined
  for (const field of fields) if (field.name === name) (values ??= []).push(field.value)
  return values
}

/** RFC 5322 §2.2.3: the line ends go, the white space after them stays. */
function unfold(text: string): string {
  const trimmed = text.trim()
  return NEEDS_UNFOLDING.test(trimmed) ? text.replace(/\r?\n/g, '').replaceAll('\0', '').trim() : trimmed
}

const NEEDS_UNFOLDING = /[\0\n]/

/** Goes from field to field of a block. */
class FieldSpans {
  readonly #block: Uint8Array
  #at = 0
  start = 0
  colon = 0
  end = 0

  constructor(block: Uint8Array) {
    this.#block = block
  }

  /** Whether there is another field. */
  next(): boolean {
    const block = this.#block
    while (this.#at < block.length) {
      const at = this.#at
      const first = block[at]
      if (first === 0x0a || (first === 0x0d && block[at + 1] === 0x0a)) return false
      let end = lineEnd(block, at)
      // White space before any field, or after a line that was none: it continues nothing.
      const colon = first === 0x20 || first === 0x09 ? -1 : colonOf(block, at, end)
      while (end < block.length && (block[end] === 0x20 || block[end] === 0x09)) end = lineEnd(block, end)
      this.#at = end
      if (colon <= at) continue
      this.start = at
      this.colon = colon
      this.end = end
      return true
    }
    return false
  }
}

function lineEnd(block: Uint8Array, from: number): number {
  const feed = block.indexOf(0x0a, from)
  return feed < 0 ? block.length : feed + 1
}

/** RFC 5322 §2.2: a name is printable ASCII; §4.5 allows white space before the colon. */
function colonOf(block: Uint8Array, from: number, end: number): number {
  for (let at = from; at < end; at++) {
    const octet = block[at] ?? 0
    if (octet === 0x3a) return at
    if (octet === 0x20 || octet === 0x09) {
      while (at < end && (block[at] === 0x20 || block[at] === 0x09)) at++
      return block[at] === 0x3a ? at : -1
    }
    if (octet < 0x21 || octet > 0x7e) return -1
  }
  return -1
}
