/** Names as DNS knows them: what may be asked, what counts as a host, how addresses are looked up backwards. RFC 1035 §2.3.1, §2.3.4, §3.5; RFC 3596 §2.5. */

import { domainToASCII } from 'node:url'
import { parseIpAddress } from '../bytes/ip-address.ts'

const MAX_LABEL = 63
/** In text, without the final dot: 255 octets on the wire are 253 characters. */
const MAX_NAME = 253

/**
 * The name as it is asked for: lower case, ASCII (RFC 5890 §2.3.2.1), without the final dot. `undefined` for what no name can be: an
 * empty label, a label of more than 63 octets, more than 253 in all, or octets that are neither graphic nor ASCII.
 */
export function questionName(text: string): string | undefined {
  if (text.length > 4 * MAX_NAME) return undefined
  const bare = text.endsWith('.') ? text.slice(0, -1) : text
  // Only where it is needed: this function also takes numbers for IPv4 addresses and rewrites them.
  const name = /[^\0-\x7f]/.test(bare) ? domainToASCII(bare) : bare.toLowerCase()
  if (name === '' || name.length > MAX_NAME || !/^[!-[\]-~]+$/.test(name)) return undefined
  return name.split('.').every(label => label !== '' && label.length <= MAX_LABEL) ? name : undefined
}

/**
 * Whether a name, in lower case and without the final dot, can be a host's: letters, digits and hyphens, not all of it numbers
 * (RFC 1123 §2.1). Underscores are let pass, since names of mail hosts and of aliases have them. Everything else (line ends,
 * control characters, spaces, addresses) is kept away from logs, header fields and comparisons.
 */
export function isHostName(name: string): boolean {
  if (name.length > MAX_NAME || !/^[a-z0-9_.-]+$/.test(name)) return false
  const labels = name.split('.')
  return labels.every(label => /^(?!-)[a-z0-9_-]{1,63}(?<!-)$/.test(label)) && !/^\d+$/.test(labels.at(-1) ?? '')
}

/** The name under which the names of an address are found; `undefined` for what is no address. RFC 1035 §3.5; RFC 3596 §2.5. */
export function reverseName(address: string): string | undefined {
  const octets = parseIpAddress(address)
  if (octets === undefined) return undefined
  const parts = [...octets].reverse()
  if (parts.length === 4) return `${parts.join('.')}.in-addr.arpa`
  return `${parts.map(octet => `${(octet & 15).toString(16)}.${(octet >> 4).toString(16)}`).join('.')}.ip6.arpa`
}
