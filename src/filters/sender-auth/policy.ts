/** What becomes of a message by what was found: rules as data. RFC 9989 §5.4, §7.4. */

import type { MailAddress } from '../../contracts/index.ts'
import { ConfigurationError } from '../../contracts/index.ts'
import { canonicalDomain } from '../../mime/index.ts'
import { parseIpAddress } from '../../bytes/ip-address.ts'
import type { Findings } from './findings.ts'

/** What is done. `defer`: the client is asked to come again. */
export type SenderAuthAction = 'none' | 'quarantine' | 'defer' | 'reject'

/** An exception: what it names must all hold. */
export interface SenderAuthOverride {
  /** Addresses and networks of clients: `192.0.2.1`, `2001:db8::/32`. For forwarders and lists that you know. */
  readonly networks?: readonly string[]
  /** Domains of the author, or domains that they lie below. */
  readonly authorDomains?: readonly string[]
  /** Domains that SPF or DKIM must have vouched for. */
  readonly vouchedBy?: readonly string[]
  /** Only for these recipients: addresses (`ann@example.org`), or domains. */
  readonly recipients?: readonly string[]
  /** What is done with mail that fails or cannot be judged. */
  readonly action: SenderAuthAction
  /** Why, for reports to the author's domain. Default `local_policy`. RFC 9990 §3.1.6. */
  readonly reason?: 'local_policy' | 'trusted_forwarder' | 'mailing_list' | 'other'
}

/** What each result of DMARC does. */
export interface SenderAuthPolicy {
  /** DMARC fails and the domain asks for rejection. Default `reject` (550 5.7.1). */
  readonly reject?: SenderAuthAction
  /** DMARC fails and the domain asks for quarantine. Default `quarantine`. */
  readonly quarantine?: SenderAuthAction
  /** DMARC fails and the domain asks for nothing. Default `none`. */
  readonly none?: SenderAuthAction
  /** From names no domain, several, or can be read in several ways (S15). Default `reject`. */
  readonly oddFrom?: SenderAuthAction
  /** DNS does not tell whether mail is genuine whose domain asks for rejection or quarantine. Never a refusal for good. Default `defer`. */
  readonly temperror?: Exclude<SenderAuthAction, 'reject'>
  /** SPF says `fail`, and no DMARC policy is there to decide. Default `none`. */
  readonly spfFail?: SenderAuthAction
  /**
   * DMARC fails with a request for rejection on mail that a mailing list passed on: it has `List-Id`, and SPF or DKIM vouch for the list's
   * own domain. Default `reject`; `quarantine` spares the members of lists that leave From as it was (RFC 9989 §7.4).
   */
  readonly mailingLists?: SenderAuthAction
  /** The first whose conditions hold decides, for mail that does not pass. Default: none. */
  readonly overrides?: readonly SenderAuthOverride[]
}

/** What is done, and why something else than the domain asked for. */
export interface Decision {
  readonly action: SenderAuthAction
  /** For the trace and the peer. */
  readonly text: string
  /** RFC 9990 §3.1.6. */
  readonly override?: string
}

/** Facts beside the findings. */
export interface PolicyCase {
  readonly findings: Findings
  readonly client: string
  readonly listDomain: string | undefined
}

interface ReadOverride extends SenderAuthOverride {
  readonly prefixes: readonly { readonly octets: Uint8Array; readonly bits: number }[] | undefined
}

/** The rules, checked. Throws `ConfigurationError` `MW_SENDER_AUTH_POLICY` for what is none. */
export class Policy {
  readonly #policy: Required<Omit<SenderAuthPolicy, 'overrides'>>
  readonly #overrides: readonly ReadOverride[]

  constructor(policy: SenderAuthPolicy = {}) {
    const { overrides = [], ...rest } = policy
    this.#policy = {
      reject: 'reject',
      quarantine: 'quarantine',
      none: 'none',
      oddFrom: 'reject',
      temperror: 'defer',
      spfFail: 'none',
      mailingLists: 'reject',
      ...rest,
    }
    for (const [name, action] of Object.entries(this.#policy)) {
      if (['none', 'quarantine', 'defer', 'reject'].includes(action) && !(name === 'temperror' && action === 'reject')) continue
      throw new ConfigurationError('MW_SENDER_AUTH_POLICY', `${name}: ${action} is nothing that can be done`)
    }
    this.#overrides = overrides.map(override => {
      for (const name of [...(override.authorDomains ?? []), ...(override.vouchedBy ?? [])])
        if (canonicalDomain(name) === undefined) throw new ConfigurationError('MW_SENDER_AUTH_POLICY', `${name} is no domain`)
      return { ...override, prefixes: override.networks?.map(prefixOf) }
    })
  }

  /** What is done with a message for one recipient. */
  decide(given: PolicyCase, recipient: MailAddress): Decision {
    const plain = this.#plain(given)
    if (plain.action === 'none' && plain.override !== undefined) return plain
    if (isGood(given.findings)) return plain
    const override = this.#overrides.find(one => holds(one, given, recipient))
    if (override === undefined) return plain
    // A failure of DNS is never a refusal for good, whoever asks for it.
    const action = given.findings.dmarc.result === 'temperror' && override.action === 'reject' ? 'defer' : override.action
    return action === plain.action ? plain : { action, text: plain.text, override: override.reason ?? 'local_policy' }
  }

  #plain({ findings, listDomain }: PolicyCase): Decision {
    const { dmarc, arc, spf } = findings
    const domain = dmarc.domain ?? ''
    switch (dmarc.result) {
      case 'pass':
        return { action: 'none', text: `the mail is from ${domain}` }
      case 'permerror':
        return { action: this.#policy.oddFrom, text: `The From field is not acceptable: ${dmarc.reason ?? ''}` }
      case 'none':
        return spf.result === 'fail'
          ? { action: this.#policy.spfFail, text: `${spf.domain} does not permit this client to send its mail` }
          : { action: 'none', text: `${domain} asks for nothing` }
      case 'temperror':
        return {
          action: dmarc.requested === 'none' ? 'none' : this.#policy.temperror,
          text: `It cannot be told now whether this mail is from ${domain}`,
        }
      case 'fail':
        break
    }
    const text = `This mail is not from ${domain}, which asks to ${dmarc.requested} what is not (DMARC)`
    if (arc.vouchedBy !== undefined) return { action: 'none', text: `${text}; ${arc.vouchedBy} saw it pass`, override: 'local_policy' }
    const action = this.#policy[dmarc.requested]
    if (dmarc.requested === 'reject' && listDomain !== undefined && this.#policy.mailingLists !== action)
      return { action: this.#policy.mailingLists, text, override: 'mailing_list' }
    return { action, text }
  }
}

function isGood({ dmarc }: Findings): boolean {
  return dmarc.result === 'pass'
}

function holds(override: ReadOverride, { findings, client }: PolicyCase, recipient: MailAddress): boolean {
  const { prefixes, authorDomains, vouchedBy, recipients } = override
  if (prefixes !== undefined && !isInside(client, prefixes)) return false
  const author = findings.dmarc.domain
  if (authorDomains !== undefined && (author === undefined || !authorDomains.some(domain => isBelow(author, domain)))) return false
  if (vouchedBy !== undefined && !vouchersOf(findings).some(voucher => vouchedBy.some(domain => isBelow(voucher, domain)))) return false
  if (recipients === undefined) return true
  const address = `${recipient.local}@${recipient.domain}`.toLowerCase()
  return recipients.some(one => (one.includes('@') ? one.toLowerCase() === address : isBelow(recipient.domain.toLowerCase(), one)))
}

/** Domains that SPF or DKIM passed for. */
export function vouchersOf({ spf, signatures }: Pick<Findings, 'spf' | 'signatures'>): readonly string[] {
  const signers = signatures.flatMap(({ result, domain, uncovered }) =>
    result === 'pass' && uncovered === undefined && domain !== undefined ? [domain] : [],
  )
  return spf.result === 'pass' ? [...signers, spf.domain] : signers
}

function isBelow(name: string, domain: string): boolean {
  const parent = domain.toLowerCase()
  return name === parent || name.endsWith(`.${parent}`)
}

/** A network as octets and bits; throws for what is none. */
export function prefixOf(text: string): { readonly octets: Uint8Array; readonly bits: number } {
  const [address = '', length] = text.split('/')
  const octets = parseIpAddress(address)
  const bits = length === undefined ? (octets?.length ?? 0) * 8 : /^\d{1,3}$/.test(length) ? Number(length) : Number.NaN
  if (octets === undefined || !(bits <= octets.length * 8)) throw new ConfigurationError('MW_SENDER_AUTH_POLICY', `${text} is no network`)
  return { octets, bits }
}

/** Whether an address lies in one of the networks. */
export function isInside(address: string, prefixes: readonly { readonly octets: Uint8Array; readonly bits: number }[]): boolean {
  const octets = parseIpAddress(address)
  return (
    octets !== undefined &&
    prefixes.some(prefix => {
      if (prefix.octets.length !== octets.length) return false
      for (let at = 0, left = prefix.bits; left > 0; at++, left -= 8) {
        const mask = left >= 8 ? 0xff : (0xff << (8 - left)) & 0xff
        if (((octets[at] ?? 0) & mask) !== ((prefix.octets[at] ?? 0) & mask)) return false
      }
      return true
    })
  )
}
