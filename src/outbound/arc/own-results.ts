/** What our own verifier wrote on top of a message, for the next hop to read. RFC 8601 §2.2; RFC 8617 §4.1.1, §6. */

import { fieldValue, readSignableHeader, type ChainState, type SignableField } from '../../dkim/index.ts'

/** Results of authentication, as text of octets without line ends, and what they say of the chain. */
export interface OwnResults {
  /** `method=result ...; method=result ...`, without the name of the server. */
  readonly payload: string
  /** `undefined` when nothing is said of it. */
  readonly chain: ChainState | undefined
}

/** Octets of results that are passed on. */
const LONGEST = 8192
/** Octets of one result. */
const LONGEST_RESULT = 900

/**
 * The `Authentication-Results` fields under our name, together. Whoever writes them takes forged ones away first (RFC 8601 §5).
 * `undefined` when there are none.
 */
export function ownResults(fields: readonly SignableField[], authservId: string): OwnResults | undefined {
  const payloads: string[] = []
  for (const field of fields) {
    if (field.key !== 'authentication-results') continue
    const value = oneLine(fieldValue(field))
    const semicolon = value.indexOf(';')
    if (semicolon < 0) continue
    const [name = ''] = withoutComments(value.slice(0, semicolon)).trim().split(' ')
    if (name.toLowerCase() === authservId.toLowerCase()) payloads.push(value.slice(semicolon + 1))
  }
  return payloads.length === 0 ? undefined : resultsFrom(payloads.join(';'))
}

/** The same from text that the host gives: what stands behind the server's name. */
export function resultsFrom(text: string): OwnResults {
  const results = oneLine(text)
    .split(';')
    .map(result => result.trim())
    .filter(result => result !== '' && result.toLowerCase() !== 'none' && result.length <= LONGEST_RESULT)
  let payload = ''
  for (const result of results) if (payload.length + result.length < LONGEST) payload += `${payload === '' ? '' : '; '}${result}`
  const [, chain] = /(?:^|;) *arc *= *(none|pass|fail)(?![\w-])/i.exec(withoutComments(payload)) ?? []
  return { payload: payload === '' ? 'none' : payload, chain: chain?.toLowerCase() as ChainState | undefined }
}

/**
 * Whether fields that we put in front say that an envelope sender of `domain` is real: SPF passed for it, or a signature of the domain or
 * one above it. RFC 8601 §2.7.1, §2.7.2.
 */
export function isVouchedFor(domain: string, prefix: Uint8Array, authservId: string): boolean {
  const results = withoutComments(ownResults(readSignableHeader(prefix).fields, authservId)?.payload ?? '').split(';')
  return results.some(result => {
    if (/^ *spf *= *pass(?![\w-])/i.test(result)) return /[ ]smtp\.mailfrom *=/i.test(result)
    const [, signer] = /^ *dkim *= *pass(?![\w-]).* header\.d *= *([\w.-]+)/i.exec(result) ?? []
    return signer !== undefined && `.${domain}`.endsWith(`.${signer.toLowerCase()}`) && signer.includes('.')
  })
}

/** Folds and control characters become spaces, runs of them one. */
function oneLine(text: string): string {
  return text.replace(/[\u0000-\u0020\u007f]+/g, ' ').trim()
}

/** RFC 5322 §3.2.2: comments nest; quoted strings hold none. */
function withoutComments(text: string): string {
  let plain = ''
  let depth = 0
  let quoted = false
  for (let at = 0; at < text.length; at++) {
    const next = text[at] ?? ''
    if (next === '\\') at++
    else if (quoted) quoted = next !== '"'
    else if (next === '"' && depth === 0) quoted = true
    else if (next === '(') depth++
    else if (next === ')' && depth > 0) depth--
    else if (depth === 0) plain += next
  }
  return plain
}
