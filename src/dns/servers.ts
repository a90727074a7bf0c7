/** The servers that a resolver asks: where they are, and whether their word on DNSSEC counts. RFC 4035 §3.2.3; RFC 6840 §5.7. */

import { addressScope } from '../bytes/ip-address.ts'
import { ConfigurationError } from '../contracts/index.ts'

/** One server. */
export interface DnsServer {
  readonly address: string
  readonly port: number
  readonly family: 'udp4' | 'udp6'
  /** It is this very machine: nobody on the way can change its answers. */
  readonly isLoopback: boolean
  /** As it was written. */
  readonly text: string
}

/**
 * Reads `192.0.2.1`, `192.0.2.1:5300`, `2001:db8::1` or `[2001:db8::1]:5300`; port 53 when none is said. Throws `ConfigurationError`
 * with the code `MW_DNS_SERVER_INVALID` for anything else, names included: what would they be looked up with?
 */
export function dnsServer(text: string): DnsServer {
  const [, v6, address = v6 ?? text, port = '53'] = /^(?:\[([^\]]*)\]|(\d+(?:\.\d+){3}))(?::(\d{1,5}))?$/.exec(text) ?? []
  const scope = addressScope(address)
  if (scope === undefined || Number(port) < 1 || Number(port) > 65_535)
    throw new ConfigurationError(
      'MW_DNS_SERVER_INVALID',
      `"${text}" is no DNS server such as 192.0.2.1, 192.0.2.1:5300 or [2001:db8::1]:53`,
    )
  return { address, port: Number(port), family: address.includes(':') ? 'udp6' : 'udp4', isLoopback: scope === 'loopback', text }
}
