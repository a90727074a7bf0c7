/** Asks lists of addresses about the client. RFC 5782 §2. */

import type { Middleware, Next, SenderContext, Verdict } from '../../contracts/index.ts'
import { reject } from '../../contracts/index.ts'
import { Blocklists } from '../blocklist.ts'
import type { BlocklistOptions, Listing } from '../blocklist.ts'
import { isNearby, reversedAddress } from '../client-network.ts'

/** Options of {@link dnsbl}. */
export interface DnsblOptions extends BlocklistOptions {
  /** From this sum of the lists' scores on the client is refused (550 5.7.1) without seeing its message. Default: never; it is weighed. */
  readonly rejectAt?: number
}

/** RFC 5782 §5: "IPv4-based DNSxLs MUST contain an entry for 127.0.0.2 [...] MUST NOT contain an entry for 127.0.0.1". */
const PROBE = { listed: '2.0.0.127', unlisted: '1.0.0.127' }

/**
 * Asks all lists at once about the address of a client that has not logged in, at MAIL, and puts what they say into the scale, for
 * `score`. IPv4 and IPv6 alike; nearby networks are not asked about. A list that fails, is slow, lists everything, or answers what no
 * list answers, says nothing; nobody is refused for it.
 *
 * Most lists do not answer public resolvers, and some only with a key: see the guide.
 *
 * @example
 * ```ts
 * import { systemResolver } from 'mailwright/dns'
 * import { dnsbl } from 'mailwright/filters/dnsbl'
 *
 * const filter = dnsbl({
 *   resolver: systemResolver(),
 *   lists: [
 *     {
 *       zone: 'zen.spamhaus.org',
 *       codes: {
 *         '127.0.0.2-3': { symbol: 'DNSBL_SBL', score: 5 },
 *         '127.0.0.4-7': { symbol: 'DNSBL_XBL', score: 5 },
 *         '127.0.0.10-11': { symbol: 'DNSBL_PBL', score: 3 },
 *       },
 *     },
 *     { zone: 'list.dnswl.org', symbol: 'DNSWL', score: -2 },
 *   ],
 * })
 * ```
 */
export function dnsbl(options: DnsblOptions): Middleware {
  return new Dnsbl(options)
}

class Dnsbl implements Middleware {
  readonly name = 'dnsbl'
  readonly #lists: Blocklists
  readonly #rejectAt: number

  constructor(options: DnsblOptions) {
    this.#lists = new Blocklists(options, PROBE, 'DNSBL')
    this.#rejectAt = options.rejectAt ?? Number.POSITIVE_INFINITY
  }

  async sender(context: SenderContext, next: Next): Promise<Verdict> {
    const { connection, trace, signal } = context
    const { address } = connection.remote
    const name = isNearby(address) ? undefined : reversedAddress(address)
    if (connection.principal !== undefined || name === undefined) return next()
    const listing = await this.#lists.ask(name, signal)
    for (const note of listing.notes) trace.note(note)
    for (const { symbol, score, text } of listing.symbols) trace.symbol(symbol, score, text)
    return sumOf(listing) >= this.#rejectAt ? reject(`Mail from ${address} is not taken: the address is listed`, '5.7.1') : next()
  }
}

function sumOf({ symbols }: Listing): number {
  return symbols.reduce((sum, { score }) => sum + score, 0)
}
