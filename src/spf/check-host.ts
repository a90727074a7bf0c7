/** `check_host()`: whether a client may use a domain in MAIL FROM or HELO. RFC 7208 §4. */

import type { CallOptions, Resolver } from '../contracts/index.ts'
import { canonicalDomain } from '../mime/address.ts'
import { clientAddress } from './client-address.ts'
import { Evaluation } from './evaluation.ts'
import { isQuestion, type SpfOutcome, type SpfQuestion } from './question.ts'

/**
 * Checks one client. Never throws, whatever a record holds and however `resolver` fails: a failure to find out is `temperror`.
 * At most ten terms that ask DNS, two void answers, ten exchangers and ten names of an address are followed (RFC 7208 §4.6.4).
 *
 * @example
 * ```ts
 * import { checkHost } from 'mailwright/spf'
 * import { systemResolver } from 'mailwright/dns'
 *
 * const question = { ip: '192.0.2.1', helo: 'mx.example.org', sender: 'ann@example.org' }
 * const { result, mechanism } = await checkHost(question, systemResolver())
 * ```
 */
export async function checkHost(question: SpfQuestion, resolver: Resolver, options?: CallOptions): Promise<SpfOutcome> {
  const identity = question.sender === '' ? 'helo' : 'mailfrom'
  const { local, domain } = senderOf(question)
  const client = clientAddress(question.ip)
  const name = startingDomain(domain)
  if (name === undefined || client === undefined) return { result: 'none', domain: name ?? '', identity, reason: 'no-domain', lookups: 0 }
  const evaluation = new Evaluation({ question, local, senderDomain: domain, client, resolver, options })
  const { explain, ...found } = await evaluation.check(name)
  const explanation = found.result === 'fail' && explain !== undefined ? await explain() : undefined
  return { ...found, domain: name, identity, lookups: evaluation.lookups, ...(explanation === undefined ? {} : { explanation }) }
}

/** RFC 7208 §4.3: without a local part it is `postmaster`. */
function senderOf({ sender, helo }: SpfQuestion): { readonly local: string; readonly domain: string } {
  const at = sender.lastIndexOf('@')
  const local = sender.slice(0, Math.max(0, at))
  return { local: local === '' ? 'postmaster' : local, domain: sender === '' ? helo : sender.slice(at + 1) }
}

/** RFC 7208 §4.3: "not a multi-label domain name" and malformed ones have no record; U-labels become A-labels. */
function startingDomain(text: string): string | undefined {
  const bare = text.replace(/\.$/, '')
  const name = /[^\u0000-\u007f]/.test(bare) ? canonicalDomain(bare) : bare.toLowerCase()
  return name !== undefined && name.includes('.') && isQuestion(name) && !name.startsWith('[') ? name : undefined
}
