/** The record that says what a domain wants done with mail that only claims to be its own. RFC 9989 §4.7, §4.8. */

import { asciiLowerCase } from '../../bytes/ascii.ts'
import type { RequestedPolicy } from '../../contracts/index.ts'

/** A record that was read. */
export interface DmarcRecord {
  readonly p: RequestedPolicy
  /** For subdomains; absent: as `p`. */
  readonly sp: RequestedPolicy | undefined
  /** For subdomains that do not exist; absent: as `sp`. */
  readonly np: RequestedPolicy | undefined
  readonly isStrictDkim: boolean
  readonly isStrictSpf: boolean
  /** `psd=`: `y` a public suffix, `n` the organisational domain, `u` to be found out. */
  readonly psd: 'y' | 'n' | 'u'
  /** `t=y`: the domain is only trying. RFC 9989 §4.7: the policy is then lowered by one step. */
  readonly isTesting: boolean
  /** URIs for aggregate reports, as written. */
  readonly rua: readonly string[]
  readonly ruf: readonly string[]
  readonly text: string
}

const VERSION = /^v[ \t]*=[ \t]*DMARC1[ \t]*(?:;|$)/
const POLICIES: ReadonlySet<string> = new Set(['none', 'quarantine', 'reject'])
const URI = /^[a-z][a-z0-9+.-]*:[\w.~:/?#[\]@$&'()*+;=%-]+(?:![0-9]+[kmgt]?)?$/i
const LONGEST_RECORD = 8192
const MOST_URIS = 10

/** Whether a TXT record is DMARC's: the version comes first, its value to the letter. */
export function isDmarcRecord(text: string): boolean {
  return VERSION.test(text.trim())
}

/**
 * Reads a record; `undefined` for what is none, or has a tag twice (RFC 6376 §3.2). One whose policy cannot be read stands for
 * `none` where it asks for reports, else for nothing. RFC 9989 §4.10.1.
 */
export function parseDmarcRecord(text: string): DmarcRecord | undefined {
  if (text.length > LONGEST_RECORD || !isDmarcRecord(text)) return undefined
  const tags = new Map<string, string>()
  for (const part of text.trim().split(';')) {
    const equals = part.indexOf('=')
    const name = equals < 0 ? '' : asciiLowerCase(part.slice(0, equals).trim())
    if (name === '') continue
    if (tags.has(name)) return undefined
    tags.set(name, part.slice(equals + 1).trim())
  }
  const value = (name: string): string | undefined => {
    const given = tags.get(name)
    return given === undefined ? undefined : asciiLowerCase(given)
  }
  const [p, sp, np] = [value('p'), value('sp'), value('np')]
  const rua = uris(tags.get('rua'))
  const isReadable = p !== undefined && [p, sp, np].every(policy => policy === undefined || POLICIES.has(policy))
  if (!isReadable && rua.length === 0) return undefined
  const psd = value('psd')
  return {
    p: (isReadable && policyOf(p)) || 'none',
    sp: isReadable ? policyOf(sp) : undefined,
    np: isReadable ? policyOf(np) : undefined,
    isStrictDkim: value('adkim') === 's',
    isStrictSpf: value('aspf') === 's',
    psd: psd === 'y' || psd === 'n' ? psd : 'u',
    isTesting: value('t') === 'y',
    rua,
    ruf: uris(tags.get('ruf')),
    text,
  }
}

function policyOf(text: string | undefined): RequestedPolicy | undefined {
  return text === 'none' || text === 'quarantine' || text === 'reject' ? text : undefined
}

function uris(text: string | undefined): readonly string[] {
  return (text ?? '')
    .split(',')
    .map(uri => uri.trim())
    .filter(uri => URI.test(uri))
    .slice(0, MOST_URIS)
}
