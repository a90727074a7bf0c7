/** Macros: read when a record is, expanded when a term needs its name. RFC 7208 §7. */

import { utf8Bytes } from '../bytes/ascii.ts'

/** One macro of a macro-string. */
export interface Macro {
  /** Lower case. */
  readonly letter: string
  /** The letter was upper case: what comes of it is escaped for a URL. RFC 7208 §7.3. */
  readonly isEscaped: boolean
  /** How many of the right-hand parts stay. */
  readonly keep: number
  readonly isReversed: boolean
  readonly delimiters: string
}

/** A macro-string in pieces: plain text, or what is to be expanded. */
export type MacroString = readonly (string | Macro)[]

/** What macros stand for. `p` costs DNS queries and is asked for when it is needed. */
export interface MacroValues {
  readonly sender: string
  readonly local: string
  readonly senderDomain: string
  readonly domain: string
  /** Dotted as `%{i}` wants it. */
  readonly dottedIp: string
  readonly readableIp: string
  readonly family: 'in-addr' | 'ip6'
  readonly helo: string
  readonly receiver: string
  readonly timestamp: number
  readonly validatedName: () => Promise<string>
}

const MACRO = /%(?:\{([slodipvhcrt])(\d{0,9})(r?)([-.+,/_=]*)\}|([%_-]))/iy
const PLAIN: Readonly<Record<string, string>> = { '%': '%', _: ' ', '-': '%20' }
const LITERAL = /^[\u0021-\u0024\u0026-\u007e]*$/
const EXPLAINING = /^[\u0020-\u0024\u0026-\u007e]*$/

/**
 * Reads a macro-string; `undefined` for what breaks its grammar. `kind` `explanation`: spaces may stand in it, and `c`, `r` and
 * `t` too. RFC 7208 §7.1.
 */
export function parseMacroString(text: string, kind: 'term' | 'explanation' = 'term'): MacroString | undefined {
  const literal = kind === 'term' ? LITERAL : EXPLAINING
  const pieces: (string | Macro)[] = []
  for (let at = 0; at < text.length;) {
    const percent = text.indexOf('%', at)
    const end = percent < 0 ? text.length : percent
    const plain = text.slice(at, end)
    if (!literal.test(plain)) return undefined
    if (plain !== '') pieces.push(plain)
    if (percent < 0) break
    MACRO.lastIndex = percent
    const found = MACRO.exec(text)
    if (found === null) return undefined
    const [whole, letter = '', digits = '', reversed = '', delimiters = '', sign] = found
    at = percent + whole.length
    if (sign !== undefined) {
      // As a macro of its own: a domain-spec may end with one.
      pieces.push({ letter: sign, isEscaped: false, keep: Infinity, isReversed: false, delimiters: '' })
      continue
    }
    const key = letter.toLowerCase()
    if (kind === 'term' && 'crt'.includes(key)) return undefined
    // RFC 7208 §7.3: "If a DIGIT is specified, the value MUST be nonzero."
    const keep = digits === '' ? Infinity : Number(digits)
    if (keep === 0) return undefined
    pieces.push({ letter: key, isEscaped: key !== letter, keep, isReversed: reversed !== '', delimiters })
  }
  return pieces
}

/** What a macro-string stands for; more than `most` characters throw a RangeError before they are made. */
export async function expand(pieces: MacroString, values: MacroValues, most: number = 8192): Promise<string> {
  let text = ''
  for (const piece of pieces) {
    text += typeof piece === 'string' ? piece : await expandOne(piece, values)
    if (text.length > most) throw new RangeError('the expansion is too long')
  }
  return text
}

async function expandOne(macro: Macro, values: MacroValues): Promise<string> {
  const plain = PLAIN[macro.letter]
  if (plain !== undefined) return plain
  const value = macro.letter === 'p' ? await values.validatedName() : valueOf(macro.letter, values)
  const expanded = transformed(value, macro)
  return macro.isEscaped ? escaped(expanded) : expanded
}

function valueOf(letter: string, values: MacroValues): string {
  switch (letter) {
    case 's':
      return values.sender
    case 'l':
      return values.local
    case 'o':
      return values.senderDomain
    case 'd':
      return values.domain
    case 'i':
      return values.dottedIp
    case 'v':
      return values.family
    case 'h':
      return values.helo
    case 'c':
      return values.readableIp
    case 'r':
      return values.receiver
    default:
      return String(values.timestamp)
  }
}

function transformed(value: string, { keep, isReversed, delimiters }: Macro): string {
  if (keep === Infinity && !isReversed && delimiters === '') return value
  const separators = delimiters === '' ? '.' : delimiters
  const parts: string[] = ['']
  for (const character of value) {
    if (separators.includes(character)) parts.push('')
    else parts[parts.length - 1] += character
  }
  if (isReversed) parts.reverse()
  return parts.slice(-Math.min(keep, parts.length)).join('.')
}

/** RFC 3986 §2.3: everything but "unreserved" is escaped. */
function escaped(text: string): string {
  let out = ''
  for (const octet of utf8Bytes(text)) {
    const character = String.fromCharCode(octet)
    out += /[\w.~-]/.test(character) ? character : `%${octet.toString(16).toUpperCase().padStart(2, '0')}`
  }
  return out
}
