/**
 * The structure of a message in one pass, while its octets arrive in slices of any size. Looks at line starts only; bodies
 * are crossed by searching for line feeds. RFC 2046 §5.1; RFC 7103 §4-5 for what is malformed.
 */

import { latin1Text } from '../bytes/ascii.ts'
import { LineCounter } from '../bytes/line-ends.ts'
import type { LineCount } from '../contracts/host.ts'
import { structureForms } from './imap-form.ts'
import { describe, holdsMessage, newEntity, type Entity } from './entity.ts'
import { MIME_LIMITS, type MimeLimits } from './limits.ts'

/** Octets at the start of a line that can matter to a boundary. */
const LINE_HEAD = 300
const PREVIEW_OCTETS = 2048
/** Octets of a header that most have. */
const HEADER_BUFFER = 4096
/** Buffers of messages that are over: nothing refers to what is in them. */
const SPARE_HEADERS: Uint8Array[] = []
const SPARE_PREVIEWS: Uint8Array[] = []
const MOST_SPARE = 64
const NOTHING = new Uint8Array()

/** Takes a message in slices and gives its tree. */
export class StructureScanner {
  readonly #limits: MimeLimits
  readonly #open: Entity[] = []
  readonly root: Entity
  #parts = 1
  /** Depths of all parts, added up. */
  #levels = 0
  /** Offset of the next octet to come. */
  #offset = 0
  #inHeader = true
  /** The header being read, in a buffer that grows: single octets cost no more than slices. */
  #header: Uint8Array = SPARE_HEADERS.pop() ?? new Uint8Array(HEADER_BUFFER)
  #headerSize = 0
  /** Octets of part headers that may still be told. */
  #budget: number
  /** The line that a slice ended in: where it began, and its first octets. */
  #lineStart = 0
  #lineHead: Uint8Array = new Uint8Array(0)
  #lastOctet = 0
  /** Line feeds up to the line that is being looked at. */
  #feedsBefore = 0
  readonly #counter: LineCounter | undefined
  /** As told by who cut the lines, where they are not counted here. */
  #told: LineCount = { feeds: 0, longest: 0 }
  /** Nothing that follows can be a boundary. */
  #isSkimming = false
  #feedsAtBody: number[] = []
  /** Length of the line end before the current line: it belongs to a boundary that follows. */
  #lineEnd = 0
  #boundaries = 0
  /** How many open multiparts have a boundary that, but for white space at its end, is this text: most lines are decided by it alone. */
  readonly #boundaryTexts = new Map<string, number>()
  /** The part that the preview is made of, and its first octets. */
  #previewOf: Entity | undefined
  #preview: Uint8Array = NOTHING
  #previewSize = 0

  /** `linesTold`: {@link StructureScanner.finish} will be told of the lines, they need not be counted. */
  constructor(limits: Partial<MimeLimits> = {}, linesTold = false) {
    this.#counter = linesTold ? undefined : new LineCounter()
    this.#limits = { ...MIME_LIMITS, ...limits }
    this.#budget = this.#limits.toldOctets
    this.root = newEntity(0, 0, 'text/plain')
    this.#open.push(this.root)
    this.#feedsAtBody.push(0)
  }

  /** First octets of the first text part, still encoded; until {@link StructureScanner.releasePreview}. */
  get preview(): { readonly part: Entity; readonly octets: Uint8Array } | undefined {
    return this.#previewOf === undefined ? undefined : { part: this.#previewOf, octets: this.#preview.subarray(0, this.#previewSize) }
  }

  push(slice: Uint8Array): void {
    const base = this.#offset
    let at = 0
    this.#counter?.push(slice)
    while (at < slice.length) {
      // Without a boundary to look for, a body is nothing but its line feeds.
      if (!this.#inHeader && this.#boundaries === 0) {
        this.#isSkimming = true
        break
      }
      const feed = slice.indexOf(0x0a, at)
      const end = feed < 0 ? slice.length : feed + 1
      if (this.#inHeader) this.#takeHeader(slice, at, end)
      if (feed < 0) {
        if (this.#lineHead.length < LINE_HEAD) this.#lineHead = joined(this.#lineHead, slice.subarray(at, Math.min(end, at + LINE_HEAD)))
        this.#lastOctet = slice[end - 1] ?? 0
        break
      }
      const before = feed > at ? slice[feed - 1] : this.#lineHead.length > 0 ? this.#lastOctet : 0
      const wasLineHead = this.#lineHead
      this.#feedsBefore++
      if (wasLineHead.length > 0) {
        this.#lineHead = new Uint8Array(0)
        this.#line(joined(wasLineHead, slice.subarray(at, Math.min(end, at + LINE_HEAD))), 0, base + end, slice, base)
      } else this.#line(slice, at, base + end, slice, base, end)
      this.#lineEnd = before === 0x0d ? 2 : 1
      this.#lineStart = base + end
      at = end
    }
    this.#keepPreview(slice, base, base + slice.length)
    this.#offset = base + slice.length
  }

  /** No more octets: closes everything and answers the root. */
  finish(told?: LineCount): Entity {
    if (told !== undefined) this.#told = told
    if (this.#lineHead.length > 0) {
      const last = this.#lineHead
      this.#lineHead = new Uint8Array(0)
      this.#line(last, 0, this.#offset, new Uint8Array(0), this.#offset)
    }
    while (this.#inHeader) this.#endHeader(this.#offset, this.#offset)
    while (this.#open.length > 0) this.#close(this.#offset, this.#feeds)
    if (this.#header.length === HEADER_BUFFER && SPARE_HEADERS.length < MOST_SPARE) SPARE_HEADERS.push(this.#header)
    this.#header = NOTHING
    return this.root
  }

  /** The preview was looked at: where it lay is the next message's. */
  releasePreview(): void {
    if (this.#preview.length === PREVIEW_OCTETS && SPARE_PREVIEWS.length < MOST_SPARE) SPARE_PREVIEWS.push(this.#preview)
    this.#preview = NOTHING
    this.#previewSize = 0
  }

  /** The longest line so far in octets, its line end included. */
  get longestLine(): number {
    return (this.#counter ?? this.#told).longest
  }

  /** Line feeds so far. */
  get #feeds(): number {
    return this.#isSkimming ? (this.#counter ?? this.#told).feeds : this.#feedsBefore
  }

  get #top(): Entity | undefined {
    return this.#open.at(-1)
  }

  /** A line is complete; `octets[from..]` holds its first octets at least. */
  #line(octets: Uint8Array, from: number, lineEnd: number, slice: Uint8Array, base: number, to: number = octets.length): void {
    const first = octets[from]
    if (
      this.#boundaries > 0 &&
      first === 0x2d &&
      octets[from + 1] === 0x2d &&
      to - from < LINE_HEAD &&
      this.#boundary(octets, from, to, lineEnd, slice, base)
    )
      return
    if (!this.#inHeader) return
    if (first === 0x0a || (first === 0x0d && octets[from + 1] === 0x0a)) this.#endHeader(this.#lineStart, lineEnd)
  }

  /** Whether the line is a boundary of an open multipart; acts on it if so. */
  #boundary(octets: Uint8Array, from: number, to: number, lineEnd: number, slice: Uint8Array, base: number): boolean {
    const text = latin1Text(octets, from + 2, to)
    // Ninety open boundaries and a body of lines like them would be ninety comparisons a line otherwise.
    const trimmed = text.trimEnd()
    if (!this.#boundaryTexts.has(trimmed) && !(trimmed.endsWith('--') && this.#boundaryTexts.has(trimmed.slice(0, -2).trimEnd())))
      return false
    for (let level = this.#open.length - 1; level >= 0; level--) {
      const entity = this.#open[level]
      if (entity?.boundary === undefined || !text.startsWith(entity.boundary)) continue
      // RFC 2046 §5.1.1: two hyphens close; white space after it is padding. Anything else is another, longer boundary.
      const rest = text.slice(entity.boundary.length).trimEnd()
      if (rest !== '' && rest !== '--') continue
      const opens = rest === ''
      const bodyEnd = Math.max(0, this.#lineStart - this.#lineEnd)
      this.#keepPreview(slice, base, bodyEnd)
      while (this.#inHeader) this.#endHeader(this.#lineStart, this.#lineStart)
      const own = octets[to - 1] === 0x0a ? 1 : 0
      while (this.#open.length - 1 > level) this.#close(bodyEnd, this.#feeds - own - (this.#lineEnd > 0 ? 1 : 0))
      if (opens) this.#begin(lineEnd, entity)
      else {
        // What follows is the epilogue: it is nobody's part, and this boundary means nothing any more.
        this.#forget(entity)
      }
      return true
    }
    return false
  }

  #begin(at: number, parent: Entity): void {
    if (!this.#hasRoom(parent.depth + 1)) {
      this.#forget(parent)
      return
    }
    this.#count(parent.depth + 1)
    const entity = newEntity(
      at,
      parent.depth + 1,
      parent.subtype === 'digest' && parent.type === 'multipart' ? 'message/rfc822' : 'text/plain',
    )
    parent.children.push(entity)
    this.#open.push(entity)
    this.#feedsAtBody.push(this.#feeds)
    this.#inHeader = true
  }

  #hasRoom(depth: number): boolean {
    return this.#parts < this.#limits.parts && this.#levels + depth <= this.#limits.levels
  }

  #count(depth: number): void {
    this.#parts++
    this.#levels += depth
  }

  /** The boundary of a multipart means something from here on. */
  #expect(boundary: string): void {
    const text = boundary.trimEnd()
    this.#boundaries++
    this.#boundaryTexts.set(text, (this.#boundaryTexts.get(text) ?? 0) + 1)
  }

  #forget(entity: Entity): void {
    if (entity.boundary === undefined) return
    const text = entity.boundary.trimEnd()
    const others = (this.#boundaryTexts.get(text) ?? 1) - 1
    if (others === 0) this.#boundaryTexts.delete(text)
    else this.#boundaryTexts.set(text, others)
    this.#boundaries--
    entity.boundary = undefined
  }

  #takeHeader(slice: Uint8Array, from: number, to: number): void {
    const length = Math.min(to - from, this.#limits.headerOctets - this.#headerSize)
    if (length <= 0) return
    const needed = this.#headerSize + length
    if (needed > this.#header.length) {
      const grown = new Uint8Array(Math.max(needed, this.#header.length * 2))
      grown.set(this.#header.subarray(0, this.#headerSize))
      this.#header = grown
    }
    this.#header.set(slice.subarray(from, from + length), this.#headerSize)
    this.#headerSize = needed
  }

  /** The header of the innermost entity is over: its block ends at `headerEnd`, its body begins at `bodyStart`. */
  #endHeader(headerEnd: number, bodyStart: number): void {
    const entity = this.#top
    const block = this.#header.subarray(0, this.#headerSize)
    this.#headerSize = 0
    this.#inHeader = false
    if (entity === undefined) return
    if (entity === this.root) describe(entity, block, this.#limits, Number.POSITIVE_INFINITY)
    else this.#budget -= describe(entity, block, this.#limits, this.#budget)
    entity.headerEnd = headerEnd
    entity.bodyStart = bodyStart
    this.#feedsAtBody[this.#feedsAtBody.length - 1] = this.#feeds
    if (entity.depth >= this.#limits.depth) entity.boundary = undefined
    if (entity.boundary !== undefined) this.#expect(entity.boundary)
    else if (holdsMessage(entity) && entity.depth < this.#limits.depth && this.#hasRoom(entity.depth + 1)) {
      this.#count(entity.depth + 1)
      const embedded = newEntity(bodyStart, entity.depth + 1, 'text/plain')
      entity.children.push(embedded)
      this.#open.push(embedded)
      this.#feedsAtBody.push(this.#feeds)
      this.#inHeader = true
    } else if (this.#previewOf === undefined && entity.type === 'text') this.#previewOf = entity
  }

  #close(end: number, feeds: number): void {
    const entity = this.#open.pop()
    const feedsAtBody = this.#feedsAtBody.pop() ?? 0
    if (entity === undefined) return
    this.#forget(entity)
    entity.bodyEnd = Math.max(entity.bodyStart, end)
    entity.lines = Math.max(0, feeds - feedsAtBody)
    // A multipart without parts has an empty one all the same: the grammar of RFC 9051 §9 wants it.
    if (entity.type === 'multipart' && entity.children.length === 0)
      entity.children.push(newEntity(entity.bodyEnd, entity.depth + 1, 'text/plain'))
    entity.forms = structureForms(entity)
    for (const child of entity.children) child.forms = undefined
  }

  /** Copies what of the preview part lies in this slice before `end`. */
  #keepPreview(slice: Uint8Array, base: number, end: number): void {
    const part = this.#previewOf
    if (part === undefined || this.#previewSize >= PREVIEW_OCTETS) return
    if (part !== this.#top && part.bodyEnd > part.bodyStart) return
    const from = Math.max(part.bodyStart + this.#previewSize, base)
    const to = Math.min(end, part.bodyStart + PREVIEW_OCTETS)
    if (to <= from || !this.#open.includes(part)) return
    if (this.#preview.length === 0) this.#preview = SPARE_PREVIEWS.pop() ?? new Uint8Array(PREVIEW_OCTETS)
    this.#preview.set(slice.subarray(from - base, to - base), this.#previewSize)
    this.#previewSize += to - from
  }
}

/** A copy also of a `Buffer`, whose own `slice` is none. */
function copied(octets: Uint8Array): Uint8Array {
  return new Uint8Array(octets)
}

function joined(a: Uint8Array, b: Uint8Array): Uint8Array {
  if (a.length === 0) return copied(b)
  const both = new Uint8Array(a.length + b.length)
  both.set(a)
  both.set(b, a.length)
  return both
}
