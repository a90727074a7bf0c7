/** Lists of domains that spam is sent from and leads to. RFC 5782 §3. */

export { domainBlocklist } from './domain-blocklist.ts'
export type { DomainBlocklistOptions, DomainPlace } from './domain-blocklist.ts'
export type { Blocklist, BlocklistCode, BlocklistOptions } from '../blocklist.ts'
