/** Reads an SPF policy whole: its faults, what it costs to ask, and what it says of our addresses. RFC 7208 §4.6, §5, §6. */

import { parseIpAddress } from '../../bytes/ip-address.ts'
import type { Resolver } from '../../contracts/index.ts'

/** What SPF says of an address. RFC 7208 §2.6. */
export type SpfResult = 'pass' | 'fail' | 'softfail' | 'neutral'

/** An SPF policy, looked through. */
export interface SpfReport {
  /** The SPF records of the name; there must be one. */
  readonly records: readonly string[]
  /** In words; RFC 7208 §4.6.1 makes each a `permerror`. */
  readonly faults: readonly string[]
  /** Questions that a receiver may have to ask; more than ten are an error. RFC 7208 §4.6.4. */
  readonly lookups: number
  /** Of these, questions with no answer; more than two are an error. */
  readonly voids: number
  /** What the policy says of strangers. */
  readonly strangers: SpfResult
  readonly results: ReadonlyMap<string, SpfResult>
}

interface Term {
  readonly result: SpfResult
  matches(octets: Uint8Array): boolean
}

interface Policy {
  readonly terms: readonly Term[]
  readonly rest: SpfResult
}

/** Records are read no further than this; a policy with so many questions is beyond help. */
const ENOUGH = 30
const QUALIFIERS: Readonly<Record<string, SpfResult>> = { '+': 'pass', '-': 'fail', '~': 'softfail', '?': 'neutral' }
const NOTHING: Policy = { terms: [], rest: 'neutral' }

/** RFC 7208 §4.5: records that begin with the version, whole. */
function spfRecords(texts: readonly string[]): readonly string[] {
  return texts.filter(text => /^v=spf1(?: |$)/i.test(text))
}

/** Looks through the policy of a name. Throws what the resolver throws. */
export async function examineSpf(
  name: string,
  addresses: readonly string[],
  resolver: Pick<Resolver, 'a' | 'aaaa' | 'mx' | 'txt'>,
): Promise<SpfReport> {
  const records = spfRecords((await resolver.txt(name)).records)
  const reading = new Reading(resolver)
  const [record] = records
  const policy = record === undefined || records.length > 1 ? NOTHING : await reading.policy(name, record, [name])
  const results = addresses.map((address): [string, SpfResult] => {
    const octets = parseIpAddress(address)
    return [address, octets === undefined ? 'neutral' : resultOf(policy, octets)]
  })
  const { faults, lookups, voids } = reading
  return { records, faults, lookups, voids, strangers: policy.rest, results: new Map(results) }
}

function resultOf({ terms, rest }: Policy, octets: Uint8Array): SpfResult {
  return terms.find(term => term.matches(octets))?.result ?? rest
}

class Reading {
  readonly #resolver: Pick<Resolver, 'a' | 'aaaa' | 'mx' | 'txt'>
  readonly faults: string[] = []
  lookups = 0
  voids = 0

  constructor(resolver: Pick<Resolver, 'a' | 'aaaa' | 'mx' | 'txt'>) {
    this.#resolver = resolver
  }

  async policy(name: string, record: string, path: readonly string[]): Promise<Policy> {
    const terms: Term[] = []
    let redirect: string | undefined
    for (const word of record.split(' ').slice(1)) {
      if (word === '') continue
      const [, modifier, target = ''] = /^([a-z][a-z0-9_.-]*)=(.*)$/i.exec(word) ?? []
      if (modifier !== undefined) {
        // RFC 7208 §6: unknown modifiers are ignored; a second redirect is an error.
        if (modifier.toLowerCase() !== 'redirect') continue
        if (redirect !== undefined) this.#fault(name, 'has two redirects')
        redirect = target
        continue
      }
      const [, sign = '+', mechanism = '', argument, bits] =
        /^([-+~?])?([a-z0-9]+)(?::([^/]+|.+?))?((?:\/\d+)?(?:\/\/\d+)?)$/i.exec(word) ?? []
      const result = QUALIFIERS[sign] ?? 'pass'
      // RFC 7208 §5.1: what comes behind "all" is never looked at, nor is a redirect.
      if (mechanism.toLowerCase() === 'all') return { terms, rest: result }
      const matches = await this.#mechanism(name, word, mechanism.toLowerCase(), argument, bits ?? '', path)
      if (matches !== undefined) terms.push({ result, matches })
    }
    if (redirect === undefined) return { terms, rest: 'neutral' }
    const rest = await this.#other(name, redirect, path)
    return { terms: [...terms, ...rest.terms], rest: rest.rest }
  }

  async #mechanism(
    name: string,
    word: string,
    mechanism: string,
    argument: string | undefined,
    bits: string,
    path: readonly string[],
  ): Promise<Term['matches'] | undefined> {
    switch (mechanism) {
      case 'ip4':
      case 'ip6': {
        const network = parseIpAddress(argument ?? '')
        const length = mechanism === 'ip4' ? 4 : 16
        const [, prefix = String(length * 8)] = /^\/(\d+)$/.exec(bits) ?? []
        if (network?.length !== length || Number(prefix) > length * 8) return this.#fault(name, `has "${word}", which is no network`)
        return octets => isWithin(octets, network, Number(prefix))
      }
      case 'a':
      case 'mx': {
        this.lookups++
        const at = argument ?? name
        if (at.includes('%') || this.lookups > ENOUGH) return undefined
        const [, v4 = '32', v6 = '128'] = /^(?:\/(\d+))?(?:\/\/(\d+))?$/.exec(bits) ?? []
        const found = mechanism === 'a' ? await this.#addresses(at, true) : await this.#exchangers(at)
        return octets => found.some(network => isWithin(octets, network, Number(network.length === 4 ? v4 : v6)))
      }
      case 'include': {
        const policy = await this.#other(name, argument ?? '', path)
        return octets => resultOf(policy, octets) === 'pass'
      }
      case 'ptr':
      case 'exists':
        this.lookups++
        return undefined
      default:
        return this.#fault(name, `has "${word}", which SPF does not know`)
    }
  }

  async #other(name: string, target: string, path: readonly string[]): Promise<Policy> {
    this.lookups++
    if (target === '') return this.#fault(name, 'has an include or redirect to nowhere') ?? NOTHING
    if (target.includes('%') || this.lookups > ENOUGH) return NOTHING
    if (path.includes(target.toLowerCase())) return this.#fault(name, `leads back to ${target}`) ?? NOTHING
    const records = spfRecords((await this.#resolver.txt(target)).records)
    const [record] = records
    // RFC 7208 §5.2, §6.1: an include or redirect to a name without a policy is an error.
    if (record === undefined || records.length > 1)
      return this.#fault(name, `includes ${target}, which has ${record === undefined ? 'no' : 'more than one'} SPF record`) ?? NOTHING
    return this.policy(target, record, [...path, target.toLowerCase()])
  }

  async #addresses(name: string, counts: boolean): Promise<readonly Uint8Array[]> {
    const [v4, v6] = await Promise.all([this.#resolver.a(name), this.#resolver.aaaa(name)])
    const found = [...v4.records, ...v6.records].map(parseIpAddress).filter(octets => octets !== undefined)
    if (counts && found.length === 0) this.voids++
    return found
  }

  async #exchangers(name: string): Promise<readonly Uint8Array[]> {
    const { records } = await this.#resolver.mx(name)
    if (records.length === 0) this.voids++
    // RFC 7208 §4.6.4: more than ten exchangers are an error.
    if (records.length > 10) this.#fault(name, 'has more than ten mail exchangers')
    const found = await Promise.all(records.slice(0, 10).map(({ exchange }) => this.#addresses(exchange, false)))
    return found.flat()
  }

  #fault(name: string, text: string): undefined {
    this.faults.push(`the policy of ${name} ${text}`)
  }
}

function isWithin(octets: Uint8Array, network: Uint8Array, bits: number): boolean {
  if (octets.length !== network.length) return false
  for (let at = 0, left = bits; left > 0; at++, left -= 8) {
    const mask = left >= 8 ? 0xff : (0xff << (8 - left)) & 0xff
    if (((octets[at] ?? 0) & mask) !== ((network[at] ?? 0) & mask)) return false
  }
  return true
}
