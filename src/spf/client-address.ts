/** The client's address as mechanisms compare it and macros print it. RFC 7208 §5, §7.3; RFC 5952 §4. */

import { parseIpAddress } from '../bytes/ip-address.ts'

/** An address, four octets also when it came mapped into IPv6. */
export interface ClientAddress {
  readonly octets: Uint8Array
  readonly family: 'in-addr' | 'ip6'
  /** `%{i}`: quads, or nibbles with dots between. */
  readonly dotted: string
  /** `%{c}`, and what is asked for its names. */
  readonly readable: string
}

const MAPPED = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff]

/** Reads an address; `undefined` for what is none. */
export function clientAddress(text: string): ClientAddress | undefined {
  const parsed = parseIpAddress(text)
  if (parsed === undefined) return undefined
  // RFC 7208 §5: "IPv4-mapped IPv6 addresses" are IPv4 addresses here.
  const octets = parsed.length === 16 && MAPPED.every((octet, index) => parsed[index] === octet) ? parsed.subarray(12) : parsed
  if (octets.length === 4) return { octets, family: 'in-addr', dotted: octets.join('.'), readable: octets.join('.') }
  const nibbles = Array.from(octets, octet => octet.toString(16).padStart(2, '0')).join('')
  return { octets, family: 'ip6', dotted: nibbles.toUpperCase().split('').join('.'), readable: shortest(nibbles) }
}

/** Whether an address as DNS tells it lies in the client's network of so many bits. */
export function sameNetwork(client: Uint8Array, other: Uint8Array, bits: number): boolean {
  if (client.length !== other.length) return false
  for (let at = 0, left = bits; left > 0; at++, left -= 8) {
    const mask = left >= 8 ? 0xff : (0xff << (8 - left)) & 0xff
    if (((client[at] ?? 0) & mask) !== ((other[at] ?? 0) & mask)) return false
  }
  return true
}

/** RFC 5952 §4: no leading zeros, the longest run of two or more zero groups as `::`, lower case. */
function shortest(nibbles: string): string {
  const groups = (nibbles.match(/.{4}/g) ?? []).map(group => Number.parseInt(group, 16).toString(16))
  let best = { at: 0, length: 1 }
  for (let at = 0; at < groups.length; at++) {
    let end = at
    while (groups[end] === '0') end++
    if (end - at > best.length) best = { at, length: end - at }
  }
  if (best.length < 2) return groups.join(':')
  return `${groups.slice(0, best.at).join(':')}::${groups.slice(best.at + best.length).join(':')}`
}
