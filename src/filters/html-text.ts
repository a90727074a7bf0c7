/** The words that a reader of HTML sees, and where its links lead: one pass, linear, never more output than input. HTML §13.2 in the small. */

/** What was found. */
export interface HtmlText {
  readonly text: string
  /** Values of `href`, `src`, `action` and `background`, in their order; at most 1,000. */
  readonly links: readonly string[]
}

const MOST_LINKS = 1000
/** Of a longer tag the rest is not looked at. */
const LONGEST_TAG = 4096
const LINK = /\b(?:href|src|action|background)\s*=\s*["']?([^"'\s>]{1,2048})/gi
/** Elements that part words; all others can stand within one. */
const PARTING =
  /^\/?(?:p|div|br|hr|td|th|tr|table|li|ul|ol|dl|dt|dd|h[1-6]|blockquote|pre|section|article|header|footer|center|form|option|select|input|img|title|body|head|html)(?![a-z0-9])/i
const ENTITY = /&(?:#(\d{1,7})|#x([0-9a-f]{1,6})|([a-z]{2,8}));?/gi
const NAMED: ReadonlyMap<string, string> = new Map([
  ['amp', '&'],
  ['lt', '<'],
  ['gt', '>'],
  ['quot', '"'],
  ['apos', "'"],
  ['nbsp', ' '],
  ['shy', ''],
  ['zwnj', ''],
  ['zwj', ''],
  ['euro', '€'],
  ['copy', '©'],
  ['reg', '®'],
  ['trade', '™'],
])

/** Reads HTML as a reader would. Takes anything. */
export function htmlText(html: string): HtmlText {
  const lower = html.toLowerCase()
  const pieces: string[] = []
  const links: string[] = []
  /** What is known not to come any more is not looked for again: that keeps it linear. */
  const gone = new Set<string>()
  const find = (what: string, from: number): number => {
    if (gone.has(what)) return -1
    const at = lower.indexOf(what, from)
    if (at < 0) gone.add(what)
    return at
  }
  let at = 0
  while (at < html.length) {
    const open = find('<', at)
    if (open < 0) break
    pieces.push(html.slice(at, open))
    if (lower.startsWith('<!--', open)) {
      const end = find('-->', open + 4)
      // A comment without an end is one up to the next tag's end, as browsers had it when this trick was in use.
      at = end >= 0 ? end + 3 : afterTag(find('>', open), html)
      continue
    }
    const close = find('>', open)
    if (close < 0) {
      at = open
      break
    }
    const tag = html.slice(open + 1, Math.min(close, open + LONGEST_TAG))
    if (PARTING.test(tag)) pieces.push(' ')
    if (tag.includes('=')) for (const [, link = ''] of tag.matchAll(LINK)) if (links.length < MOST_LINKS) links.push(decodeEntities(link))
    at = close + 1
    for (const hidden of ['script', 'style']) {
      if (!lower.startsWith(hidden, open + 1)) continue
      const end = find(`</${hidden}`, at)
      at = end < 0 ? html.length : end
    }
  }
  if (at < html.length) pieces.push(html.slice(at))
  return { text: decodeEntities(pieces.join('')), links }
}

function afterTag(close: number, html: string): number {
  return close < 0 ? html.length : close + 1
}

function decodeEntities(text: string): string {
  if (!text.includes('&')) return text
  return text.replace(ENTITY, (whole, decimal: string | undefined, hex: string | undefined, name: string | undefined) => {
    if (name !== undefined) return NAMED.get(name.toLowerCase()) ?? whole
    const code = decimal === undefined ? Number.parseInt(hex ?? '', 16) : Number(decimal)
    return code > 0 && code <= 0x10_ffff && (code < 0xd800 || code > 0xdfff) ? String.fromCodePoint(code) : whole
  })
}
