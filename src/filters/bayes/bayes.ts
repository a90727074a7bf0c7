/** Tells unwanted mail from wanted by the words of what was sorted before, for each account or for all together. */

import type {
  AccountId,
  CallOptions,
  Clock,
  DeliveryContext,
  MessageContext,
  MessageSource,
  Middleware,
  Next,
  PhaseContext,
  StateTable,
  Verdict,
} from '../../contracts/index.ts'
import { ConfigurationError, MailError } from '../../contracts/index.ts'
import { claim, lessonOf, messageDigest, release } from '../learned.ts'
import type { LearningResult, Lesson } from '../learned.ts'
import { messageText } from '../message-text.ts'
import { combine } from './opinion.ts'
import { tokensOf } from './tokens.ts'

/** Options of {@link bayes}. */
export interface BayesOptions {
  /** Where words and their counts are remembered. */
  readonly state: StateTable
  /**
   * `account`: everybody's own words, weighed in the phase `deliver`. `shared`: one table for all, weighed in the phase `message`.
   * Default `account`.
   */
  readonly scope?: 'account' | 'shared'
  /** Messages of each kind that must have been learned before it says anything: with fewer it takes newsletters for spam (see the guide). Default 100. */
  readonly minimum?: number
  /** The score of a message that is surely spam. Default 6.5: enough for Junk by itself where `score` has its defaults. */
  readonly spamScore?: number
  /** The score of one that is surely wanted. Default -3. */
  readonly hamScore?: number
  /** The probability from which on it speaks against a message. Default 0.9. */
  readonly spamFrom?: number
  /** The probability up to which it speaks for a message. Default 0.1. */
  readonly hamUpTo?: number
  /** Different words of a message that are weighed or learned. Default 1,500. */
  readonly tokens?: number
  /** Characters of text of a message that are looked at. Default 65,536. */
  readonly characters?: number
  /** Default: the machine's clock. */
  readonly clock?: Pick<Clock, 'now'>
}

/** What the words of a message say. */
export interface BayesOpinion {
  /** 0: wanted, 1: spam, about 0.5: it cannot tell. */
  readonly probability: number
  /** The words that decided, the strongest first: with the probability that each speaks for. */
  readonly words: readonly { readonly token: string; readonly probability: number }[]
  /** Messages that it rests on. */
  readonly learned: { readonly spam: number; readonly ham: number }
}

/** The filter, and what it is taught by. With the scope `shared` the account is not looked at. */
export interface Bayes extends Middleware {
  /**
   * Learns a message. Again is no error and changes nothing; as the other kind, the first lesson is taken back. Throws what the
   * table and the source throw; nothing was learned then.
   */
  learn(account: AccountId, source: MessageSource, as: Lesson, options?: CallOptions): Promise<LearningResult>
  /** Takes a lesson back; answers whether there was one. */
  unlearn(account: AccountId, source: MessageSource, options?: CallOptions): Promise<boolean>
  /** What it makes of a message; `undefined` as long as it has learned too little. */
  judge(account: AccountId, source: MessageSource, options?: CallOptions): Promise<BayesOpinion | undefined>
  /** Forgets all that was learned for an account (with the scope `shared`: for all). */
  forget(account: AccountId, options?: CallOptions): Promise<void>
  /** How many messages were learned. */
  learned(account: AccountId, options?: CallOptions): Promise<{ readonly spam: number; readonly ham: number }>
}

/** Keys of tokens are digits and small letters: this is none. */
const TOTAL = '#messages'
const DAY_MS = 86_400_000
/** Words that nobody has used for so long are forgotten. */
const REMEMBERED_MS = 400 * DAY_MS

/**
 * A naive Bayes filter (Robinson's word probabilities, Fisher's combination). It puts `BAYES_SPAM` or `BAYES_HAM` into the scale,
 * which `score` reads; it refuses nothing by itself. It says nothing until it has learned `minimum` messages of each kind, and
 * nothing when its table cannot be read.
 *
 * @example
 * ```ts
 * import { bayes } from 'mailwright/filters/bayes'
 * import { score } from 'mailwright/filters/score'
 * import { sqliteState } from 'mailwright/stores/sqlite'
 *
 * const state = sqliteState({ path: 'data/state.sqlite' })
 * const chain = [score(), bayes({ state })]
 * ```
 */
export function bayes(options: BayesOptions): Bayes {
  return options.scope === 'shared' ? new SharedBayes(options) : new AccountBayes(options)
}

abstract class BayesFilter {
  readonly name = 'bayes'
  readonly #state: StateTable
  readonly #clock: Pick<Clock, 'now'>
  readonly #options: Required<Omit<BayesOptions, 'state' | 'clock' | 'scope'>>

  constructor(options: BayesOptions) {
    this.#state = options.state
    this.#clock = options.clock ?? { now: () => Date.now() }
    this.#options = {
      minimum: options.minimum ?? 100,
      spamScore: options.spamScore ?? 6.5,
      hamScore: options.hamScore ?? -3,
      spamFrom: options.spamFrom ?? 0.9,
      hamUpTo: options.hamUpTo ?? 0.1,
      tokens: options.tokens ?? 1500,
      characters: options.characters ?? 65_536,
    }
    const { minimum, tokens, characters, spamFrom, hamUpTo } = this.#options
    // One row is for the sum, and a table takes 10,000 at a time.
    if (!(minimum >= 1 && tokens >= 1 && tokens < 10_000 && characters >= 1)) {
      throw new ConfigurationError('MW_BAYES_LIMITS', 'minimum, tokens (below 10,000) and characters must be at least 1')
    }
    if (!(hamUpTo >= 0 && hamUpTo < spamFrom && spamFrom < 1)) {
      throw new ConfigurationError('MW_BAYES_LIMITS', 'hamUpTo must be below spamFrom, both within 0 and 1')
    }
  }

  async learn(account: AccountId, source: MessageSource, as: Lesson, options?: CallOptions): Promise<LearningResult> {
    const [tokens, digest] = [await this.#tokens(source), await messageDigest(source)]
    const result = await claim(this.#state, this.#lessons(account), digest, as, this.#clock.now(), options)
    if (result === 'known') return result
    try {
      if (result === 'changed') await this.#count(account, tokens, as === 'spam' ? { spam: 1, ham: -1 } : { spam: -1, ham: 1 })
      else await this.#count(account, tokens, as === 'spam' ? { spam: 1, ham: 0 } : { spam: 0, ham: 1 })
    } catch (error) {
      await release(this.#state, this.#lessons(account), digest).catch(() => undefined)
      throw error
    }
    return result
  }

  async unlearn(account: AccountId, source: MessageSource, options?: CallOptions): Promise<boolean> {
    const [tokens, digest] = [await this.#tokens(source), await messageDigest(source)]
    const lesson = await lessonOf(this.#state, this.#lessons(account), digest, options)
    if (lesson === undefined) return false
    await release(this.#state, this.#lessons(account), digest)
    await this.#count(account, tokens, lesson === 'spam' ? { spam: -1, ham: 0 } : { spam: 0, ham: -1 })
    return true
  }

  async judge(account: AccountId, source: MessageSource, options?: CallOptions): Promise<BayesOpinion | undefined> {
    const learned = await this.learned(account, options)
    if (learned.spam < this.#options.minimum || learned.ham < this.#options.minimum) return undefined
    const tokens = await this.#tokens(source)
    const rows = await this.#state.read(this.#words(account), [...tokens.keys()], options)
    const counts = Array.from(rows.values(), ({ key, first, second }) => ({ token: tokens.get(key) ?? '', spam: first, ham: second }))
    return { ...combine(counts, learned), learned }
  }

  async learned(account: AccountId, options?: CallOptions): Promise<{ readonly spam: number; readonly ham: number }> {
    const row = (await this.#state.read(this.#words(account), [TOTAL], options)).get(TOTAL)
    return { spam: row?.first ?? 0, ham: row?.second ?? 0 }
  }

  async forget(account: AccountId, options?: CallOptions): Promise<void> {
    await this.#state.drop(this.#words(account), undefined, options)
    await this.#state.drop(this.#lessons(account), undefined, options)
  }

  /** Judges and tells. */
  protected async weigh(context: PhaseContext & { readonly source: MessageSource }, account: AccountId): Promise<void> {
    const { trace, signal, source } = context
    let opinion: BayesOpinion | undefined
    try {
      opinion = await this.judge(account, source, { signal })
    } catch (error) {
      // Not knowing is no reason to keep mail waiting.
      if (!(error instanceof MailError)) throw error
      trace.note(`the words could not be looked up: ${error.message}`)
      return
    }
    if (opinion === undefined) {
      const { spam, ham } = await this.learned(account, { signal })
      trace.note(`says nothing yet: has learned ${spam} spam and ${ham} wanted messages, needs ${this.#options.minimum} of each`)
      return
    }
    const { probability, words, learned } = opinion
    const told = words.slice(0, 8).map(({ token, probability }) => `${token} ${probability.toFixed(2)}`)
    const text = `probability of spam ${probability.toFixed(4)} by ${words.length} words of ${learned.spam} spam and ${learned.ham} wanted messages`
    trace.note(`${text}; strongest: ${told.join(', ')}`)
    const { spamFrom, hamUpTo, spamScore, hamScore } = this.#options
    // From less than half of the score at the limit to all of it where there is no doubt.
    if (probability >= spamFrom) trace.symbol('BAYES_SPAM', rounded(spamScore * sureness(1 - probability, 1 - spamFrom)), text)
    else if (probability <= hamUpTo) trace.symbol('BAYES_HAM', rounded(hamScore * sureness(probability, hamUpTo)), text)
  }

  protected abstract table(account: AccountId): string

  async #tokens(source: MessageSource): Promise<ReadonlyMap<string, string>> {
    return tokensOf(await messageText(source), this.#options)
  }

  async #count(
    account: AccountId,
    tokens: ReadonlyMap<string, string>,
    by: { readonly spam: number; readonly ham: number },
  ): Promise<void> {
    // By the day: an end that stays the same costs a table nothing.
    const expiresAt = Math.ceil(this.#clock.now() / DAY_MS) * DAY_MS + REMEMBERED_MS
    const changes = [...tokens.keys()].map(key => ({ key, first: by.spam, second: by.ham, expiresAt }))
    const rows = await this.#state.add(this.#words(account), [{ key: TOTAL, first: by.spam, second: by.ham }, ...changes])
    const empty = rows.filter(({ key, first, second }) => first === 0 && second === 0 && key !== TOTAL).map(({ key }) => key)
    if (empty.length > 0) await this.#state.drop(this.#words(account), empty)
  }

  #words(account: AccountId): string {
    return `bayes/${this.table(account)}`
  }

  #lessons(account: AccountId): string {
    return `bayes-lessons/${this.table(account)}`
  }
}

class AccountBayes extends BayesFilter implements Bayes {
  async deliver(context: DeliveryContext, next: Next): Promise<Verdict> {
    if (context.connection.principal === undefined) await this.weigh(context, context.account.id)
    return next()
  }

  protected table(account: AccountId): string {
    return `of/${account}`
  }
}

class SharedBayes extends BayesFilter implements Bayes {
  async message(context: MessageContext, next: Next): Promise<Verdict> {
    if (context.envelope !== undefined && context.connection.principal === undefined) await this.weigh(context, '')
    return next()
  }

  protected table(): string {
    return 'shared'
  }
}

/** 1 for no doubt at all, 0.4 at the limit. */
function sureness(doubt: number, limit: number): number {
  return limit <= 0 ? 1 : 1 - 0.6 * Math.min(1, doubt / limit)
}

function rounded(score: number): number {
  return Math.round(score * 100) / 100
}
