/** An SPF record, read whole before any of it is used. RFC 7208 §4.5, §4.6.1, §5, §6, §12. */

import { parseIpAddress } from '../bytes/ip-address.ts'
import { parseMacroString, type MacroString } from './macro.ts'

/** What a matching mechanism means: pass, fail, softfail, neutral. RFC 7208 §4.6.2. */
export type Qualifier = '+' | '-' | '~' | '?'

/** What is compared. RFC 7208 §5. */
export type Mechanism =
  | { readonly kind: 'all' }
  | { readonly kind: 'include' | 'exists'; readonly domain: MacroString }
  | { readonly kind: 'ptr'; readonly domain: MacroString | undefined }
  | { readonly kind: 'a' | 'mx'; readonly domain: MacroString | undefined; readonly prefix4: number; readonly prefix6: number }
  | { readonly kind: 'ip'; readonly network: Uint8Array; readonly prefix: number }

/** A directive: a mechanism and what it means. */
export interface SpfTerm {
  readonly qualifier: Qualifier
  readonly mechanism: Mechanism
  /** As written. */
  readonly text: string
}

/** A record in parts. */
export interface SpfRecord {
  readonly terms: readonly SpfTerm[]
  readonly redirect: MacroString | undefined
  readonly explanation: MacroString | undefined
}

const VERSION = /^v=spf1(?: |$)/i
const MODIFIER = /^([a-z][a-z0-9_.-]*)=(.*)$/is
const DIRECTIVE = /^([-+?~]?)([a-z][a-z0-9]*)(.*)$/is
/** dual-cidr-length; no leading zeros. */
const PREFIXES = /(?:\/(0|[1-9]\d?))?(?:\/\/(0|[1-9]\d{0,2}))?$/
const TOP_LABEL = /\.(?:[a-z0-9]*[a-z][a-z0-9]*|[a-z0-9]+-[a-z0-9-]*[a-z0-9])\.?$/i
/** What DNS can carry in one answer is more; no domain needs it. */
const LONGEST_RECORD = 16_384
const MOST_TERMS = 2000

/** Of a name's TXT records those that are SPF's. RFC 7208 §4.5. */
export function spfRecords(texts: readonly string[]): readonly string[] {
  return texts.filter(text => VERSION.test(text))
}

/** Reads a record; a text where a term breaks the grammar is that term. Linear in the record. */
export function parseSpfRecord(record: string): SpfRecord | string {
  if (record.length > LONGEST_RECORD) return 'a record without end'
  const words = record
    .slice('v=spf1'.length)
    .split(' ')
    .filter(word => word !== '')
  if (words.length > MOST_TERMS) return 'a record without end'
  const terms: SpfTerm[] = []
  let redirect: MacroString | undefined
  let explanation: MacroString | undefined
  for (const text of words) {
    const [, name, value = ''] = MODIFIER.exec(text) ?? []
    if (name === undefined) {
      const term = directive(text)
      if (term === undefined) return text
      terms.push(term)
      continue
    }
    const key = name.toLowerCase()
    if (key !== 'redirect' && key !== 'exp') {
      if (parseMacroString(value) === undefined) return text
      continue
    }
    const domain = domainSpec(value)
    // RFC 7208 §6: either of them at most once.
    if (domain === undefined || (key === 'redirect' ? redirect : explanation) !== undefined) return text
    if (key === 'redirect') redirect = domain
    else explanation = domain
  }
  return { terms, redirect, explanation }
}

function directive(text: string): SpfTerm | undefined {
  const [, sign = '', name, rest = ''] = DIRECTIVE.exec(text) ?? []
  const mechanism = name === undefined ? undefined : mechanismOf(name.toLowerCase(), rest)
  return mechanism === undefined ? undefined : { qualifier: qualifierOf(sign), mechanism, text }
}

function qualifierOf(sign: string): Qualifier {
  return sign === '-' || sign === '~' || sign === '?' ? sign : '+'
}

function mechanismOf(name: string, rest: string): Mechanism | undefined {
  switch (name) {
    case 'all':
      return rest === '' ? { kind: 'all' } : undefined
    case 'include':
    case 'exists': {
      const domain = rest.startsWith(':') ? domainSpec(rest.slice(1)) : undefined
      return domain === undefined ? undefined : { kind: name, domain }
    }
    case 'ptr': {
      if (rest === '') return { kind: 'ptr', domain: undefined }
      const domain = rest.startsWith(':') ? domainSpec(rest.slice(1)) : undefined
      return domain === undefined ? undefined : { kind: 'ptr', domain }
    }
    case 'a':
    case 'mx':
      return addressMechanism(name, rest)
    case 'ip4':
    case 'ip6':
      return networkMechanism(name, rest)
    default:
      return undefined
  }
}

function addressMechanism(kind: 'a' | 'mx', rest: string): Mechanism | undefined {
  const [lengths = '', four = '32', six = '128'] = PREFIXES.exec(rest) ?? []
  const prefix4 = Number(four)
  const prefix6 = Number(six)
  if (prefix4 > 32 || prefix6 > 128) return undefined
  const name = rest.slice(0, rest.length - lengths.length)
  if (name === '') return { kind, domain: undefined, prefix4, prefix6 }
  const domain = name.startsWith(':') ? domainSpec(name.slice(1)) : undefined
  return domain === undefined ? undefined : { kind, domain, prefix4, prefix6 }
}

function networkMechanism(name: 'ip4' | 'ip6', rest: string): Mechanism | undefined {
  const [, address = '', length] = /^:([0-9a-f:.]{2,45})(?:\/(0|[1-9]\d{0,2}))?$/i.exec(rest) ?? []
  const network = parseIpAddress(address)
  const octets = name === 'ip4' ? 4 : 16
  const prefix = length === undefined ? octets * 8 : Number(length)
  return network?.length === octets && prefix <= octets * 8 ? { kind: 'ip', network, prefix } : undefined
}

/** `domain-spec`: ends with a top label or a macro, and is not empty. RFC 7208 §7.1. */
function domainSpec(text: string): MacroString | undefined {
  const pieces = parseMacroString(text)
  const last = pieces?.at(-1)
  if (pieces === undefined || last === undefined) return undefined
  return typeof last !== 'string' || TOP_LABEL.test(last) ? pieces : undefined
}
