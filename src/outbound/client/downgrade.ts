/**
 * A message with octets above 127 for a hop that takes none: bodies of parts are encoded, headers say so, structure stays.
 * RFC 6152 §3; RFC 2045 §6; RFC 1847 §2.1. Signatures over the body break by it; the alternative is to send it back.
 */

import { concatBytes, encodeBase64, isAscii, latin1Bytes } from '../../bytes/ascii.ts'
import { ByteBuilder } from '../../bytes/byte-builder.ts'
import type { MessageSource } from '../../contracts/index.ts'
import { holdsMessage } from '../../mime/entity.ts'
import type { Entity } from '../../mime/entity.ts'
import { headerFields } from '../../mime/header.ts'
import { StructureScanner } from '../../mime/scanner.ts'

/** Larger messages are not converted: it happens in memory, and hops of that age take none so large. */
const LARGEST = 33_554_432

interface Edit {
  readonly start: number
  readonly end: number
  readonly octets: Uint8Array
}

/** Thrown inside: this cannot be said in seven bits. */
class Unconvertible extends Error {
  override readonly name: string = 'Unconvertible'
}

/** The message in seven bits; `undefined` when that cannot be: octets above 127 in a header, signed or encrypted parts, or too large. */
export async function sevenBit(content: MessageSource): Promise<MessageSource | undefined> {
  if (content.size > LARGEST) return undefined
  const octets = await content.read(0, content.size)
  const scanner = new StructureScanner()
  scanner.push(octets)
  const edits: Edit[] = []
  try {
    convert(scanner.finish(), octets, edits, 'message')
  } catch (error) {
    if (error instanceof Unconvertible) return undefined
    throw error
  }
  const converted = applied(octets, edits)
  // What the structure does not reach (parts beyond the limits, preambles) is as it was.
  if (!isAscii(converted)) return undefined
  return { size: converted.length, read: (start, end) => converted.subarray(start, end) }
}

function convert(entity: Entity, octets: Uint8Array, edits: Edit[], role: 'message' | 'part'): void {
  const header = octets.subarray(entity.headerStart, entity.headerEnd)
  const body = octets.subarray(entity.bodyStart, entity.bodyEnd)
  if (!isAscii(header)) throw new Unconvertible()
  if (isAscii(body)) return
  const { type, subtype, encoding } = entity
  if (encoding !== '7bit' && encoding !== '8bit' && encoding !== 'binary') throw new Unconvertible()
  if (type === 'multipart') {
    // RFC 1847 §2.1: what is signed is not touched.
    if (subtype === 'signed' || subtype === 'encrypted') throw new Unconvertible()
    edits.push(headerEdit(entity, header, '7bit', role))
    for (const child of entity.children) convert(child, octets, edits, 'part')
    return
  }
  if (type === 'message') {
    // RFC 2046 §5.2: no encoding but the identity for messages; what they hold is converted.
    const embedded = holdsMessage(entity) ? entity.children[0] : undefined
    if (embedded === undefined || subtype !== 'rfc822') throw new Unconvertible()
    edits.push(headerEdit(entity, header, '7bit', role))
    convert(embedded, octets, edits, 'message')
    return
  }
  const textual = type === 'text'
  edits.push(headerEdit(entity, header, textual ? 'quoted-printable' : 'base64', role))
  edits.push({ start: entity.bodyStart, end: entity.bodyEnd, octets: textual ? quotedPrintable(body) : base64Lines(body) })
}

/** The header with another Content-Transfer-Encoding, everything else octet for octet. */
function headerEdit(entity: Entity, header: Uint8Array, encoding: string, role: 'message' | 'part'): Edit {
  const pieces: Uint8Array[] = []
  let mime = role === 'part'
  let typed = false
  for (const { name, raw } of headerFields(header)) {
    const folded = name.toLowerCase()
    if (folded === 'content-transfer-encoding') continue
    if (folded === 'mime-version') mime = true
    if (folded === 'content-type') typed = true
    pieces.push(raw)
  }
  const last = pieces.at(-1)
  if (last !== undefined && last.at(-1) !== 0x0a) pieces.push(latin1Bytes('\r\n'))
  const added = [
    ...(mime ? [] : ['MIME-Version: 1.0']),
    // RFC 1428 §3: what nobody has named a charset for.
    ...(typed || role === 'part' ? [] : ['Content-Type: text/plain; charset=unknown-8bit']),
    `Content-Transfer-Encoding: ${encoding}`,
  ]
  pieces.push(latin1Bytes(`${added.join('\r\n')}\r\n`))
  if (entity.headerEnd === entity.bodyStart) pieces.push(latin1Bytes('\r\n'))
  return { start: entity.headerStart, end: entity.headerEnd, octets: concatBytes(pieces) }
}

function applied(octets: Uint8Array, edits: readonly Edit[]): Uint8Array {
  const pieces: Uint8Array[] = []
  let at = 0
  for (const edit of edits.toSorted((a, b) => a.start - b.start || a.end - b.end)) {
    pieces.push(octets.subarray(at, edit.start), edit.octets)
    at = edit.end
  }
  pieces.push(octets.subarray(at))
  return concatBytes(pieces)
}

const HEX = '0123456789ABCDEF'
const LINE = 76

/** RFC 2045 §6.7: lines of at most 76 characters, line ends kept. */
function quotedPrintable(body: Uint8Array): Uint8Array {
  const out = new ByteBuilder(body.length + 1024)
  let width = 0
  const put = (text: string): void => {
    // Room is left for the `=` of a soft line break.
    if (width + text.length > LINE - 1) {
      out.latin1('=\r\n')
      width = 0
    }
    out.latin1(text)
    width += text.length
  }
  for (let at = 0; at < body.length; at++) {
    const octet = body[at] ?? 0
    const next = body[at + 1]
    if (octet === 0x0d && next === 0x0a) {
      out.latin1('\r\n')
      width = 0
      at++
    } else if (octet === 0x20 || octet === 0x09) {
      // White space before a line end would be taken off on the way.
      const atEnd = next === undefined || next === 0x0d || next === 0x0a
      put(atEnd ? escaped(octet) : String.fromCharCode(octet))
    } else if (octet > 0x20 && octet < 0x7f && octet !== 0x3d) put(String.fromCharCode(octet))
    else put(escaped(octet))
  }
  return out.flush()
}

function escaped(octet: number): string {
  return `=${HEX.charAt(octet >> 4)}${HEX.charAt(octet & 15)}`
}

/** RFC 2045 §6.8. */
function base64Lines(body: Uint8Array): Uint8Array {
  const lines: string[] = []
  for (let at = 0; at < body.length; at += 57) lines.push(encodeBase64(body.subarray(at, at + 57)))
  return latin1Bytes(lines.join('\r\n'))
}
