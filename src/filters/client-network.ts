/** What an IP address tells of its client: the network it speaks from, and its name in lists. RFC 4632; RFC 4291 §2.5.4; RFC 5782 §2. */

import { addressScope, parseIpAddress } from '../bytes/ip-address.ts'

const WITHOUT_A_NAME: ReadonlySet<string | undefined> = new Set([
  undefined,
  'loopback',
  'unspecified',
  'private',
  'link-local',
  'shared',
  'metadata',
])

/** Whether the client speaks from a network of one's own (or a Unix socket): no list can know it, and nobody is to be kept waiting there. */
export function isNearby(address: string): boolean {
  return WITHOUT_A_NAME.has(addressScope(address))
}

/** The network of one site: an IPv4 address's /24, an IPv6 address's /48; empty for what is no address. */
export function siteOf(address: string): string {
  const octets = parseIpAddress(address)
  if (octets === undefined) return ''
  if (octets.length === 4) return `${octets.subarray(0, 3).join('.')}.0/24`
  return `${hex(octets.subarray(0, 6)).match(/.{4}/g)?.join(':') ?? ''}::/48`
}

/** The address backwards, as the label sequence under which a list would have it; `undefined` for what is no address. RFC 5782 §2.1, §2.4. */
export function reversedAddress(address: string): string | undefined {
  const octets = parseIpAddress(address)
  if (octets === undefined) return undefined
  return octets.length === 4 ? octets.toReversed().join('.') : Array.from(hex(octets)).toReversed().join('.')
}

function hex(octets: Uint8Array): string {
  return Array.from(octets, octet => octet.toString(16).padStart(2, '0')).join('')
}
