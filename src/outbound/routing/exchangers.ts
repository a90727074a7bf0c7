/** The mail exchangers of a domain in the order in which they are tried, without ourselves. RFC 5321 §5.1; RFC 7505 §3, §4. */

import type { CallOptions, MxRecord, Random, Resolver } from '../../contracts/index.ts'

/** A host to try. */
export interface Exchanger {
  readonly host: string
  readonly preference: number
}

/** What DNS says about who takes a domain's mail. */
export type Exchangers =
  | { readonly kind: 'some'; readonly implicit: boolean; readonly authentic: boolean; readonly hosts: readonly Exchanger[] }
  /** The domain says that it takes no mail. */
  | { readonly kind: 'null' }
  /** There is no such domain. */
  | { readonly kind: 'no-domain' }

/** Hosts that are looked at: a domain with ten thousand MX records costs no more than one with ten (S30). */
const HOSTS = 10

/** Asks for the exchangers. Throws what the resolver throws: nobody can tell then. */
export async function exchangersOf(domain: string, resolver: Resolver, random: Random, call: CallOptions): Promise<Exchangers> {
  const answer = await resolver.mx(domain, call)
  if (answer.exists === false) return { kind: 'no-domain' }
  const { records, authentic } = answer
  // RFC 5321 §5.1: "the address is treated as if it was associated with an implicit MX RR, with a preference of 0".
  if (records.length === 0) return { kind: 'some', implicit: true, authentic, hosts: [{ host: domain, preference: 0 }] }
  const named = records.filter(record => record.exchange !== '')
  // RFC 7505 §3: a null MX is the only one of its domain; beside others it is none and names nobody.
  if (named.length === 0) return { kind: 'null' }
  return { kind: 'some', implicit: false, authentic, hosts: ordered(named, random).slice(0, HOSTS) }
}

/** Best preference first; RFC 5321 §5.1: within one "the sender-SMTP MUST randomize them". Each host once. */
function ordered(records: readonly MxRecord[], random: Random): Exchanger[] {
  const best = new Map<string, number>()
  for (const { exchange, preference } of records) best.set(exchange, Math.min(preference, best.get(exchange) ?? preference))
  return Array.from(best, ([host, preference]) => ({ host, preference, dice: dice(random) }))
    .sort((a, b) => a.preference - b.preference || a.dice - b.dice)
    .map(({ host, preference }) => ({ host, preference }))
}

/** A number from 0 to 2^24. */
export function dice(random: Random): number {
  const [a = 0, b = 0, c = 0] = random.bytes(3)
  return (a << 16) | (b << 8) | c
}

/**
 * Those that are better than ourselves. RFC 5321 §5.1: "If a matching record is found, all records at that preference level
 * and higher-numbered ones MUST be discarded from consideration."
 */
export function beforeUs<T extends { readonly preference: number }>(hosts: readonly T[], isUs: (host: T) => boolean): readonly T[] {
  const ours = hosts.filter(host => isUs(host)).map(host => host.preference)
  if (ours.length === 0) return hosts
  const limit = Math.min(...ours)
  return hosts.filter(host => host.preference < limit)
}
