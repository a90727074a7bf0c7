/** The domain that somebody registered, below which all names are theirs: by the public suffix list (`tldts`). RFC 9989 §4.10 (as DMARC has it, by tree walk instead). */

import { getDomain } from 'tldts'

/**
 * The organisational domain of a host name: `mail.shop.example.co.uk` → `example.co.uk`. What has none (an IP address, a public
 * suffix, a single label) stands for itself. Suffixes under which hosters give names to their customers count as suffixes.
 */
export function organisationOf(host: string): string {
  const name = host.toLowerCase()
  return getDomain(name, { allowPrivateDomains: true, extractHostname: false, validateHostname: false }) ?? name
}
