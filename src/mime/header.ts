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
  for (const [start, colon, end] of fieldSpans(block)) {
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
  let seen = 0
  for (const [start, colon, end] of fieldSpans(block)) {
    if (seen++ === most) break
    if (colon - start > LONGEST_NAME) continue
    const name = latin1Text(block, start, colon).trimEnd().toLowerCase()
    if (wanted.has(name)) fields.push({ name, value: unfold(latin1Text(block, colon + 1, end)) })
  }
  return fields
}

/** RFC 5322 §2.2.3: the line ends go, the white space after them stays. */
function unfold(text: string): string {
  return text.replace(/\r?\n/g, '').replaceAll('\0', '').trim()
}

function* fieldSpans(block: Uint8Array): Generator<readonly [start: number, colon: number, end: number]> {
  let at = 0
  while (at < block.length) {
    let end = lineEnd(block, at)
    const first = block[at]
    if (first === 0x0a || (first === 0x0d && block[at + 1] === 0x0a)) return
    // White space before any field, or after a line that was none: it continues nothing.
    const colon = first === 0x20 || first === 0x09 ? -1 : colonOf(block, at, end)
    while (end < block.length && (block[end] === 0x20 || block[end] === 0x09)) end = lineEnd(block, end)
    if (colon > at) yield [at, colon, end]
    at = end
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
