/** Addresses of hosts, both families, each seen to before anybody dials it. RFC 5321 §5.1, §5.2; RFC 1123 §5.3.4. */

import { parseIpAddress } from '../../bytes/ip-address.ts'
import type { Answer, CallOptions, Resolver } from '../../contracts/index.ts'

/** What is known of a host's addresses. */
export interface HostAddresses {
  readonly addresses: readonly { readonly address: string; readonly authentic: boolean }[]
  /** Why a family could not be asked for; there may be more addresses. */
  readonly failure?: Error
}

/** Addresses of one host that are looked at. */
const ADDRESSES = 10

/** Both families at once; an IPv6 address, then an IPv4 address, then the next of each. */
export async function addressesOf(
  host: string,
  resolver: Resolver,
  families: readonly ('ipv4' | 'ipv6')[],
  call: CallOptions,
): Promise<HostAddresses> {
  const asked: Promise<Answer<string>>[] = []
  if (families.includes('ipv6')) asked.push(resolver.aaaa(host, call))
  if (families.includes('ipv4')) asked.push(resolver.a(host, call))
  const lists: { readonly address: string; readonly authentic: boolean }[][] = []
  let failure: Error | undefined
  for (const answer of await Promise.allSettled(asked)) {
    if (answer.status === 'rejected') failure = asError(answer.reason)
    else lists.push(answer.value.records.slice(0, ADDRESSES).map(address => ({ address, authentic: answer.value.authentic })))
  }
  const longest = Math.max(0, ...lists.map(list => list.length))
  const addresses = Array.from({ length: longest }, (_, at) => lists.flatMap(list => list[at] ?? [])).flat()
  return failure === undefined ? { addresses } : { addresses, failure }
}

function asError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error('the resolver failed', { cause: reason })
}

/** The address in a domain literal, `[192.0.2.1]` or `[IPv6:2001:db8::1]`; `undefined` for what is none. RFC 5321 §4.1.3. */
export function literalAddress(domain: string): string | undefined {
  const inside = /^\[(.{1,60})\]$/.exec(domain)?.[1]
  if (inside === undefined) return undefined
  const six = /^IPv6:(.*)$/i.exec(inside)?.[1]
  const octets = parseIpAddress(six ?? inside)
  if (octets === undefined || (octets.length === 16) !== (six !== undefined)) return undefined
  return six ?? inside
}
