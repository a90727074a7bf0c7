/** Tag=value lists, as signatures and key records are written. RFC 6376 §3.2. */

/** The tags of a list in their order, values without the white space around them. Names are case-sensitive. */
export type TagList = ReadonlyMap<string, string>

/** One tag as it stands in the text: where its value lies between `=` and `;`, white space included. */
export interface TagSpan {
  readonly name: string
  readonly start: number
  readonly end: number
}

const NAME = /^[A-Za-z][A-Za-z0-9_]*$/
/** RFC 6376 §3.2 allows printable ASCII; its note on standards to come, and RFC 8617 §4.1.4, ask to let UTF-8 pass. */
const VALUE = /^[\t\r\n \u0021-\u007e\u0080-\u00ff]*$/

/**
 * Reads a list; octets as characters of the same number. `undefined` for what is none: a tag without `=`, a name that is no
 * name, an empty place between two semicolons, a control character, or a tag that occurs twice. Linear in the text.
 */
export function parseTagList(text: string): TagList | undefined {
  const tags = new Map<string, string>()
  for (const span of tagSpans(text)) {
    if (span === undefined || tags.has(span.name)) return undefined
    const value = trimmed(text, span.start, span.end)
    if (!VALUE.test(value)) return undefined
    tags.set(span.name, value)
  }
  return tags.size === 0 ? undefined : tags
}

/** Where the tags of a list stand; `undefined` in place of the first one that is none, and nothing behind it. */
export function* tagSpans(text: string, from: number = 0): Generator<TagSpan | undefined> {
  let at = from
  while (at < text.length) {
    const semicolon = text.indexOf(';', at)
    const end = semicolon < 0 ? text.length : semicolon
    const equals = text.indexOf('=', at)
    // White space behind the last semicolon.
    if (semicolon < 0 && equals < 0 && at > from && trimmed(text, at) === '') return
    const name = equals < 0 || equals > end ? '' : trimmed(text, at, equals)
    if (!NAME.test(name)) {
      yield undefined
      return
    }
    yield { name, start: equals + 1, end }
    at = end + 1
  }
}

/** A part of a text without the folding white space at its ends; one pass from each end. */
export function trimmed(text: string, from: number = 0, to: number = text.length): string {
  let start = from
  let end = to
  while (start < end && isFws(text.charCodeAt(start))) start++
  while (end > start && isFws(text.charCodeAt(end - 1))) end--
  return text.slice(start, end)
}

/** A value in which white space means nothing (base64), without it. */
export function withoutFws(value: string): string {
  return value.replace(/[ \t\r\n]+/g, '')
}

/** A colon-separated value as its entries, white space around them removed. */
export function colonList(value: string): readonly string[] {
  return value.split(':').map(entry => trimmed(entry))
}

function isFws(code: number): boolean {
  return code === 0x20 || code === 0x09 || code === 0x0d || code === 0x0a
}
