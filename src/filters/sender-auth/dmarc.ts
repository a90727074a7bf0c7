/** Whether a message is from whom it says: the author's domain beside those that SPF and DKIM vouch for. RFC 9989 §4.4, §5.3. */

import type { Resolver, RequestedPolicy } from '../../contracts/index.ts'
import type { SpfOutcome } from '../../spf/index.ts'
import { organisationOf } from '../organisation.ts'
import type { Author } from './author.ts'
import type { DmarcRecord } from './dmarc-record.ts'
import { policyRecord, TreeWalker, type FoundRecord } from './dmarc-walk.ts'
import type { CheckedSignature } from './signatures.ts'

/** The result for the author's domain. `permerror`: From names no domain to ask. RFC 8601 §2.7; RFC 9989 §5.3. */
export interface DmarcResult {
  readonly result: 'none' | 'pass' | 'fail' | 'temperror' | 'permerror'
  /** The author's domain, lower case, A-labels. */
  readonly domain: string | undefined
  /** Where the policy was found. */
  readonly policyDomain?: string
  readonly record?: DmarcRecord
  /** What the domain asks for, `t=y` not considered. */
  readonly published?: RequestedPolicy
  /** What the domain asks for now. */
  readonly requested: RequestedPolicy
  /** What vouched for it, as `dkim=example.org`. */
  readonly aligned: readonly string[]
  /** Whether SPF and DKIM passed for a domain of the author's, for reports. */
  readonly isSpfAligned: boolean
  readonly isDkimAligned: boolean
  /** Why it is not `pass`, in words. */
  readonly reason?: string
}

/** What is compared. */
export interface Vouchers {
  readonly author: Author
  readonly spf: SpfOutcome
  readonly signatures: readonly CheckedSignature[]
}

const NOTHING = { requested: 'none', aligned: [], isSpfAligned: false, isDkimAligned: false } as const
const LOWERED: Readonly<Record<RequestedPolicy, RequestedPolicy>> = { none: 'none', quarantine: 'none', reject: 'quarantine' }

/** Finds the policy of a domain; begun at once, since others' questions must not delay it. Never rejects. */
export class PolicyFinder {
  readonly #resolver: Resolver
  readonly walker: TreeWalker

  constructor(resolver: Resolver) {
    this.#resolver = resolver
    this.walker = new TreeWalker(resolver)
  }

  /** The record and what it asks for; `unknown` where DNS does not say. */
  async policyFor(domain: string): Promise<{ readonly found: FoundRecord; readonly published: RequestedPolicy } | 'none' | 'unknown'> {
    const walk = await this.walker.walk(domain)
    const found = policyRecord(domain, walk)
    if (found === undefined) return walk.isBroken ? 'unknown' : 'none'
    // A record above the domain counts only when nothing between is unknown.
    if (walk.isBroken && found.domain !== domain) return 'unknown'
    return { found, published: await this.#published(domain, found) }
  }

  /** RFC 9989 §4.10.1: `np` for names that do not exist, `sp` for others below the record's own, else `p`. */
  async #published(domain: string, { domain: name, record }: FoundRecord): Promise<RequestedPolicy> {
    if (domain === name) return record.p
    const below = record.sp ?? record.p
    if (record.np === undefined || record.np === below) return below
    try {
      return (await this.#resolver.a(domain)).exists === false ? record.np : below
    } catch {
      return below
    }
  }
}

/** Compares. Never rejects. */
export async function evaluateDmarc({ author, spf, signatures }: Vouchers, policies: PolicyFinder): Promise<DmarcResult> {
  if ('fault' in author) return { ...NOTHING, result: 'permerror', domain: undefined, reason: author.fault }
  const { domain } = author
  const policy = await policies.policyFor(domain)
  if (policy === 'unknown') return { ...NOTHING, result: 'temperror', domain, reason: 'DNS does not tell the policy' }
  if (policy === 'none') return { ...NOTHING, result: 'none', domain, reason: 'no policy is published' }
  const { found, published } = policy
  const { record } = found
  const aligned: string[] = []
  let isUncertain = false
  const isAligned = async (other: string, isStrict: boolean): Promise<boolean> => {
    const answer = await alignment(domain, other, isStrict, policies.walker)
    isUncertain ||= answer === 'unknown'
    return answer === true
  }
  let isDkimAligned = false
  for (const { result, domain: signer, uncovered } of signatures) {
    if (signer === undefined) continue
    if (result === 'temperror' && mayAlign(domain, signer)) isUncertain = true
    if (result !== 'pass' || uncovered !== undefined || !(await isAligned(signer, record.isStrictDkim))) continue
    isDkimAligned = true
    aligned.push(`dkim=${signer}`)
  }
  let isSpfAligned = false
  if (spf.result === 'temperror' && mayAlign(domain, spf.domain)) isUncertain = true
  if (spf.result === 'pass' && (await isAligned(spf.domain, record.isStrictSpf))) {
    isSpfAligned = true
    aligned.push(`spf=${spf.domain}`)
  }
  const requested = record.isTesting ? LOWERED[published] : published
  const facts = { domain, policyDomain: found.domain, record, published, requested, aligned, isSpfAligned, isDkimAligned }
  if (aligned.length > 0) return { ...facts, result: 'pass' }
  if (isUncertain) return { ...facts, result: 'temperror', reason: 'DNS does not tell whether the domain vouches' }
  return { ...facts, result: 'fail', reason: 'neither SPF nor DKIM vouches for the domain' }
}

/** Identifier alignment. RFC 9989 §4.4. */
async function alignment(author: string, other: string, isStrict: boolean, walker: TreeWalker): Promise<boolean | 'unknown'> {
  if (author === other) return true
  // Domains of one organisation end alike: the rest need not be asked about.
  if (isStrict || author.split('.').at(-1) !== other.split('.').at(-1)) return false
  const [one, two] = await Promise.all([walker.walk(author), walker.walk(other)])
  if (one.isBroken || two.isBroken) return mayAlign(author, other) ? 'unknown' : false
  return one.organisation === two.organisation
}

/**
 * Whether two domains can be one organisation's, by the public suffix list: where DNS fails, a stranger's silent servers must not
 * make a spoof uncertain.
 */
function mayAlign(author: string, other: string): boolean {
  return organisationOf(author) === organisationOf(other)
}
