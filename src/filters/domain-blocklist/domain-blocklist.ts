/** Asks lists of domains about those that a message names: in its links, its sender, its author, and how its client calls itself. RFC 5782 §3. */

import type { MessageContext, Middleware, Next, Verdict } from '../../contracts/index.ts'
import { canonicalDomain, parseAddressList } from '../../mime/index.ts'
import { Blocklists } from '../blocklist.ts'
import type { BlocklistOptions } from '../blocklist.ts'
import { isNearby } from '../client-network.ts'
import { messageText } from '../message-text.ts'
import type { MessageText } from '../message-text.ts'
import { organisationOf } from '../organisation.ts'
import { hostOfLink, hostsIn } from './hosts.ts'

/** Where a domain was named. */
export type DomainPlace = 'link' | 'sender' | 'author' | 'ehlo' | 'ptr'

/** Options of {@link domainBlocklist}. */
export interface DomainBlocklistOptions extends BlocklistOptions {
  /** Where domains are looked for. Default: `link`, `sender`, `author` and `ehlo`; `ptr` costs one more question. */
  readonly places?: readonly DomainPlace[]
  /** Different domains of one message that are asked about; links come last. Default 20. */
  readonly domains?: number
  /** Domains that are not asked about, with all below them. Default: none. */
  readonly except?: readonly string[]
}

/** RFC 5782 §5: `INVALID` must not be listed. `TEST` must be, but the large lists of domains have entries of their own instead. */
const PROBE = { unlisted: 'invalid' }
/** Hosts that are looked at before their organisations are told apart. */
const MOST_HOSTS = 200

/**
 * Asks all lists at once about the organisational domains of a message, and puts what they say into the scale, for `score`: of each
 * symbol once, however many domains have it. A list that fails or lists everything says nothing.
 *
 * Mail of those who have logged in is not looked at.
 *
 * @example
 * ```ts
 * import { systemResolver } from 'mailwright/dns'
 * import { domainBlocklist } from 'mailwright/filters/domain-blocklist'
 *
 * const filter = domainBlocklist({
 *   resolver: systemResolver(),
 *   lists: [{ zone: 'dbl.spamhaus.org', codes: { '127.0.1.2-99': { symbol: 'DBL_SPAM', score: 5 } } }],
 * })
 * ```
 */
export function domainBlocklist(options: DomainBlocklistOptions): Middleware {
  return new DomainBlocklist(options)
}

class DomainBlocklist implements Middleware {
  readonly name = 'domain-blocklist'
  readonly #options: DomainBlocklistOptions
  readonly #lists: Blocklists
  readonly #places: ReadonlySet<DomainPlace>
  readonly #except: readonly string[]

  constructor(options: DomainBlocklistOptions) {
    this.#options = options
    this.#lists = new Blocklists(options, PROBE, 'DOMAIN')
    this.#places = new Set(options.places ?? ['link', 'sender', 'author', 'ehlo'])
    this.#except = (options.except ?? []).map(domain => domain.toLowerCase())
  }

  async message(context: MessageContext, next: Next): Promise<Verdict> {
    const { connection, envelope, trace, signal } = context
    if (envelope === undefined || connection.principal !== undefined) return next()
    const domains = await this.#domains(context)
    const most = this.#options.domains ?? 20
    if (domains.size > most) trace.note(`of ${domains.size} domains the first ${most} are asked about`)
    const asked = [...domains].slice(0, most)
    const listings = await Promise.all(asked.map(([domain]) => this.#lists.ask(domain, signal)))
    const told = new Set<string>()
    for (const [index, { symbols, notes }] of listings.entries()) {
      const [domain = '', place] = asked[index] ?? []
      for (const note of notes) if (told.size < 50) trace.note(note)
      for (const { symbol, score, text } of symbols) {
        if (told.has(symbol)) continue
        told.add(symbol)
        trace.symbol(symbol, score, `${domain}, named in the ${place ?? 'message'}${text === undefined ? '' : `: ${text}`}`)
      }
    }
    if (listings.length > 0 && told.size === 0) trace.note(`nothing is listed of ${asked.map(([domain]) => domain).join(', ')}`)
    return next()
  }

  /** What the sender shows of itself comes first: it is little, and cannot be drowned in links. */
  async #domains(context: MessageContext): Promise<ReadonlyMap<string, DomainPlace>> {
    const { connection, envelope, signal, trace } = context
    const found = new Map<string, DomainPlace>()
    const add = (place: DomainPlace, host: string | undefined): void => {
      const name = host === undefined ? undefined : canonicalDomain(host)
      // Addresses in links have lists of their own; a name of one label is in none.
      if (name === undefined || !name.includes('.') || /^[\d.]+$/.test(name)) return
      const domain = organisationOf(name)
      if (this.#except.some(except => domain === except || domain.endsWith(`.${except}`))) return
      if (!found.has(domain)) found.set(domain, place)
    }
    if (this.#places.has('sender')) add('sender', envelope?.sender?.domain)
    if (this.#places.has('author')) {
      for (const { name, value } of context.fields.slice(0, 1000)) {
        if (!/^(?:from|reply-to|sender)$/i.test(name)) continue
        for (const { host } of parseAddressList(value.slice(0, 4000)).slice(0, 5)) add('author', host)
      }
    }
    if (this.#places.has('ehlo')) add('ehlo', connection.clientName)
    if (this.#places.has('ptr') && !isNearby(connection.remote.address)) {
      try {
        const { records } = await this.#options.resolver.ptr(connection.remote.address, { signal })
        for (const name of records.slice(0, 3)) add('ptr', name)
      } catch (error) {
        trace.note(`the client's name could not be looked up: ${error instanceof Error ? error.message : String(error)}`)
      }
    }
    if (this.#places.has('link')) for (const host of linkedHosts(await messageText(context.source))) add('link', host)
    return found
  }
}

function linkedHosts({ parts }: MessageText): readonly string[] {
  const hosts = new Set<string>()
  for (const { text, links } of parts) {
    for (const link of links) {
      if (hosts.size >= MOST_HOSTS) break
      const host = hostOfLink(link)
      if (host !== undefined) hosts.add(host)
    }
    for (const host of hostsIn(text, MOST_HOSTS - hosts.size)) hosts.add(host)
  }
  return [...hosts]
}
