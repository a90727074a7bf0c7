/**
 * What TLS must be like towards one server of one domain: DANE before MTA-STS, pins and the sender's own wish before both,
 * opportunistic when nobody says anything. RFC 7672 §2; RFC 8461 §2, §5; RFC 8689 §4.2.1; RFC 7435 §3.
 */

import { createHash } from 'node:crypto'
import { MailError } from '../../contracts/index.ts'
import type { CallOptions, Clock, DeliveryStatus, EnhancedCode, Resolver, TlsPeer } from '../../contracts/index.ts'
import type { Hop } from '../routing/options.ts'
import { certificatesOf, chainFailure, daneFailure, daneOf, tlsaText } from './dane.ts'
import { pkixFailure } from './requirement.ts'
import type { TlsFailure, TlsLevel, TlsRequirement } from './requirement.ts'
import { StsPolicies } from './sts.ts'
import type { PolicyFetch, StsFinding } from './sts.ts'
import { memoryStsCache } from './sts-cache.ts'
import type { StsCache } from './sts-cache.ts'
import { stsAllows, stsText } from './sts-policy.ts'

/** What the host itself asks of TLS to a domain. */
export interface TlsPin {
  /** A domain in A-labels, or `.example.org` for all below it. */
  readonly domain: string
  /** Default `verified`. */
  readonly level?: 'encrypted' | 'verified'
  /** SHA-256 of the public key (SPKI) of the server or of an authority above it, in base64 or hexadecimal: one must be in the chain. */
  readonly keys?: readonly string[]
  /** Trusted certificate authorities in PEM, instead of the system's. */
  readonly ca?: string | readonly string[]
}

/** Options of {@link tlsPolicy}. */
export interface TlsPolicyOptions {
  readonly resolver: Resolver
  readonly clock: Clock
  /** Fetches policies of MTA-STS. Default: MTA-STS is not used. */
  readonly fetch?: PolicyFetch
  /** Default: in memory. */
  readonly cache?: StsCache
  /** Uses DANE. Default `true`: it has a say only where the resolver vouches for its answers. */
  readonly dane?: boolean
  /** What is asked where no policy says anything. Default `opportunistic`. */
  readonly minimum?: Exclude<TlsLevel, 'none'>
  readonly pins?: readonly TlsPin[]
  /** Trusted certificate authorities in PEM. Default: the system's. */
  readonly ca?: string | readonly string[]
}

/** The policy that was applied, as reports tell it. RFC 8460 §4.4. */
export interface AppliedPolicy {
  readonly type: 'tlsa' | 'sts' | 'no-policy-found'
  readonly domain: string
  readonly strings: readonly string[]
  readonly mxHosts: readonly string[]
}

/** What is asked of one connection, or why there must be none. */
export type TlsDecision =
  | { readonly kind: 'go'; readonly requirement: TlsRequirement; readonly policy: AppliedPolicy; readonly failure?: TlsFailure }
  | { readonly kind: 'refuse'; readonly status: DeliveryStatus; readonly policy: AppliedPolicy; readonly failure: TlsFailure }

/** What messages ask for. */
export interface TlsWish extends CallOptions {
  /** The sender asked for REQUIRETLS. */
  readonly requireTls?: boolean
  /** The message says `TLS-Required: No`: what the recipient's domain publishes does not keep it back; the host's own settings do. */
  readonly tlsOptional?: boolean
}

/** Decides about TLS. */
export interface TlsPolicy {
  /** What is asked towards one server. Throws only the signal's reason, and for bugs. */
  decide(hop: Hop, wish?: TlsWish): Promise<TlsDecision>
}

/** Makes a policy. */
export function tlsPolicy(options: TlsPolicyOptions): TlsPolicy {
  return new HopPolicy(options)
}

class HopPolicy implements TlsPolicy {
  readonly #options: TlsPolicyOptions
  readonly #sts: StsPolicies | undefined

  constructor(options: TlsPolicyOptions) {
    this.#options = options
    const { resolver, clock, fetch, cache = memoryStsCache() } = options
    this.#sts = fetch === undefined ? undefined : new StsPolicies({ resolver, fetch, cache, clock })
  }

  async decide(hop: Hop, wish: TlsWish = {}): Promise<TlsDecision> {
    const pin = this.#pinOf(hop.domain)
    if (pin !== undefined) return go(this.#pinned(hop, pin), noPolicy(hop))
    if (hop.kind === 'route' || hop.kind === 'smarthost') return this.#asNamed(hop, wish)
    // RFC 8689 §8.4: "behave as if it does not support DANE or MTA-STS".
    if (wish.tlsOptional === true) return go(this.#base(hop), noPolicy(hop))
    const byDane = await this.#byDane(hop, wish)
    // RFC 8461 §2: MTA-STS "MUST NOT" override DANE, and has nothing to add to it.
    if (byDane !== undefined) return byDane
    return this.#bySts(hop, wish)
  }

  /** RFC 7672 §2.2: the MX, the addresses and the TLSA records must all be authentic. */
  async #byDane(hop: Hop, wish: TlsWish): Promise<TlsDecision | undefined> {
    if (this.#options.dane === false || !hop.mxAuthentic || !hop.addressAuthentic || hop.kind === 'literal') return undefined
    const policy: AppliedPolicy = { type: 'tlsa', domain: hop.domain, strings: [], mxHosts: [hop.host] }
    try {
      const dane = await daneOf(hop.host, hop.port, this.#options.resolver, wish.signal === undefined ? {} : { signal: wish.signal })
      if (dane.kind === 'none') return undefined
      const told = { ...policy, strings: dane.records.map(record => tlsaText(record)) }
      // RFC 7672 §2.2: records that cannot be used still say that TLS is there.
      if (dane.kind === 'unusable') {
        const requirement = this.#requirement(hop, 'encrypted', 'dane')
        return wish.requireTls === true ? this.#demanding(hop, requirement, told) : go(requirement, told)
      }
      const names = [hop.host, hop.domain]
      const verify = (peer: TlsPeer): TlsFailure | undefined => daneFailure(peer, dane.records, names, this.#options.clock.now())
      return go({ ...this.#requirement(hop, 'verified', 'dane'), verify }, told)
    } catch (error) {
      wish.signal?.throwIfAborted()
      if (!(error instanceof MailError)) throw error
      // RFC 7672 §2.1.2: a server whose records cannot be had may not be used: that is what an attacker would bring about (S8).
      return this.#refuse('4.4.3', { type: 'dnssec-invalid', text: error.message }, policy)
    }
  }

  async #bySts(hop: Hop, wish: TlsWish): Promise<TlsDecision> {
    const found: StsFinding = hop.kind === 'literal' ? {} : ((await this.#sts?.find(hop.domain)) ?? {})
    const { policy } = found
    if (policy === undefined || policy.mode === 'none') {
      const said = policy === undefined ? noPolicy(hop) : stsApplied(hop, policy.mx, stsText(policy))
      return this.#plain(hop, wish, said, found.failure)
    }
    const told = stsApplied(hop, policy.mx, stsText(policy))
    const listed = stsAllows(policy, hop.host)
    const mismatch: TlsFailure = { type: 'validation-failure', text: `${hop.host} is not among the servers of the policy` }
    if (policy.mode === 'enforce') {
      if (!listed) return this.#refuse('4.7.5', mismatch, told)
      return go({ ...this.#requirement(hop, 'verified', 'sts'), verify: pkixFailure }, told, found.failure)
    }
    // RFC 8461 §5: in testing mode failures are reported, and mail goes on as if there were no policy.
    const checked = { ...this.#base(hop), source: 'sts' as const, verify: (peer: TlsPeer) => (listed ? pkixFailure(peer) : mismatch) }
    return wish.requireTls === true ? this.#demanding(hop, checked, told) : go(checked, told, found.failure)
  }

  /** Nobody says anything: what the host asks at least. */
  #plain(hop: Hop, wish: TlsWish, policy: AppliedPolicy, failure?: TlsFailure): TlsDecision {
    const requirement = this.#base(hop)
    return wish.requireTls === true ? this.#demanding(hop, requirement, policy) : go(requirement, policy, failure)
  }

  /**
   * RFC 8689 §4.2.1: the certificate must be verified, and the server's name must come from where nobody can have forged it:
   * a secured MX, an enforced MTA-STS policy, or the host's own settings.
   */
  #demanding(hop: Hop, requirement: TlsRequirement, policy: AppliedPolicy): TlsDecision {
    if (requirement.level === 'verified') return go(requirement, policy)
    if (!hop.mxAuthentic || hop.kind === 'literal')
      return this.#refuse(
        '5.7.10',
        { type: 'validation-failure', text: 'REQUIRETLS was asked for, and nothing vouches for the name of the mail server' },
        policy,
      )
    return go({ ...requirement, level: 'verified', source: 'requiretls', verify: pkixFailure }, policy)
  }

  #asNamed(hop: Hop, wish: TlsWish): TlsDecision {
    const requirement: TlsRequirement = {
      ...this.#requirement(hop, hop.tls ?? 'opportunistic', 'settings'),
      ...(hop.tls === 'verified' ? { verify: pkixFailure } : {}),
    }
    return wish.requireTls === true && requirement.level !== 'verified'
      ? go({ ...requirement, level: 'verified', source: 'requiretls', verify: pkixFailure }, noPolicy(hop))
      : go(requirement, noPolicy(hop))
  }

  #base(hop: Hop): TlsRequirement {
    const level = this.#options.minimum ?? 'opportunistic'
    const requirement = this.#requirement(hop, level, level === 'opportunistic' ? 'none' : 'settings')
    return level === 'verified' ? { ...requirement, verify: pkixFailure } : requirement
  }

  #requirement(hop: Hop, level: TlsLevel, source: TlsRequirement['source']): TlsRequirement {
    const ca = hop.ca ?? this.#options.ca
    const serverName = hop.host.startsWith('[') ? hop.address : hop.host
    return { level, source, serverName, ...(ca === undefined ? {} : { ca }) }
  }

  #pinOf(domain: string): TlsPin | undefined {
    const name = domain.toLowerCase()
    const pins = this.#options.pins ?? []
    return (
      pins.find(pin => pin.domain.toLowerCase() === name) ??
      pins.find(pin => pin.domain.startsWith('.') && name.endsWith(pin.domain.toLowerCase()))
    )
  }

  #pinned(hop: Hop, pin: TlsPin): TlsRequirement {
    const level = pin.level ?? 'verified'
    const requirement = { ...this.#requirement(hop, level, 'pin'), ...(pin.ca === undefined ? {} : { ca: pin.ca }) }
    if (level === 'encrypted') return requirement
    const { keys } = pin
    return {
      ...requirement,
      verify: peer => (keys === undefined ? pkixFailure(peer) : keyFailure(peer, keys, hop.host, this.#options.clock.now())),
    }
  }

  #refuse(code: EnhancedCode, failure: TlsFailure, policy: AppliedPolicy): TlsDecision {
    return { kind: 'refuse', status: { at: this.#options.clock.now(), code, text: failure.text }, policy, failure }
  }
}

function go(requirement: TlsRequirement, policy: AppliedPolicy, failure?: TlsFailure): TlsDecision {
  return failure === undefined ? { kind: 'go', requirement, policy } : { kind: 'go', requirement, policy, failure }
}

function noPolicy(hop: Hop): AppliedPolicy {
  return { type: 'no-policy-found', domain: hop.domain, strings: [], mxHosts: [] }
}

function stsApplied(hop: Hop, mxHosts: readonly string[], strings: readonly string[]): AppliedPolicy {
  return { type: 'sts', domain: hop.domain, strings, mxHosts }
}

/**
 * A pinned key of the server itself needs neither name nor date: it is the key that the host trusts. One above it must have
 * signed its way down, for this name: whoever shows a chain may put anything at its end. RFC 7469 §2.6 for the digest.
 */
function keyFailure(peer: TlsPeer, keys: readonly string[], host: string, now: number): TlsFailure | undefined {
  const wanted = new Set(
    keys.map(key => (/^[0-9a-f:]{64,95}$/i.test(key) ? key.replaceAll(':', '').toLowerCase() : Buffer.from(key, 'base64').toString('hex'))),
  )
  const chain = certificatesOf(peer)
  let failure: TlsFailure = { type: 'certificate-not-trusted', text: 'no pinned key is in the chain' }
  for (const [at, certificate] of chain.entries()) {
    if (
      !wanted.has(
        createHash('sha256')
          .update(certificate.publicKey.export({ type: 'spki', format: 'der' }))
          .digest('hex'),
      )
    )
      continue
    const found = at === 0 ? undefined : chainFailure(chain.slice(0, at + 1), [host], now)
    if (found === undefined) return undefined
    failure = found
  }
  return failure
}
