/** Up the tree of names: whose policy applies to a domain, and which organisation it belongs to. RFC 9989 §4.10. */

import type { Resolver } from '../../contracts/index.ts'
import { isDmarcRecord, parseDmarcRecord, type DmarcRecord } from './dmarc-record.ts'

/** A record and where it was found. */
export interface FoundRecord {
  readonly domain: string
  readonly record: DmarcRecord
}

/** What the way up showed. */
export interface Walk {
  /** The longest name first. */
  readonly found: readonly FoundRecord[]
  readonly organisation: string
  /** Some name could not be asked: what lies above it is not known. */
  readonly isBroken: boolean
}

/** RFC 9989 §4.10 step 4: a longer name is shortened to this at once. */
const MOST_LABELS = 7

/** Walks each domain of one message once. */
export class TreeWalker {
  readonly #resolver: Resolver
  readonly #walks = new Map<string, Promise<Walk>>()

  constructor(resolver: Resolver) {
    this.#resolver = resolver
  }

  /** The way up from a domain in lower case and A-labels. Never rejects. */
  walk(domain: string): Promise<Walk> {
    const known = this.#walks.get(domain)
    if (known !== undefined) return known
    const walk = this.#walk(domain)
    this.#walks.set(domain, walk)
    return walk
  }

  async #walk(domain: string): Promise<Walk> {
    const found: FoundRecord[] = []
    let isBroken = false
    for (let labels = domain.split('.'); labels.length > 0;) {
      const name = labels.join('.')
      try {
        const record = await this.#recordAt(name)
        if (record !== undefined) found.push({ domain: name, record })
        if (record !== undefined && record.psd !== 'u') break
      } catch {
        isBroken = true
        break
      }
      labels = labels.length > MOST_LABELS ? labels.slice(-MOST_LABELS) : labels.slice(1)
    }
    return { found, organisation: organisationOf(domain, found), isBroken }
  }

  /** Several records are none. RFC 9989 §4.10 step 2. */
  async #recordAt(name: string): Promise<DmarcRecord | undefined> {
    const question = `_dmarc.${name}`
    if (question.length > 253) return undefined
    const texts = (await this.#resolver.txt(question)).records.filter(isDmarcRecord)
    return texts.length === 1 ? parseDmarcRecord(texts[0] ?? '') : undefined
  }
}

/** RFC 9989 §4.10.2. */
function organisationOf(domain: string, found: readonly FoundRecord[]): string {
  for (const { domain: name, record } of found) {
    if (record.psd === 'n') return name
    // One label below the public suffix.
    if (record.psd === 'y' && name !== domain)
      return domain
        .split('.')
        .slice(-(name.split('.').length + 1))
        .join('.')
  }
  return found.at(-1)?.domain ?? domain
}

/** The record that applies to a domain: its own, its organisation's, or that of the public suffix above. RFC 9989 §4.10.1. */
export function policyRecord(domain: string, { found, organisation }: Walk): FoundRecord | undefined {
  const own = found.find(one => one.domain === domain)
  const theirs = found.find(one => one.domain === organisation)
  const suffix = found.at(-1)
  return own ?? theirs ?? (suffix?.record.psd === 'y' ? suffix : undefined)
}
