/** Whose domain a message claims to be from: the one domain on which all readings of its From agree. RFC 5322 §3.6.2; RFC 9989 §5.3.1; S15. */

import { canonicalDomain, decodeWords } from '../../mime/index.ts'
import { latin1Bytes, utf8Text } from '../../bytes/ascii.ts'

/** Why there is no author domain. */
export type AuthorFault =
  | 'no From field'
  | 'several From fields'
  | 'a From field that readers see differently'
  | 'control characters in From'
  | 'no address in From'
  | 'addresses of several domains in From'
  | 'a From that can be read in several ways'
  | 'a domain in From that is none'

/** What From says. */
export type Author = { readonly domain: string } | { readonly fault: AuthorFault }

/** A line that some reader takes for a From field, octets that are not seen in front of it or before its colon. */
const FROM_LINE = /^[\u0000-\u0008\u000b-\u001f\u007f]*from[\u0000-\u0020\u007f]*:/i
const LONGEST_FROM = 16_384
const SPECIALS = /[()<>[\]:;@\\,."\u0000-\u001f\u007f]/
/** Something like an address in text that is read otherwise. */
const ADDRESS_LIKE = /@\s{0,20}([\p{L}\p{M}\p{N}_.-]{1,255})/gu

/**
 * The author domain of a header, octets as characters. `seen`: From fields as the server's own reader counts them, which must
 * not be another number. Several addresses of one domain are one author (RFC 9989 §5.3.1 leaves it to us to refuse several).
 */
export function authorOf(header: string, from: readonly string[], seen: number): Author {
  let lines = 0
  // A bare CR or LF ends a line for some readers.
  for (const [index, line] of header.split(/\r\n|\r|\n/).entries())
    if (FROM_LINE.test(index === 0 ? line.replace(/^[ \t]+/, '') : line)) lines++
  const [value] = from
  if (value === undefined && lines === 0) return { fault: 'no From field' }
  if (from.length > 1) return { fault: 'several From fields' }
  if (value === undefined || lines !== 1 || seen !== 1) return { fault: 'a From field that readers see differently' }
  return authorIn(value)
}

/** The domain in one From's value, octets as characters, folds included. */
export function authorIn(value: string): Author {
  const text = utf8Text(latin1Bytes(value.replaceAll('\r\n', '')))
  if (value.length > LONGEST_FROM) return { fault: 'a From that can be read in several ways' }
  if (/[\u0000-\u0008\u000a-\u001f\u007f\u0085\u2028\u2029]/.test(text)) return { fault: 'control characters in From' }
  const strict = mailboxDomains(text)
  // What breaks the grammar is common in names (`Doe, J. <j@x>`, `j@x <j@x>`): it does no harm while nobody can read another domain in it.
  const found = strict ?? looseDomains(text)
  if (found.length === 0) return { fault: 'no address in From' }
  const domains = new Set(found.map(domain => canonicalDomain(domain.replace(/\.$/, ''))))
  if (domains.has(undefined)) return { fault: 'a domain in From that is none' }
  const [domain, ...others] = domains
  if (others.length > 0)
    return { fault: strict === undefined ? 'a From that can be read in several ways' : 'addresses of several domains in From' }
  return domain === undefined ? { fault: 'no address in From' } : { domain }
}

function looseDomains(text: string): string[] {
  const decoded = decodeWords(text)
  return [text, ...(decoded === text ? [] : [decoded])].flatMap(one => Array.from(one.matchAll(ADDRESS_LIKE), ([, domain = '']) => domain))
}

/** Domains of a mailbox-list by the grammar of RFC 5322 §3.4, without its obsolete forms; `undefined` for what breaks it. */
function mailboxDomains(text: string): string[] | undefined {
  const tokens = tokensOf(text)
  if (tokens === undefined) return undefined
  const domains: string[] = []
  let at = 0
  for (;;) {
    const words: Token[] = []
    while (tokens[at] !== undefined && isWord(tokens[at])) words.push(tokens[at++] as Token)
    let domain: string | undefined
    if (tokens[at]?.text === '<' && tokens[at]?.kind === 'special') {
      // A dot in a name is obsolete, and everywhere.
      const spec = addrSpec(tokens, at + 1)
      if (spec === undefined || tokens[spec.next]?.text !== '>') return undefined
      domain = spec.domain
      at = spec.next + 1
    } else {
      const spec = addrSpec(tokens, at - words.length)
      if (spec === undefined) return undefined
      domain = spec.domain
      at = spec.next
    }
    domains.push(domain)
    if (tokens[at] === undefined) return domains
    if (tokens[at]?.text !== ',' || tokens[at]?.kind !== 'special') return undefined
    at++
  }
}

interface Token {
  readonly kind: 'atom' | 'quoted' | 'special'
  readonly text: string
}

function isWord(token: Token | undefined): boolean {
  return token !== undefined && (token.kind !== 'special' || token.text === '.')
}

/** `local-part "@" domain` from a token on. */
function addrSpec(tokens: readonly Token[], from: number): { readonly domain: string; readonly next: number } | undefined {
  let at = from
  const local: Token[] = []
  while (isWord(tokens[at])) local.push(tokens[at++] as Token)
  const isDotAtom = local.length % 2 === 1 && local.every(({ kind, text }, index) => (index % 2 === 0 ? kind === 'atom' : text === '.'))
  const isQuoted = local.length === 1 && local[0]?.kind === 'quoted'
  // An encoded-word is no part of an address, yet some readers decode it there (RFC 2047 §5).
  if ((!isDotAtom && !isQuoted) || local.some(({ text }) => text.includes('=?')) || tokens[at]?.text !== '@') return undefined
  // A second "@" in quotes is another address to those who do not know quotes.
  if (local.some(({ text }) => text.includes('@'))) return undefined
  at++
  let domain = ''
  for (let expected: 'atom' | 'special' = 'atom'; ; at++) {
    const token = tokens[at]
    if (token === undefined || token.kind !== expected || (expected === 'special' && token.text !== '.')) break
    domain += token.text
    expected = expected === 'atom' ? 'special' : 'atom'
  }
  return domain === '' || domain.endsWith('.') ? undefined : { domain, next: at }
}

/** Words and specials; comments and white space gone. `undefined` where quotes or parentheses do not close. */
function tokensOf(text: string): readonly Token[] | undefined {
  const tokens: Token[] = []
  for (let at = 0; at < text.length;) {
    const character = text[at] ?? ''
    if (character === ' ' || character === '\t') {
      at++
      continue
    }
    if (character === '(') {
      const end = commentEnd(text, at)
      // An address in a comment is one to those who do not know comments.
      if (end === undefined || text.slice(at, end).includes('@')) return undefined
      at = end
      continue
    }
    if (character === '"') {
      const end = quoteEnd(text, at)
      if (end === undefined) return undefined
      tokens.push({ kind: 'quoted', text: text.slice(at + 1, end - 1) })
      at = end
      continue
    }
    if (SPECIALS.test(character)) {
      if (character === ')' || character === '\\' || character === '[' || character === ']') return undefined
      tokens.push({ kind: 'special', text: character })
      at++
      continue
    }
    let end = at
    while (end < text.length && text[end] !== ' ' && text[end] !== '\t' && !SPECIALS.test(text[end] ?? '')) end++
    tokens.push({ kind: 'atom', text: text.slice(at, end) })
    at = end
  }
  return tokens
}

function quoteEnd(text: string, from: number): number | undefined {
  for (let at = from + 1; at < text.length; at++) {
    if (text[at] === '\\') at++
    else if (text[at] === '"') return at + 1
  }
  return undefined
}

/** Behind a comment, nested ones included. */
export function commentEnd(text: string, from: number): number | undefined {
  let depth = 0
  for (let at = from; at < text.length; at++) {
    if (text[at] === '\\') at++
    else if (text[at] === '(') depth++
    else if (text[at] === ')' && --depth === 0) return at + 1
  }
  return undefined
}
