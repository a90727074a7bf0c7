/** MTA-STS: whether a domain has a policy, and which one holds now. RFC 8461 §3.3, §5.1. */

import { utf8Text } from '../../bytes/ascii.ts'
import { MailError } from '../../contracts/index.ts'
import type { CallOptions, Clock, Resolver } from '../../contracts/index.ts'
import type { TlsFailure } from './requirement.ts'
import type { StsCache, StsEntry } from './sts-cache.ts'
import { parseStsPolicy, stsIdOf } from './sts-policy.ts'
import type { StsPolicy } from './sts-policy.ts'

/** Fetches a page over https from a public host, without following redirects: `safeFetch` of `mailwright/net`. Throws `MailError`. */
export type PolicyFetch = (
  url: string,
  request?: CallOptions & { readonly maxOctets?: number; readonly timeoutMs?: number },
) => Promise<{ readonly status: number; readonly headers: Readonly<Record<string, string>>; readonly body: Uint8Array }>

/** What holds for a domain now. */
export interface StsFinding {
  readonly policy?: StsPolicy
  /** Why a newer policy, or any, could not be had: for the report. */
  readonly failure?: TlsFailure
}

/** RFC 8461 §3.3: 64 KiB and a minute are said to be fair; a minute would hold up the message. */
const FETCH = { maxOctets: 65_536, timeoutMs: 10_000 }
/** A fetch that failed is not tried again for so long. */
const PATIENCE = 5 * 60_000
/** Failures that are remembered. */
const FAILURES = 10_000

/** Options of {@link StsPolicies}. */
export interface StsOptions {
  readonly resolver: Resolver
  readonly fetch: PolicyFetch
  readonly cache: StsCache
  readonly clock: Clock
}

/** Finds policies, each fetched once however many messages wait for it. */
export class StsPolicies {
  readonly #options: StsOptions
  readonly #underway = new Map<string, Promise<StsFinding>>()
  readonly #failed = new Map<string, { readonly until: number; readonly failure: TlsFailure }>()

  constructor(options: StsOptions) {
    this.#options = options
  }

  /** What holds for a domain. Never throws: what cannot be fetched is no policy, or the one from before. */
  find(domain: string): Promise<StsFinding> {
    const running = this.#underway.get(domain)
    if (running !== undefined) return running
    const begun = this.#find(domain).finally(() => this.#underway.delete(domain))
    this.#underway.set(domain, begun)
    return begun
  }

  async #find(domain: string): Promise<StsFinding> {
    const now = this.#options.clock.now()
    const kept = await this.#kept(domain, now)
    const id = await this.#id(domain)
    // RFC 8461 §3.1: the absence of a record alone is no reason to forget a policy that still holds (S8).
    if (id === undefined || id === kept?.id) return kept === undefined ? {} : { policy: kept.policy }
    const earlier = this.#failed.get(domain)
    if (earlier !== undefined && earlier.until > now) return finding(kept, earlier.failure)
    const fetched = await this.#fetch(domain)
    if ('type' in fetched) {
      this.#failed.delete(domain)
      this.#failed.set(domain, { until: now + PATIENCE, failure: fetched })
      const oldest = this.#failed.size > FAILURES ? this.#failed.keys().next().value : undefined
      if (oldest !== undefined) this.#failed.delete(oldest)
      return finding(kept, fetched)
    }
    this.#failed.delete(domain)
    await this.#keep(domain, { id, policy: fetched, expiresAt: now + fetched.maxAge * 1000 })
    return { policy: fetched }
  }

  async #kept(domain: string, now: number): Promise<StsEntry | undefined> {
    try {
      const entry = await this.#options.cache.get(domain)
      return entry !== undefined && entry.expiresAt > now ? entry : undefined
    } catch (error) {
      if (error instanceof MailError) return undefined
      throw error
    }
  }

  /** A cache that cannot be written costs another fetch, not the message. */
  async #keep(domain: string, entry: StsEntry): Promise<void> {
    await this.#options.cache.set(domain, entry).catch(() => undefined)
  }

  async #id(domain: string): Promise<string | undefined> {
    try {
      return stsIdOf((await this.#options.resolver.txt(`_mta-sts.${domain}`)).records)
    } catch (error) {
      if (error instanceof MailError) return undefined
      throw error
    }
  }

  async #fetch(domain: string): Promise<StsPolicy | TlsFailure> {
    try {
      const { status, headers, body } = await this.#options.fetch(`https://mta-sts.${domain}/.well-known/mta-sts.txt`, FETCH)
      // RFC 8461 §3.3: "HTTP 3xx redirects MUST NOT be followed"; anything but 200 is no policy.
      if (status !== 200) return { type: 'sts-policy-fetch-error', text: `the policy's server answered ${status}` }
      const type = headers['content-type']?.split(';')[0]?.trim().toLowerCase()
      if (type !== 'text/plain') return { type: 'sts-policy-invalid', text: `the policy is ${type ?? 'of no type'}, not text/plain` }
      return parseStsPolicy(utf8Text(body)) ?? { type: 'sts-policy-invalid', text: 'the policy cannot be read' }
    } catch (error) {
      if (!(error instanceof MailError)) throw error
      const webPki = /certificate|altname|self.signed|expired/i.test(error.message)
      return { type: webPki ? 'sts-webpki-invalid' : 'sts-policy-fetch-error', text: error.message }
    }
  }
}

function finding(kept: StsEntry | undefined, failure: TlsFailure): StsFinding {
  return kept === undefined ? { failure } : { policy: kept.policy, failure }
}
