/**
 * Asks blocklists that answer over DNS, whether for addresses or for domains: codes, cache, budget, and the lists that have died.
 * RFC 5782 §2, §3, §5.
 */

import type { Clock, Resolver } from '../contracts/index.ts'
import { ConfigurationError, MailError } from '../contracts/index.ts'
import { BoundedMap } from './bounded-map.ts'
import { machineClock } from './machine-clock.ts'

/** What one code of a list means. */
export interface BlocklistCode {
  /** Upper case, digits and underscores. */
  readonly symbol: string
  readonly score: number
  /** In words for an operator. */
  readonly text?: string
}

/** A list and what its answers mean. */
export interface Blocklist {
  /** The domain below which it answers: `zen.spamhaus.org`; with the key that you were given, where it wants one. */
  readonly zone: string
  /**
   * The meaning of codes, by address (`127.0.0.2`) or by range of the last octet (`127.0.0.10-11`); of a bit, as `127.0.0.0&2`. Codes
   * that are not named weigh nothing where this is given.
   */
  readonly codes?: Readonly<Record<string, BlocklistCode>>
  /** The symbol of a list without `codes`. Default: `prefix` and the zone's first label. */
  readonly symbol?: string
  /** The score of a list without `codes`; negative for a list of the good. Default 3. */
  readonly score?: number
  /** A name below the zone that is always listed: a list where it is missing has died. Default: what the kind of list must have. */
  readonly testEntry?: string
}

/** Options of all filters that ask such lists. */
export interface BlocklistOptions {
  readonly resolver: Resolver
  readonly lists: readonly Blocklist[]
  /** Milliseconds for all lists together. Default 5,000. */
  readonly within?: number
  /** Answers that are remembered. Default 50,000. */
  readonly memory?: number
  /** Default: the machine's clock. */
  readonly clock?: Clock
}

/** What the lists say of one name. */
export interface Listing {
  readonly symbols: readonly BlocklistCode[]
  /** For the trace: what was answered, and what was not. */
  readonly notes: readonly string[]
}

/** How a list shows that it is alive: an entry that must be there, one that must not. RFC 5782 §5. */
export interface Probe {
  /** Absent: lists of this kind do not keep to it. */
  readonly listed?: string
  readonly unlisted: string
}

interface Answered {
  readonly addresses: readonly string[]
  readonly until: number
}

interface Health {
  readonly until: number
  /** What is wrong with it. */
  readonly fault: string | undefined
}

interface CheckedList {
  readonly zone: string
  readonly rules: readonly Rule[]
  readonly testEntry: string | undefined
}

interface Rule extends BlocklistCode {
  readonly matches: (address: string) => boolean
}

const SHORTEST_TTL = 60_000
const LONGEST_TTL = 3_600_000
const WITHOUT_TTL = 300_000
/** A list that could not be asked is not asked again for so long. */
const AFTER_FAILURE = 30_000
const PROBE_EVERY = 3_600_000
const CODE = /^(127\.\d{1,3}\.\d{1,3}\.)(\d{1,3})(?:-(\d{1,3}))?(?:&(\d{1,3}))?$/

/** Several lists, asked together. */
export class Blocklists {
  readonly #resolver: Resolver
  readonly #clock: Clock
  readonly #within: number
  readonly #probe: Probe
  readonly #lists: readonly CheckedList[]
  readonly #answers: BoundedMap<Answered>
  readonly #health = new Map<string, Promise<Health>>()

  /** Throws `ConfigurationError` for a zone, code or symbol that is none. */
  constructor(options: BlocklistOptions, probe: Probe, prefix: string) {
    this.#resolver = options.resolver
    this.#clock = options.clock ?? machineClock
    this.#within = options.within ?? 5000
    this.#probe = probe
    this.#answers = new BoundedMap(options.memory ?? 50_000)
    this.#lists = options.lists.map(list => ({
      zone: zoneOf(list.zone),
      rules: rulesOf(list, prefix),
      testEntry: list.testEntry ?? probe.listed,
    }))
  }

  /** What the lists say; never rejects but for bugs. A list that does not answer in time says nothing. */
  async ask(name: string, signal: AbortSignal): Promise<Listing> {
    const controller = new AbortController()
    const stop = this.#clock.after(this.#within, () =>
      controller.abort(new MailError('unavailable', `no answer within ${this.#within} ms`)),
    )
    const leave = (): void => controller.abort(signal.reason)
    signal.addEventListener('abort', leave, { once: true })
    if (signal.aborted) leave()
    try {
      const listings = await Promise.all(this.#lists.map(list => this.#askOne(name, list, controller.signal)))
      return { symbols: listings.flatMap(({ symbols }) => symbols), notes: listings.flatMap(({ notes }) => notes) }
    } finally {
      stop()
      signal.removeEventListener('abort', leave)
    }
  }

  async #askOne(name: string, list: CheckedList, signal: AbortSignal): Promise<Listing> {
    const { zone, rules } = list
    try {
      const answering = this.#addresses(`${name}.${zone}`, signal)
      // A failure is told below; until then it must not count as unhandled.
      answering.catch(() => undefined)
      const [health, addresses] = [await within(this.#healthOf(list), signal), await answering]
      if (addresses.length === 0) return { symbols: [], notes: [] }
      const said = `${zone} answers ${addresses.slice(0, 8).join(', ')} for ${name}`
      if (health.fault !== undefined) return { symbols: [], notes: [`${said}, which counts for nothing: ${health.fault}`] }
      const valid = addresses.filter(address => address.startsWith('127.'))
      // A parked domain answers everything with the address of its advertisements. RFC 5782 §2.3: answers are in 127.0.0.0/8.
      if (valid.length === 0) return { symbols: [], notes: [`${said}, which is no answer of a list`] }
      // Lists say so in their own way that they do not want to be asked like this: above a limit, or through a public resolver.
      const refused = valid.find(address => address === '127.0.0.1' || address.startsWith('127.255.255.'))
      if (refused !== undefined) return { symbols: [], notes: [`${said}: the list refuses to answer this resolver`] }
      const matching = rules.filter(rule => valid.some(address => rule.matches(address)))
      const symbols = matching.map(({ symbol, score, text }) => ({ symbol, score, text: text === undefined ? said : `${text} (${said})` }))
      return { symbols, notes: symbols.length === 0 ? [`${said}, which weighs nothing`] : [said] }
    } catch (error) {
      if (signal.aborted && !(signal.reason instanceof MailError)) throw error
      const why = error instanceof Error ? error.message : String(error)
      return { symbols: [], notes: [`${zone} could not be asked about ${name}: ${why}`] }
    }
  }

  async #addresses(question: string, signal: AbortSignal): Promise<readonly string[]> {
    const now = this.#clock.monotonic()
    const known = this.#answers.get(question)
    if (known !== undefined && known.until > now) return known.addresses
    const answer = await this.#resolver.a(question, { signal })
    const ttl = answer.ttl === undefined ? WITHOUT_TTL : Math.min(LONGEST_TTL, Math.max(SHORTEST_TTL, answer.ttl * 1000))
    // A name in a wildcard zone can have any number of addresses.
    const addresses = answer.records.slice(0, 64)
    this.#answers.set(question, { addresses, until: now + ttl })
    return addresses
  }

  /** Looks from time to time whether the list still is one; one look for all who ask meanwhile. */
  async #healthOf(list: CheckedList): Promise<Health> {
    const pending = this.#health.get(list.zone)
    const known = await pending
    if (known !== undefined && known.until > this.#clock.monotonic()) return known
    const begun = this.#health.get(list.zone)
    if (begun !== undefined && begun !== pending) return begun
    const looking = this.#look(list)
    this.#health.set(list.zone, looking)
    return looking
  }

  /** Goes on when the one who asked has left: the others want to know as well. */
  async #look({ zone, testEntry }: CheckedList): Promise<Health> {
    const controller = new AbortController()
    const stop = this.#clock.after(this.#within, () => controller.abort(new MailError('unavailable', 'no answer in time')))
    const until = this.#clock.monotonic() + PROBE_EVERY
    try {
      const look = async (name: string): Promise<boolean> => {
        const { records } = await this.#resolver.a(`${name}.${zone}`, { signal: controller.signal })
        return records.length > 0
      }
      const [isListed, listsAll] = await Promise.all([testEntry === undefined ? true : look(testEntry), look(this.#probe.unlisted)])
      if (listsAll) return { until, fault: 'it lists everything (RFC 5782 §5)' }
      return { until, fault: isListed ? undefined : `its test entry ${testEntry ?? ''} is missing (RFC 5782 §5)` }
    } catch {
      return { until: this.#clock.monotonic() + AFTER_FAILURE, fault: 'it could not be tried out' }
    } finally {
      stop()
    }
  }
}

/** What the promise gives, unless the signal fires before. */
async function within<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted()
  const { promise: aborted, reject } = Promise.withResolvers<never>()
  const leave = (): void => reject(signal.reason)
  signal.addEventListener('abort', leave, { once: true })
  try {
    return await Promise.race([promise, aborted])
  } finally {
    signal.removeEventListener('abort', leave)
  }
}

function zoneOf(zone: string): string {
  const name = zone.toLowerCase().replace(/\.$/, '')
  if (/^(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)+[a-z0-9-]{2,63}$/.test(name) && name.length <= 180) return name
  throw new ConfigurationError('MW_BLOCKLIST_ZONE', `${JSON.stringify(zone)} cannot be the zone of a list`)
}

function rulesOf({ zone, codes, symbol, score = 3 }: Blocklist, prefix: string): readonly Rule[] {
  if (codes === undefined) {
    const label =
      zone
        .split('.', 1)[0]
        ?.toUpperCase()
        .replaceAll(/[^A-Z0-9]/g, '_') ?? ''
    return [checked({ symbol: symbol ?? `${prefix}_${label}`, score, matches: () => true })]
  }
  return Object.entries(codes).map(([code, meaning]) => {
    const [, network = '', first = '', last = first, bits] = CODE.exec(code) ?? []
    if (network === '') throw new ConfigurationError('MW_BLOCKLIST_CODE', `${JSON.stringify(code)} is no code of ${zone}`)
    return checked({
      ...meaning,
      matches: address => {
        if (bits !== undefined) {
          const octets = address.split('.').map(Number)
          return address.startsWith('127.') && ((octets[3] ?? 0) & Number(bits)) !== 0
        }
        const octet = Number(address.slice(network.length))
        return address.startsWith(network) && octet >= Number(first) && octet <= Number(last)
      },
    })
  })
}

function checked(rule: Rule): Rule {
  if (/^[A-Z][A-Z0-9_]{0,63}$/.test(rule.symbol) && Number.isFinite(rule.score)) return rule
  throw new ConfigurationError('MW_BLOCKLIST_CODE', `${JSON.stringify(rule.symbol)} with ${rule.score} cannot be a symbol`)
}
