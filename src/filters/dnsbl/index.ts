/** Lists of addresses that send spam, or never do. RFC 5782. */

export { dnsbl } from './dnsbl.ts'
export type { DnsblOptions } from './dnsbl.ts'
export type { Blocklist, BlocklistCode, BlocklistOptions } from '../blocklist.ts'
