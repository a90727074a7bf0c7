/** How header fields are written before they are hashed. RFC 6376 §3.4.1, §3.4.2, §3.7. */

import { asciiLowerCase } from '../bytes/ascii.ts'
import type { SignableField } from './header-block.ts'
import { tagSpans, trimmed } from './tag-list.ts'

/** The two ways to make a message ready for hashing. RFC 6376 §3.4. */
export type Canonicalization = 'simple' | 'relaxed'

/** A whole field, its line end included, as it goes into the hash. Linear in the field. */
export function canonicalField(text: string, canonicalization: Canonicalization): string {
  return canonicalization === 'simple' ? text : relaxedField(text)
}

function relaxedField(text: string): string {
  const colon = text.indexOf(':')
  const name = asciiLowerCase(trimmed(text, 0, Math.max(colon, 0)))
  // RFC 6376 §3.4.2: unfold first, so that white space on both sides of a fold becomes one space.
  const value = text
    .slice(colon + 1)
    .replaceAll('\r\n', '')
    .replace(/[ \t]+/g, ' ')
  const start = value.startsWith(' ') ? 1 : 0
  const end = value.endsWith(' ') ? value.length - 1 : value.length
  return `${name}:${value.slice(start, end)}\r\n`
}

/**
 * A signature's own field as it goes into its hash: the value of `b=` gone with the white space around it, no line end.
 * RFC 6376 §3.7.
 */
export function canonicalSignature(text: string, canonicalization: Canonicalization): string {
  const canonical = canonicalField(withoutSignature(text), canonicalization)
  return canonical.endsWith('\r\n') ? canonical.slice(0, -2) : canonical
}

function withoutSignature(text: string): string {
  for (const span of tagSpans(text, text.indexOf(':') + 1)) {
    if (span?.name === 'b') return text.slice(0, span.start) + text.slice(span.end)
  }
  return text
}

/**
 * The fields that a signature's `h=` chooses, in its order: of several with one name the last first, each once; a name
 * without (further) fields stands for nothing. RFC 6376 §5.4.2. Linear in names and fields together.
 */
export function chosenFields(fields: readonly SignableField[], names: readonly string[]): readonly SignableField[] {
  const left = new Map<string, SignableField[]>()
  for (const name of names) left.set(name, [])
  for (const field of fields) left.get(field.key)?.push(field)
  const chosen: SignableField[] = []
  for (const name of names) {
    const field = left.get(name)?.pop()
    if (field !== undefined) chosen.push(field)
  }
  return chosen
}
