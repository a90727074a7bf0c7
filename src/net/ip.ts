/** IP addresses as listeners compare them: canonical text, networks, and lists of networks. RFC 4291 §2.5.5.2; RFC 4632 §3.1. */

import { BlockList, isIP } from 'node:net'
import { ConfigurationError } from '../contracts/index.ts'

/** An address as the rest of the library shows it: an IPv4 address that came through an IPv6 socket is told as IPv4, and a zone is left out. */
export function plainAddress(address: string | undefined): string {
  if (address === undefined) return ''
  const zoneless = address.replace(/%.*$/, '')
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(zoneless)
  return mapped?.[1] ?? zoneless
}

/**
 * The network that one subscriber usually holds: the /24 of an IPv4 address, the /64 of an IPv6 address. Empty for what is no
 * address.
 */
export function networkOf(address: string): string {
  switch (isIP(address)) {
    case 4:
      return `${address.slice(0, address.lastIndexOf('.'))}.0/24`
    case 6:
      return `${firstGroups(address).join(':')}::/64`
    default:
      return ''
  }
}

function firstGroups(address: string): string[] {
  const [head = '', tail] = address.split('::')
  const groups = head === '' ? [] : head.split(':')
  if (tail !== undefined) {
    const rest = tail === '' ? [] : tail.split(':')
    // A dotted quad at the end stands for two groups; only the first four groups of the whole are wanted.
    const restLength = rest.length + (rest.at(-1)?.includes('.') === true ? 1 : 0)
    while (groups.length + restLength < 8) groups.push('0')
    groups.push(...rest)
  }
  return groups.slice(0, 4).map(group => Number.parseInt(group, 16).toString(16))
}

/** A list of networks, ready to be asked. */
export interface NetworkList {
  /** Whether an address (in plain form) lies in one of the networks. */
  has(address: string): boolean
}

/**
 * Reads a list of addresses and networks in CIDR form. Throws `ConfigurationError` with the code `MW_NETWORK_INVALID` for what
 * is neither.
 *
 * @example
 * ```ts
 * import { networkList } from 'mailwright/net'
 *
 * const proxies = networkList(['10.0.0.0/8', '2001:db8::7'])
 * console.log(proxies.has('10.1.2.3')) // true
 * ```
 */
export function networkList(networks: readonly string[]): NetworkList {
  const list = new BlockList()
  for (const network of networks) {
    const [address = '', bits, ...rest] = network.split('/')
    const family = isIP(address)
    const width = family === 4 ? 32 : 128
    const prefix = bits === undefined ? width : /^\d{1,3}$/.test(bits) ? Number(bits) : -1
    if (family === 0 || rest.length > 0 || prefix < 0 || prefix > width)
      throw new ConfigurationError('MW_NETWORK_INVALID', `"${network}" is no IP address and no network such as 10.0.0.0/8 or 2001:db8::/32`)
    list.addSubnet(address, prefix, family === 4 ? 'ipv4' : 'ipv6')
  }
  return {
    has: address => {
      const family = isIP(address)
      return family !== 0 && list.check(address, family === 4 ? 'ipv4' : 'ipv6')
    },
  }
}
