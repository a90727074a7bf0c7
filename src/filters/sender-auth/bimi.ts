/** The record that names a domain's picture; read, never fetched. S29. */

import type { Resolver } from '../../contracts/index.ts'
import type { DmarcResult } from './dmarc.ts'

/** What a domain publishes for its mail: addresses of strangers, not to be fetched without a filter. */
export interface BimiRecord {
  /** Where the record was found. */
  readonly domain: string
  /** `l=`: where the picture is said to be. */
  readonly location: string
  /** `a=`: where the evidence for it is said to be. */
  readonly evidence: string | undefined
}

const HTTPS = /^https:\/\/[\w.~:/?#[\]@!$&'()*+,=%-]{1,1000}$/

/**
 * Looks for the record of a message that passed DMARC under a policy with teeth: quarantine or reject, for subdomains too. `undefined`
 * for everything else. Never rejects.
 */
export async function bimiRecord(dmarc: DmarcResult, resolver: Resolver): Promise<BimiRecord | undefined> {
  const { domain, policyDomain, record } = dmarc
  if (dmarc.result !== 'pass' || domain === undefined || dmarc.requested === 'none' || record?.sp === 'none') return undefined
  for (const name of new Set([domain, policyDomain ?? domain])) {
    try {
      const texts = (await resolver.txt(`default._bimi.${name}`)).records.filter(text => /^v\s*=\s*BIMI1\s*(?:;|$)/.test(text))
      const [text] = texts
      if (text === undefined) continue
      const tags = new Map(text.split(';').map(part => [part.slice(0, part.indexOf('=')).trim(), part.slice(part.indexOf('=') + 1).trim()]))
      const location = tags.get('l') ?? ''
      const evidence = tags.get('a') ?? ''
      if (texts.length > 1 || !HTTPS.test(location)) return undefined
      return { domain: name, location, evidence: HTTPS.test(evidence) ? evidence : undefined }
    } catch {
      return undefined
    }
  }
  return undefined
}
