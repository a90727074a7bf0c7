/** Asks DNS everything that the doctor wants to know of a domain. RFC 5321 §5.1; RFC 7208 §4.4; RFC 8461 §3.1; RFC 7672 §3.1. */

import type { Answer, Resolver } from '../../contracts/index.ts'
import { isPublicAddress, parseIpAddress } from '../../bytes/ip-address.ts'
import { reverseName } from '../../dns/index.ts'
import type { DomainRecords } from '../../dns/index.ts'
import type { BlocklistFacts, DnsFacts } from './facts.ts'
import { known } from './finding.ts'
import type { Known } from './finding.ts'
import { examineSpf } from './spf.ts'

/** Exchangers and addresses that are looked at; a personal server has one or two. */
const ENOUGH = 8

/** Asks all of it, as much at a time as may be. Failures are facts too. */
export async function gatherDns(expected: DomainRecords, told: readonly string[], resolver: Required<Resolver>): Promise<DnsFacts> {
  const { domain, host, records } = expected
  const mx = await known(() => resolver.mx(domain))
  const exchangers = mx.ok ? mx.value.records.slice(0, ENOUGH).map(({ exchange }) => exchange) : []
  const hosts = [...new Set([host, ...exchangers.filter(name => name !== '')])]
  const pageHosts = namesOf(expected, 'CNAME')
  const addresses = await each([...hosts, ...pageHosts], name => addressesOf(resolver, name))
  const own = [...new Set([...told, ...valuesOf(addresses.get(host))])].slice(0, ENOUGH)

  const texts = each(
    [...new Set(records.filter(({ type }) => type === 'TXT').map(({ name }) => name))],
    async name => (await resolver.txt(name)).records,
  )
  const services = each(namesOf(expected, 'SRV'), async name => (await resolver.srv(name)).records)
  const aliases = each([...hosts, ...pageHosts], async name => (await resolver.cname(name)).records)
  const tlsa = known(() => resolver.tlsa(`_25._tcp.${host}`))
  const names = await each(own, async address => (await resolver.ptr(address)).records)
  const named = [...names.values()]
    .flatMap(valuesOf)
    .filter(name => !addresses.has(name))
    .slice(0, ENOUGH)
  const forward = await each(named, name => addressesOf(resolver, name))
  const spf = await Promise.all(
    [...new Set([domain, host])].map(async (name): Promise<[string, DnsFacts['spf'] extends ReadonlyMap<string, infer V> ? V : never]> => [
      name,
      await known(() => examineSpf(name, own, resolver)),
    ]),
  )
  const textsFound = await texts
  return {
    mx,
    reportsElsewhere: await consents(expected.domain, valuesOf(textsFound.get(`_dmarc.${expected.domain}`)), resolver),
    addresses: new Map([...addresses, ...forward]),
    aliases: await aliases,
    names,
    texts: textsFound,
    services: await services,
    tlsa: await tlsa,
    spf: new Map(spf),
  }
}

/** RFC 9990 §4: at the other domain, below `_report._dmarc`, stands whether it takes the reports. */
async function consents(domain: string, records: readonly string[], resolver: Resolver): Promise<DnsFacts['reportsElsewhere']> {
  const targets = records.flatMap(record =>
    [...record.matchAll(/mailto:[^@,;\s]+@([a-z0-9.-]+)/gi)].map(([, target = '']) => target.toLowerCase()),
  )
  const others = [...new Set(targets)].filter(
    target => target !== domain && !target.endsWith(`.${domain}`) && !domain.endsWith(`.${target}`),
  )
  return Promise.all(
    others.slice(0, ENOUGH).map(async target => {
      const name = `${domain}._report._dmarc.${target}`
      return { name, answer: await known(async () => (await resolver.txt(name)).records) }
    }),
  )
}

/** Asks blocklists about addresses that they can know. RFC 5782 §2.1, §5. */
export async function gatherBlocklists(
  lists: readonly string[],
  addresses: readonly string[],
  resolver: Resolver,
): Promise<readonly BlocklistFacts[]> {
  const asked = addresses.filter(isPublicAddress).flatMap(address => lists.map(list => ({ list, address })))
  return Promise.all(
    asked.map(async ({ list, address }) => ({ list, address, listed: await known(() => listed(resolver, list, address)) })),
  )
}

async function listed(resolver: Resolver, list: string, address: string): Promise<readonly string[]> {
  // RFC 5782 §5: a list that works lists 127.0.0.2. Many refuse to answer big public resolvers, and then "not listed" means nothing.
  const proof = await resolver.a(`2.0.0.127.${list}`)
  if (proof.records.filter(isListing).length === 0)
    throw new Error('the list does not answer this resolver: ask with one of your own (--dns)')
  return (await resolver.a(`${listName(address)}.${list}`)).records.filter(isListing)
}

/** RFC 5782 §2.1: an answer lies in 127.0.0.0/8; 127.255.255.x is how large lists say that they refuse to answer. */
function isListing(answer: string): boolean {
  return answer.startsWith('127.') && !answer.startsWith('127.255.255.')
}

function listName(address: string): string {
  return (reverseName(address) ?? '').replace(/\.(?:in-addr|ip6)\.arpa$/, '')
}

async function addressesOf(resolver: Resolver, name: string): Promise<readonly string[]> {
  const answers: readonly Answer<string>[] = await Promise.all([resolver.a(name), resolver.aaaa(name)])
  return answers.flatMap(({ records }) => records).slice(0, ENOUGH)
}

async function each<T>(names: readonly string[], ask: (name: string) => Promise<T>): Promise<ReadonlyMap<string, Known<T>>> {
  return new Map(await Promise.all(names.map(async (name): Promise<[string, Known<T>]> => [name, await known(() => ask(name))])))
}

function namesOf({ records }: DomainRecords, wanted: string): readonly string[] {
  return records.filter(({ type }) => type === wanted).map(({ name }) => name)
}

/** What is known, or nothing. */
export function valuesOf(answer: Known<readonly string[]> | undefined): readonly string[] {
  return answer?.ok === true ? answer.value : []
}

/** Whether two texts are the same address. */
export function sameAddress(one: string, other: string): boolean {
  const [left, right] = [parseIpAddress(one), parseIpAddress(other)]
  return left !== undefined && right !== undefined && left.length === right.length && left.every((octet, at) => octet === right[at])
}
