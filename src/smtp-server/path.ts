/** The arguments of MAIL and RCPT: a path and parameters. RFC 5321 §4.1.1.2, §4.1.1.3, §4.1.2; RFC 6531 §3.3; RFC 3461 §4. */

import type { MailAddress } from '../contracts/index.ts'
import { canonicalAddress, canonicalLocal } from '../mime/index.ts'

/** RFC 5321 §4.1.1.2: a source route is accepted and ignored. */
const SOURCE_ROUTE = /^@[^\s,:@<>]+(?:,@[^\s,:@<>]+)*:/
const LITERAL = /^\[(?:\d{1,3}(?:\.\d{1,3}){3}|ipv6:[\da-f:.]{2,45})\]$/i
const PARAMETER = /^([A-Za-z0-9][A-Za-z0-9-]*)(?:=([\x21-\x3c\x3e-\x7e\u0080-\u{10ffff}]+))?$/u

/** A path with its parameters. */
export interface PathArguments {
  /** `undefined` is the null reverse-path; `<postmaster>` has an empty domain. */
  readonly address: MailAddress | undefined
  /** Names in upper case; a parameter without a value is `true`. Xtext is not decoded. */
  readonly parameters: ReadonlyMap<string, string | true>
  /** Set when a parameter comes twice. */
  readonly duplicate: string | undefined
}

/** Reads `FROM:<...> ...` or `TO:<...> ...`, the keyword already known; `undefined` for a syntax error. */
export function parsePath(keyword: 'FROM' | 'TO', text: string): PathArguments | undefined {
  const colon = text.indexOf(':')
  if (colon < 0 || trimmed(text.slice(0, colon)).toUpperCase() !== keyword) return undefined
  // Not RFC 5321's, but what Outlook sends: a space behind the colon.
  const rest = trimmed(text.slice(colon + 1))
  const end = pathEnd(rest)
  if (end === undefined) return undefined
  const inside = rest.slice(1, end)
  const after = rest.slice(end + 1)
  if (after !== '' && !after.startsWith(' ')) return undefined
  const address = inside === '' ? undefined : pathAddress(keyword, inside)
  if (inside === '' ? keyword === 'TO' : address === undefined) return undefined
  const parameters = new Map<string, string | true>()
  let duplicate: string | undefined
  for (const word of after.split(' ')) {
    if (word === '') continue
    const [, name = '', value] = PARAMETER.exec(word) ?? []
    if (name === '') return undefined
    const key = name.toUpperCase()
    if (parameters.has(key)) duplicate = key
    parameters.set(key, value ?? true)
  }
  return { address, parameters, duplicate }
}

/** Without the spaces at both ends: spaces alone, since what else `trim` takes must not vanish unseen. In one pass. */
export function trimmed(text: string): string {
  let from = 0
  let to = text.length
  while (from < to && text[from] === ' ') from++
  while (to > from && text[to - 1] === ' ') to--
  return text.slice(from, to)
}

/** Where the path's `>` is; one within quotes does not count. */
function pathEnd(text: string): number | undefined {
  if (!text.startsWith('<')) return undefined
  let isQuoted = false
  for (let at = 1; at < text.length; at++) {
    const character = text[at]
    if (isQuoted && character === '\\') at++
    else if (character === '"') isQuoted = !isQuoted
    else if (character === '>' && !isQuoted) return at
    else if (character === '<' && !isQuoted) return undefined
  }
  return undefined
}

function pathAddress(keyword: 'FROM' | 'TO', inside: string): MailAddress | undefined {
  const text = inside.replace(SOURCE_ROUTE, '')
  // RFC 5321 §4.1.1.3: the recipient postmaster needs no domain.
  if (keyword === 'TO' && text.toLowerCase() === 'postmaster') return { local: 'postmaster', domain: '' }
  return canonicalMailbox(text)
}

/** An address in canonical form, address literals among them; `undefined` when it is none. */
export function canonicalMailbox(text: string): MailAddress | undefined {
  if (text.length > 320 || !text.includes('@')) return undefined
  const at = text.lastIndexOf('@')
  const domain = text.slice(at + 1)
  if (!LITERAL.test(domain)) return canonicalAddress(text)
  const local = canonicalLocal(text.slice(0, at))
  return local === undefined ? undefined : { local, domain: domain.toLowerCase() }
}
