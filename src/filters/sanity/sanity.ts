/** Weighs what proper mail software does not do. RFC 5321 §4.1.1.1; RFC 5322 §2.1.1, §3.6. */

import type {
  Clock,
  HeaderField,
  MessageContext,
  MessageSource,
  Middleware,
  Next,
  PhaseContext,
  SenderContext,
  Verdict,
} from '../../contracts/index.ts'
import { ConfigurationError, reject } from '../../contracts/index.ts'
import { parseSentDate } from '../../mime/index.ts'
import { isNearby } from '../client-network.ts'
import { heloFault } from './helo.ts'
import { SANITY_SCORES } from './scores.ts'
import type { SanitySymbol } from './scores.ts'

/** Options of {@link sanity}. */
export interface SanityOptions {
  /** This server's names: who calls itself like that is lying. Default: none. */
  readonly hostnames?: readonly string[]
  /** What symbols weigh instead of `SANITY_SCORES`; 0 switches one off. */
  readonly scores?: Partial<Readonly<Record<SanitySymbol, number>>>
  /**
   * What becomes of a message with several From fields, which clients and authentication read differently (S15): `reject` (550 5.7.1)
   * or `weigh`. Default `reject`.
   */
  readonly severalFrom?: 'reject' | 'weigh'
  /** Milliseconds by which a Date may lie ahead. Default 86,400,000 (a day). */
  readonly ahead?: number
  /** Milliseconds by which a Date may lie behind. Default 1,209,600,000 (14 days). */
  readonly behind?: number
  /** Octets of a message that are looked through for lines and octets that should not be. Default 1,048,576. */
  readonly octets?: number
  /** Default: the machine's clock. */
  readonly clock?: Pick<Clock, 'now'>
}

/** RFC 5322 §3.6: each of them at most once. */
const ONCE = ['date', 'sender', 'reply-to', 'to', 'cc', 'bcc', 'message-id', 'in-reply-to', 'references', 'subject']
const LARGE_HEADER = 32 * 1024
const MANY_FIELDS = 200
const SLICE = 65_536

/**
 * Looks at how the client called itself, at the fields that every message must have and those it may have once, at the date, and at
 * lines and octets that no text has; puts what is odd into the scale, for `score`. Mail of those who have logged in and of nearby
 * networks is not looked at.
 *
 * @example
 * ```ts
 * import { sanity } from 'mailwright/filters/sanity'
 * import { score } from 'mailwright/filters/score'
 *
 * const chain = [score(), sanity({ hostnames: ['mx.example.org'], scores: { HELO_NO_DOT: 0 } })]
 * ```
 */
export function sanity(options: SanityOptions = {}): Middleware {
  return new Sanity(options)
}

class Sanity implements Middleware {
  readonly name = 'sanity'
  readonly #options: Required<SanityOptions>
  readonly #own: ReadonlySet<string>

  constructor(options: SanityOptions) {
    this.#options = {
      hostnames: options.hostnames ?? [],
      scores: options.scores ?? {},
      severalFrom: options.severalFrom ?? 'reject',
      ahead: options.ahead ?? 86_400_000,
      behind: options.behind ?? 1_209_600_000,
      octets: options.octets ?? 1_048_576,
      clock: options.clock ?? { now: () => Date.now() },
    }
    for (const [symbol, score] of Object.entries(this.#options.scores)) {
      if (symbol in SANITY_SCORES && Number.isFinite(score)) continue
      throw new ConfigurationError('MW_SANITY_SCORE', `${symbol} with ${score} is no score of sanity`)
    }
    this.#own = new Set(this.#options.hostnames.map(name => name.toLowerCase()))
  }

  async sender(context: SenderContext, next: Next): Promise<Verdict> {
    const { connection } = context
    if (passedOver(context) || connection.clientName === undefined) return next()
    const fault = heloFault(connection.clientName, connection.remote.address, this.#own)
    if (fault !== undefined) this.#tell(context, fault, `the client calls itself ${connection.clientName.slice(0, 100)}`)
    return next()
  }

  async message(context: MessageContext, next: Next): Promise<Verdict> {
    if (context.envelope === undefined || passedOver(context)) return next()
    const counts = new Map<string, number>()
    for (const { name } of context.fields) counts.set(name.toLowerCase(), (counts.get(name.toLowerCase()) ?? 0) + 1)
    const authors = counts.get('from') ?? 0
    if (authors > 1 && this.#options.severalFrom === 'reject') {
      context.trace.note(`${authors} From fields`)
      return reject('The message has several From fields', '5.7.1')
    }
    if (authors > 1) this.#tell(context, 'MULTIPLE_FROM', `${authors} From fields`)
    if (authors === 0) this.#tell(context, 'MISSING_FROM', 'no From field')
    if (!counts.has('message-id')) this.#tell(context, 'MISSING_MESSAGE_ID', 'no Message-ID field')
    const twice = ONCE.filter(name => (counts.get(name) ?? 0) > 1)
    if (twice.length > 0) this.#tell(context, 'DUPLICATE_FIELDS', `more than one of ${twice.join(', ')}`)
    this.#header(context, context.fields)
    this.#date(context)
    await this.#octets(context, context.source)
    return next()
  }

  #header(context: PhaseContext, fields: readonly HeaderField[]): void {
    const size = fields.reduce((sum, { name, value }) => sum + name.length + value.length + 4, 0)
    if (size > LARGE_HEADER || fields.length > MANY_FIELDS)
      this.#tell(context, 'LARGE_HEADER', `${fields.length} fields of ${size} characters`)
    // Octets that are neither ASCII nor UTF-8 were read as this sign. RFC 6532 §3.2.
    const broken = fields.find(({ value }) => value.includes('\ufffd'))
    if (broken !== undefined) this.#tell(context, 'BROKEN_HEADER', `the field ${broken.name.slice(0, 76)} is not text`)
  }

  #date(context: MessageContext): void {
    const given = context.header('Date')
    if (given === undefined) {
      this.#tell(context, 'MISSING_DATE', 'no Date field')
      return
    }
    const sent = parseSentDate(given)?.time
    if (sent === undefined || Number.isNaN(sent)) {
      this.#tell(context, 'INVALID_DATE', `the Date field has no date: ${given.slice(0, 60)}`)
      return
    }
    const ago = this.#options.clock.now() - sent
    const days = (Math.abs(ago) / 86_400_000).toFixed(1)
    if (-ago > this.#options.ahead) this.#tell(context, 'DATE_IN_FUTURE', `dated ${days} days ahead`)
    if (ago > this.#options.behind) this.#tell(context, 'DATE_IN_PAST', `dated ${days} days ago`)
  }

  async #octets(context: PhaseContext, source: MessageSource): Promise<void> {
    const end = Math.min(source.size, this.#options.octets)
    let longest = 0
    let lineStart = 0
    let nuls = 0
    let bare = 0
    let before = 0
    for (let at = 0; at < end && !context.signal.aborted; at += SLICE) {
      const slice = await source.read(at, Math.min(end, at + SLICE))
      for (let index = 0; index < slice.length; index++) {
        const octet = slice[index]
        if (octet === 0) nuls++
        else if (octet === 0x0a) {
          if (before !== 0x0d) bare++
          longest = Math.max(longest, at + index - lineStart - (before === 0x0d ? 1 : 0))
          lineStart = at + index + 1
        } else if (before === 0x0d) bare++
        before = octet ?? 0
      }
    }
    longest = Math.max(longest, end - lineStart)
    // RFC 5322 §2.1.1: "Each line of characters MUST be no more than 998 characters".
    if (longest > 998) this.#tell(context, 'LONG_LINES', `a line of ${longest} octets`)
    if (nuls > 0) this.#tell(context, 'NUL_OCTETS', `${nuls} octets that are NUL`)
    if (bare > 0) this.#tell(context, 'BARE_LINE_ENDS', `${bare} times CR or LF without the other`)
  }

  #tell({ trace }: PhaseContext, symbol: SanitySymbol, text: string): void {
    trace.note(text)
    const score = this.#options.scores[symbol] ?? SANITY_SCORES[symbol]
    if (score !== 0) trace.symbol(symbol, score, text)
  }
}

function passedOver({ connection }: PhaseContext): boolean {
  return connection.principal !== undefined || isNearby(connection.remote.address)
}
