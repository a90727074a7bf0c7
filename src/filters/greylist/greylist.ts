/** Puts off strangers once, and lets in who comes back: software that only ever tries once is not worth listening to. RFC 6647. */

import type { Clock, MailAddress, Middleware, Next, RecipientContext, StateTable, Verdict } from '../../contracts/index.ts'
import { ConfigurationError, defer, MailError } from '../../contracts/index.ts'
import { isNearby, siteOf } from '../client-network.ts'
import { organisationOf } from '../organisation.ts'

/** Options of {@link greylist}. */
export interface GreylistOptions {
  /** Where strangers are remembered. */
  readonly state: StateTable
  /** Milliseconds that a stranger must wait. Default 60,000: RFC 6647 §5 asks for at least a minute. */
  readonly delay?: number
  /** Milliseconds within which a stranger must have come back; later counts as new. Default 172,800,000 (2 days). */
  readonly retryWithin?: number
  /** Milliseconds for which who came back is remembered since the last message. Default 3,110,400,000 (36 days). */
  readonly remember?: number
  /** Messages that came back from a network for an organisation, after which all further ones are let in at once. 0: never. Default 2. */
  readonly learnAfter?: number
  /**
   * Only clients against whom the symbols so far weigh at least this much are put off; of others it is only learned. Put filters
   * that weigh the connection and the sender before (outside of) this one. Default: every stranger.
   */
  readonly from?: number
  /** Whoever has one of these symbols is no stranger: `SPF_PASS` where spammers with domains of their own are no worry. Default: none. */
  readonly exceptSymbols?: readonly string[]
  /** Recipients, as `local@domain` or `local@` for every domain, that take mail from strangers at once. Default `postmaster@` and `abuse@`. */
  readonly exceptRecipients?: readonly string[]
  /** Whether a sender is known to the recipient, by your own knowledge. Default: nobody is. */
  readonly isKnown?: (context: RecipientContext) => boolean | Promise<boolean>
  /** Default: the machine's clock. */
  readonly clock?: Pick<Clock, 'now'>
}

const STRANGERS = 'greylist'
const FRIENDS = 'greylist-known'

/**
 * Answers `451 4.7.1` to the first attempt of a network (an IPv4 /24, an IPv6 /48) to send from this sender to this recipient, and says
 * how many seconds to wait. Who comes back after the delay is let in from then on; a network that came back `learnAfter` times for one
 * organisation is let in with everything from there.
 *
 * Only recipients that the directory knows are counted. Who has logged in, nearby networks, and mail to the postmaster are never put
 * off; neither is anybody while the table cannot be read.
 *
 * @example
 * ```ts
 * import { greylist } from 'mailwright/filters/greylist'
 * import { sqliteState } from 'mailwright/stores/sqlite'
 *
 * const state = sqliteState({ path: 'data/state.sqlite' })
 * const filter = greylist({ state, delay: 120_000, exceptSymbols: ['SPF_PASS'] })
 * ```
 */
export function greylist(options: GreylistOptions): Middleware {
  return new Greylist(options)
}

class Greylist implements Middleware {
  readonly name = 'greylist'
  readonly #options: Required<Omit<GreylistOptions, 'from'>> & { readonly from: number }

  constructor(options: GreylistOptions) {
    this.#options = {
      state: options.state,
      delay: options.delay ?? 60_000,
      retryWithin: options.retryWithin ?? 172_800_000,
      remember: options.remember ?? 3_110_400_000,
      learnAfter: options.learnAfter ?? 2,
      from: options.from ?? Number.NEGATIVE_INFINITY,
      exceptSymbols: options.exceptSymbols ?? [],
      exceptRecipients: (options.exceptRecipients ?? ['postmaster@', 'abuse@']).map(text => text.toLowerCase()),
      isKnown: options.isKnown ?? (() => false),
      clock: options.clock ?? { now: () => Date.now() },
    }
    const { delay, retryWithin, remember } = this.#options
    if (!(delay > 0 && delay < retryWithin && remember > 0)) {
      throw new ConfigurationError('MW_GREYLIST_TIMES', `delay (${delay}) must be above 0 and below retryWithin (${retryWithin})`)
    }
  }

  async recipient(context: RecipientContext, next: Next): Promise<Verdict> {
    const verdict = await next()
    const { connection, trace } = context
    // Whom the directory does not know need not come back.
    if (verdict.kind !== 'accept' || connection.principal !== undefined) return verdict
    const network = siteOf(connection.remote.address)
    const exempt = isNearby(connection.remote.address) ? 'a network of one’s own' : await this.#exemption(context)
    if (exempt !== undefined || network === '') {
      trace.note(`let in: ${exempt ?? 'no address to know it by'}`)
      return verdict
    }
    try {
      return (await this.#putOff(context, network)) ?? verdict
    } catch (error) {
      if (!(error instanceof MailError)) throw error
      trace.note(`let in: strangers could not be looked up: ${error.message}`)
      return verdict
    }
  }

  async #putOff(context: RecipientContext, network: string): Promise<Verdict | undefined> {
    const { state, delay, retryWithin, remember, learnAfter, from, clock } = this.#options
    const { trace, signal, sender, recipient } = context
    const now = clock.now()
    const organisation = organisationKey(network, sender)
    const friend = (await state.read(FRIENDS, [organisation], { signal })).get(organisation)
    if (learnAfter > 0 && (friend?.first ?? 0) >= learnAfter) {
      trace.note(`let in: ${organisation} has come back ${friend?.first ?? 0} times`)
      // The end moves on, the count does not.
      await state.add(FRIENDS, [{ key: organisation, expiresAt: now + remember }], { signal })
      return undefined
    }
    const key = `${network} ${senderKey(sender)} ${printed(recipient)}`.slice(0, 500)
    const [row] = await state.add(STRANGERS, [{ key, first: 1 }], { signal })
    if (row === undefined) return undefined
    const left = row.createdAt + delay - now
    if (row.second > 0 || left <= 0) {
      // `second` counts the times that it was let in; the first of them is what the network learns from.
      const [passed] = await state.add(STRANGERS, [{ key, second: 1, expiresAt: now + remember }], { signal })
      if (passed?.second === 1) await state.add(FRIENDS, [{ key: organisation, first: 1, expiresAt: now + remember }], { signal })
      trace.note(row.second > 0 ? 'let in: known by sender and recipient' : `let in: came back after ${shown(now - row.createdAt)}`)
      return undefined
    }
    if (row.first === 1) await state.add(STRANGERS, [{ key, expiresAt: row.createdAt + retryWithin }], { signal })
    const weight = trace.symbols.reduce((sum, symbol) => sum + symbol.score, 0)
    if (weight < from) {
      trace.note(`let in: a stranger, but what is known weighs ${weight} only`)
      return undefined
    }
    trace.note(`put off: a stranger's attempt ${row.first} (${key}), ${shown(left)} to wait`)
    return defer(`Greylisted, please try again in ${Math.ceil(left / 1000)} seconds`, '4.7.1')
  }

  async #exemption(context: RecipientContext): Promise<string | undefined> {
    const { exceptSymbols, exceptRecipients, isKnown } = this.#options
    const symbol = context.trace.symbols.find(({ name }) => exceptSymbols.includes(name))
    if (symbol !== undefined) return symbol.name
    const recipient = printed(context.recipient)
    if (exceptRecipients.some(except => (except.endsWith('@') ? recipient.startsWith(except) : recipient === except))) {
      return 'the recipient takes mail from strangers'
    }
    return (await isKnown(context)) ? 'the sender is known' : undefined
  }
}

function organisationKey(network: string, sender: MailAddress | undefined): string {
  return `${network} ${sender === undefined ? '<>' : organisationOf(sender.domain)}`
}

/**
 * The sender without what changes from one attempt to the next: numbers, and addresses written into it for each bounce (VERP), of which
 * the domain stays.
 */
function senderKey(sender: MailAddress | undefined): string {
  if (sender === undefined) return '<>'
  const local = sender.local.toLowerCase().slice(0, 128)
  const plain = /[+=]/.test(local) ? (local.split(/[+=]/, 1)[0] ?? '') : local
  return `${plain.replaceAll(/\d+/g, '#').replaceAll(/\s/g, '_')}@${sender.domain.toLowerCase()}`.slice(0, 200).toWellFormed()
}

function printed({ local, domain }: MailAddress): string {
  return `${local.toLowerCase().slice(0, 128)}@${domain.toLowerCase()}`.toWellFormed()
}

function shown(ms: number): string {
  return `${Math.ceil(ms / 1000)} s`
}
