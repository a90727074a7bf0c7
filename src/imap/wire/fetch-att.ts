/** What FETCH can be asked for. RFC 9051 §6.4.5, §9 `fetch-att`; RFC 3501 §6.4.5 for the RFC822 forms; RFC 7162 §3.1.4. */

import { ITEMS } from '../limits.ts'
import type { Parser } from './parser.ts'

/** Items that are known without the message. */
export type PlainItem = 'UID' | 'FLAGS' | 'INTERNALDATE' | 'RFC822.SIZE' | 'MODSEQ'
/** Items that the summary holds. */
export type SummaryItem = 'ENVELOPE' | 'BODY' | 'BODYSTRUCTURE'

/** `section-spec`: a part and what of it. */
export interface Section {
  /** Empty for the message itself. */
  readonly part: readonly number[]
  /** Empty for all of it. */
  readonly text: '' | 'HEADER' | 'HEADER.FIELDS' | 'HEADER.FIELDS.NOT' | 'TEXT' | 'MIME'
  /** Names for HEADER.FIELDS, in lower case. */
  readonly fields: readonly string[]
}

/** `partial`: octets from an offset, at most so many. */
export interface Partial {
  readonly offset: number
  readonly length: number
}

/** One thing to fetch. `label` is what it is called in the answer, and what makes two of them the same. */
export type FetchItem =
  | { readonly kind: 'plain'; readonly label: PlainItem }
  | { readonly kind: 'summary'; readonly label: SummaryItem }
  | {
      readonly kind: 'section'
      readonly label: string
      readonly section: Section
      readonly partial: Partial | undefined
      /** As `BODY.PEEK`: leaves `\Seen` alone. */
      readonly peek: boolean
    }
  | {
      readonly kind: 'binary'
      readonly label: string
      readonly part: readonly number[]
      readonly partial: Partial | undefined
      readonly peek: boolean
    }
  | { readonly kind: 'binary-size'; readonly label: string; readonly part: readonly number[] }

/** An item that needs the message's record. */
export type DeepItem = Exclude<FetchItem, { kind: 'plain' }>

/** What follows the set in FETCH. */
export interface FetchArguments {
  readonly items: readonly FetchItem[]
  readonly changedSince: number | undefined
}

const plain = (label: PlainItem): FetchItem => ({ kind: 'plain', label })
const FAST: readonly FetchItem[] = [plain('FLAGS'), plain('INTERNALDATE'), plain('RFC822.SIZE')]
const ALL: readonly FetchItem[] = [...FAST, { kind: 'summary', label: 'ENVELOPE' }]
const FULL: readonly FetchItem[] = [...ALL, { kind: 'summary', label: 'BODY' }]
const MACROS: ReadonlyMap<string, readonly FetchItem[]> = new Map([
  ['ALL', ALL],
  ['FAST', FAST],
  ['FULL', FULL],
])

/** The items, identical ones merged, and the modifiers. */
export function fetchArguments(p: Parser): FetchArguments {
  const asked = p.isOpen() ? p.list(() => fetchAtt(p)) : macro(p)
  if (asked.length > ITEMS) p.fail('fewer items')
  const items = new Map<string, FetchItem>()
  for (const item of asked) {
    const key = keyOf(item)
    const same = items.get(key)
    // Of BODY[1] and BODY.PEEK[1] the first answers both, the other still sets \Seen.
    if (same === undefined || ('peek' in same && same.peek)) items.set(key, item)
  }
  return { items: [...items.values()], changedSince: p.skip(0x20) ? changedSince(p) : undefined }
}

function keyOf(item: FetchItem): string {
  return 'partial' in item && item.partial !== undefined ? `${item.label}${item.partial.length}` : item.label
}

function macro(p: Parser): readonly FetchItem[] {
  const from = p.at
  for (const [name, items] of MACROS) {
    if (p.skipWord(name.toLowerCase()) && (p.atEnd || p.peek() === 0x20)) return items
    p.at = from
  }
  return [fetchAtt(p)]
}

function changedSince(p: Parser): number | undefined {
  let since: number | undefined
  p.list(() => {
    if (!p.skipWord('changedsince')) p.fail('CHANGEDSINCE')
    p.sp()
    since = p.number64()
  })
  return since
}

/** `fetch-att`. Longer names first, since several begin alike. */
function fetchAtt(p: Parser): FetchItem {
  if (p.skipWord('uid')) return plain('UID')
  if (p.skipWord('flags')) return plain('FLAGS')
  if (p.skipWord('internaldate')) return plain('INTERNALDATE')
  if (p.skipWord('modseq')) return plain('MODSEQ')
  if (p.skipWord('envelope')) return { kind: 'summary', label: 'ENVELOPE' }
  if (p.skipWord('bodystructure')) return { kind: 'summary', label: 'BODYSTRUCTURE' }
  if (p.skipWord('body')) return body(p)
  if (p.skipWord('binary')) return binary(p)
  if (p.skipWord('rfc822')) return rfc822(p)
  return p.fail('a fetch item')
}

function rfc822(p: Parser): FetchItem {
  if (p.skipWord('.size')) return plain('RFC822.SIZE')
  const whole = (label: string, text: Section['text'], peek: boolean): FetchItem => ({
    kind: 'section',
    label,
    section: { part: [], text, fields: [] },
    partial: undefined,
    peek,
  })
  if (p.skipWord('.header')) return whole('RFC822.HEADER', 'HEADER', true)
  if (p.skipWord('.text')) return whole('RFC822.TEXT', 'TEXT', false)
  return whole('RFC822', '', false)
}

function body(p: Parser): FetchItem {
  const peek = p.skipWord('.peek')
  if (p.peek() !== 0x5b) return peek ? p.fail('"["') : { kind: 'summary', label: 'BODY' }
  const section = sectionSpec(p)
  const partial = partialOf(p)
  return { kind: 'section', label: `BODY[${sectionLabel(section)}]${origin(partial)}`, section: lowered(section), partial, peek }
}

function binary(p: Parser): FetchItem {
  const isSize = p.skipWord('.size')
  const peek = !isSize && p.skipWord('.peek')
  p.expect(0x5b, '"["')
  const part = p.peek() === 0x5d ? [] : sectionPart(p)
  p.expect(0x5d, '"]"')
  if (isSize) return { kind: 'binary-size', label: `BINARY.SIZE[${part.join('.')}]`, part }
  const partial = partialOf(p)
  return { kind: 'binary', label: `BINARY[${part.join('.')}]${origin(partial)}`, part, partial, peek }
}

/** `section`. */
function sectionSpec(p: Parser): Section {
  p.expect(0x5b, '"["')
  const part = isDigit(p.peek()) ? sectionPart(p) : []
  if (p.skip(0x5d)) return { part, text: '', fields: [] }
  // sectionPart stops before the "." that a text follows.
  if (part.length > 0) p.expect(0x2e, '"."')
  const text = sectionText(p, part)
  const fields = text.startsWith('HEADER.') ? headerList(p) : []
  p.expect(0x5d, '"]"')
  return { part, text, fields }
}

function sectionText(p: Parser, part: readonly number[]): Section['text'] {
  if (p.skipWord('header.fields.not')) return 'HEADER.FIELDS.NOT'
  if (p.skipWord('header.fields')) return 'HEADER.FIELDS'
  if (p.skipWord('header')) return 'HEADER'
  if (p.skipWord('text')) return 'TEXT'
  // RFC 9051 §9: section-text: MIME only of a part.
  if (part.length > 0 && p.skipWord('mime')) return 'MIME'
  return p.fail('a section')
}

function headerList(p: Parser): string[] {
  p.sp()
  return p.list(() => {
    const name = p.astring()
    // A name that cannot be one matches nothing, and must not break the label.
    return /^[\x21-\x39\x3b-\x7e]{1,200}$/.test(name) ? name : p.fail('the name of a header field')
  })
}

/** `section-part`: numbers joined by dots. */
function sectionPart(p: Parser): number[] {
  const part = [p.nzNumber()]
  while (p.peek() === 0x2e && isDigit(p.peek(1))) {
    p.at++
    part.push(p.nzNumber())
  }
  return part
}

function partialOf(p: Parser): Partial | undefined {
  if (!p.skip(0x3c)) return undefined
  const offset = p.number64()
  p.expect(0x2e, '"."')
  const length = p.nzNumber()
  p.expect(0x3e, '">"')
  return { offset, length }
}

function isDigit(octet: number): boolean {
  return octet >= 0x30 && octet <= 0x39
}

function origin(partial: Partial | undefined): string {
  return partial === undefined ? '' : `<${partial.offset}>`
}

function sectionLabel({ part, text, fields }: Section): string {
  const names = fields.length === 0 ? '' : ` (${fields.map(quotedName).join(' ')})`
  return [...part, ...(text === '' ? [] : [text + names])].join('.')
}

function quotedName(name: string): string {
  return /["(){%*\\\]]/.test(name) ? `"${name.replace(/["\\]/g, '\\$&')}"` : name
}

function lowered(section: Section): Section {
  return { ...section, fields: section.fields.map(name => name.toLowerCase()) }
}
