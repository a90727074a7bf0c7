/** Adds up the symbols that filters put into the scale, and decides on the sum. */

import type { DeliveryContext, MessageContext, Middleware, Next, ScoreSymbol, TraceEntry, Verdict } from '../../contracts/index.ts'
import { ConfigurationError, defer, quarantine, reject } from '../../contracts/index.ts'

/** Options of {@link score}. */
export interface ScoreOptions {
  /** From this sum on a message gets the fields `X-Spam-Score` and `X-Spam-Symbols`. `-Infinity`: always. Default 4. */
  readonly headerAt?: number
  /** From this sum on a message goes to Junk. Default 6. */
  readonly quarantineAt?: number
  /** From this sum on a message is refused (550 5.7.1). Default 15. */
  readonly rejectAt?: number
  /**
   * From this sum on a message is put off (451 4.7.1), before it is quarantined or refused; it then comes again and again until its
   * server gives up or the sum has fallen. Default: never.
   */
  readonly deferAt?: number
  /** Whether mail of those who have logged in is weighed as well. Default `false`. */
  readonly principals?: boolean
  /** Takes an account's mail out of Junk again when what is known for this account alone brings the sum below `quarantineAt`. Default `true`. */
  readonly rescue?: boolean
  /** What a refused client reads. Default `This message looks like spam`. */
  readonly text?: string
}

/** Fields of ours: whoever sends them forges them. */
const FIELDS = ['X-Spam-Score', 'X-Spam-Symbols'] as const
/** Symbols that are named in a field or a note. */
const MOST_NAMED = 40

/**
 * The scale. Put it before (outside of) the filters that weigh: it waits for them, sums up and decides.
 *
 * In the phase `message` it refuses, defers, quarantines and adds fields, by what holds for all recipients. In the phase `deliver`
 * it adds what filters know for one account (its own Bayes words, its known correspondents) and sends that copy to Junk, or takes
 * it out of there; one account's opinion refuses nothing.
 *
 * A verdict of a filter below that is harder than its own stands. Messages that clients store themselves are not weighed, and those
 * of who has logged in only with `principals`.
 *
 * @example
 * ```ts
 * import { sanity } from 'mailwright/filters/sanity'
 * import { score } from 'mailwright/filters/score'
 *
 * const chain = [score({ quarantineAt: 5 }), sanity()]
 * ```
 */
export function score(options: ScoreOptions = {}): Middleware {
  return new Score(options)
}

class Score implements Middleware {
  readonly name = 'score'
  readonly #options: Required<Omit<ScoreOptions, 'deferAt'>> & { readonly deferAt: number }

  constructor(options: ScoreOptions) {
    this.#options = {
      headerAt: options.headerAt ?? 4,
      quarantineAt: options.quarantineAt ?? 6,
      rejectAt: options.rejectAt ?? 15,
      deferAt: options.deferAt ?? Number.POSITIVE_INFINITY,
      principals: options.principals ?? false,
      rescue: options.rescue ?? true,
      text: options.text ?? 'This message looks like spam',
    }
    const { headerAt, quarantineAt, rejectAt, deferAt } = this.#options
    if ([headerAt, quarantineAt, rejectAt, deferAt].some(Number.isNaN) || quarantineAt > rejectAt) {
      throw new ConfigurationError('MW_SCORE_THRESHOLDS', `quarantineAt (${quarantineAt}) must not be above rejectAt (${rejectAt})`)
    }
  }

  async message(context: MessageContext, next: Next): Promise<Verdict> {
    const weighed = context.envelope !== undefined && (this.#options.principals || context.connection.principal === undefined)
    if (!weighed) return next()
    for (const field of FIELDS) context.edits.remove(field)
    const below = await next()
    if (below.kind !== 'accept' && below.kind !== 'quarantine') return below
    const symbols = context.trace.symbols
    const sum = sumOf(symbols)
    if (symbols.length > 0) context.trace.note(`score ${shown(sum)}: ${named(symbols)}`)
    const { headerAt, quarantineAt, rejectAt, deferAt, text } = this.#options
    if (sum >= rejectAt) return reject(text, '5.7.1')
    if (sum >= deferAt) return defer(text, '4.7.1')
    if (sum >= headerAt) {
      context.edits.add('X-Spam-Symbols', named(symbols))
      context.edits.add('X-Spam-Score', shown(sum))
    }
    return below.kind === 'accept' && sum >= quarantineAt ? quarantine(`score ${shown(sum)} of ${quarantineAt}`) : below
  }

  async deliver(context: DeliveryContext, next: Next): Promise<Verdict> {
    if (!this.#options.principals && context.connection.principal !== undefined) return next()
    const { trace } = context
    // Copies are decided on one after the other, in one record: what was noted for others is not this account's.
    const began = trace.entries.length
    const common = trace.entries.filter(({ phase }) => phase !== 'deliver')
    const below = await next()
    if (below.kind !== 'accept') return below
    const own = trace.entries.slice(began).flatMap(({ symbols }) => symbols ?? [])
    if (own.length === 0) return below
    const sum = sumOf([...common.flatMap(({ symbols }) => symbols ?? []), ...own])
    trace.note(`score ${shown(sum)} for this account: ${named(own)}`)
    const { quarantineAt, rescue } = this.#options
    if (sum >= quarantineAt) return quarantine(`score ${shown(sum)} of ${quarantineAt} for this account`)
    if (rescue && this.#putAside(common)) {
      trace.note('taken out of Junk for this account')
      context.mailbox = undefined
    }
    return below
  }

  /** Whether this filter, and no other below it, sent the message to Junk. */
  #putAside(common: readonly TraceEntry[]): boolean {
    const aside = common.filter(({ phase, verdict }) => phase === 'message' && verdict.kind === 'quarantine')
    return aside.length > 0 && aside.every(({ middleware }) => middleware === this.name)
  }
}

function sumOf(symbols: readonly ScoreSymbol[]): number {
  return Math.round(symbols.reduce((sum, symbol) => sum + symbol.score, 0) * 100) / 100
}

function shown(sum: number): string {
  return String(Math.round(sum * 100) / 100)
}

/** The heaviest first. */
function named(symbols: readonly ScoreSymbol[]): string {
  return [...symbols]
    .sort((a, b) => Math.abs(b.score) - Math.abs(a.score))
    .slice(0, MOST_NAMED)
    .map(symbol => `${symbol.name} ${shown(symbol.score)}`)
    .join(', ')
}
