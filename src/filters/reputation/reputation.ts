/** What an account knows of its correspondents: whom it has written to, and whose mail it moved to Junk or out of it. */

import type {
  AccountId,
  CallOptions,
  Clock,
  DeliveryContext,
  MailAddress,
  MessageContext,
  MessageSource,
  Middleware,
  Next,
  StateRow,
  StateTable,
  Verdict,
} from '../../contracts/index.ts'
import { MailError } from '../../contracts/index.ts'
import { canonicalAddress, parseAddressList } from '../../mime/index.ts'
import { claim, messageDigest, release } from '../learned.ts'
import type { LearningResult, Lesson } from '../learned.ts'
import { messageText } from '../message-text.ts'
import type { TextField } from '../message-text.ts'
import { organisationOf } from '../organisation.ts'
import { hasPassed } from './passed.ts'

/** Options of {@link reputation}. */
export interface ReputationOptions {
  /** Where correspondents are remembered. */
  readonly state: StateTable
  /**
   * Symbols that say that the From address is no lie; without one of them in the scale nobody is known, however well. Default
   * `['DMARC_PASS']`, which `sender-auth` gives.
   */
  readonly verifiedBy?: readonly string[]
  /** The server's name in the `Authentication-Results` fields that it adds: what a stored message's standing is read from. Default: lessons count for addresses that are claimed only. RFC 8601 §2.5. */
  readonly authservId?: string
  /** The score of a verified address that the account has written to. Default -5. */
  readonly knownScore?: number
  /** The score of a verified address or organisation whose mail was wanted before. Default -2. */
  readonly goodScore?: number
  /** The score of one whose mail went to Junk. Default 4. */
  readonly badScore?: number
  /** Default: the machine's clock. */
  readonly clock?: Pick<Clock, 'now'>
}

/** The filter, and what it is taught by. */
export interface Reputation extends Middleware {
  /** Learns that a stored message was spam or wanted. Again changes nothing; as the other kind, the first lesson is taken back. */
  learn(account: AccountId, source: MessageSource, as: Lesson, options?: CallOptions): Promise<LearningResult>
  /** Remembers that the account has written to these addresses. */
  wroteTo(account: AccountId, addresses: readonly MailAddress[], options?: CallOptions): Promise<void>
  /** Forgets all that is known of an account's correspondents. */
  forget(account: AccountId, options?: CallOptions): Promise<void>
}

const REMEMBERED_MS = 400 * 86_400_000
/** Recipients of one message that become correspondents: a newsletter's readers are none. */
const MOST_WRITTEN_TO = 50
/** Lessons about an organisation before it stands for its people. */
const LEAST_OF_ORGANISATION = 5

/**
 * Weighs the sender of a message by what the receiving account did before: `REPUTATION_GOOD` for those it has written to (every
 * submission of a logged-in user teaches that) and those whose mail it wanted, `REPUTATION_BAD` for those whose mail it moved to Junk.
 *
 * A From address is easily forged, so good comes to verified addresses only (S15), and what is learned of a mere claim is kept
 * apart from what is learned of the real owner: a forger can neither borrow nor spoil a name.
 *
 * @example
 * ```ts
 * import { reputation } from 'mailwright/filters/reputation'
 * import { sqliteState } from 'mailwright/stores/sqlite'
 *
 * const state = sqliteState({ path: 'data/state.sqlite' })
 * const filter = reputation({ state, authservId: 'mx.example.org' })
 * ```
 */
export function reputation(options: ReputationOptions): Reputation {
  return new AccountReputation(options)
}

class AccountReputation implements Reputation {
  readonly name = 'reputation'
  readonly #state: StateTable
  readonly #clock: Pick<Clock, 'now'>
  readonly #options: ReputationOptions
  readonly #verifiedBy: ReadonlySet<string>
  readonly #scores: { readonly known: number; readonly good: number; readonly bad: number }

  constructor(options: ReputationOptions) {
    this.#options = options
    this.#state = options.state
    this.#clock = options.clock ?? { now: () => Date.now() }
    this.#verifiedBy = new Set(options.verifiedBy ?? ['DMARC_PASS'])
    this.#scores = { known: options.knownScore ?? -5, good: options.goodScore ?? -2, bad: options.badScore ?? 4 }
  }

  /** Who has logged in and sends makes correspondents. */
  async message(context: MessageContext, next: Next): Promise<Verdict> {
    const verdict = await next()
    const { principal } = context.connection
    if (principal === undefined || context.envelope === undefined || verdict.kind !== 'accept') return verdict
    try {
      await this.wroteTo(principal.account.id, context.envelope.recipients, { signal: context.signal })
      context.trace.note('recipients remembered as correspondents')
    } catch (error) {
      if (!(error instanceof MailError)) throw error
      context.trace.note(`correspondents could not be remembered: ${error.message}`)
    }
    return verdict
  }

  async deliver(context: DeliveryContext, next: Next): Promise<Verdict> {
    const { account, trace, connection, signal } = context
    // Only the header as a whole says how many From fields there are.
    const from = authorIn((await messageText(context.source)).fields)
    if (connection.principal !== undefined || from === undefined || printed(from) === account.address.toLowerCase()) return next()
    const verified = trace.symbols.some(({ name }) => this.#verifiedBy.has(name))
    const keys = keysOf(from, verified)
    let rows: ReadonlyMap<string, StateRow>
    try {
      rows = await this.#state.read(spaceOf(account.id), [keys.written, keys.address, keys.organisation], { signal })
    } catch (error) {
      if (!(error instanceof MailError)) throw error
      trace.note(`correspondents could not be looked up: ${error.message}`)
      return next()
    }
    this.#weigh(context, from, verified, rows)
    return next()
  }

  async wroteTo(account: AccountId, addresses: readonly MailAddress[], options?: CallOptions): Promise<void> {
    const expiresAt = this.#clock.now() + REMEMBERED_MS
    const changes = addresses.slice(0, MOST_WRITTEN_TO).map(address => ({ key: keysOf(address, true).written, first: 1, expiresAt }))
    if (changes.length > 0) await this.#state.add(spaceOf(account), changes, options)
  }

  async learn(account: AccountId, source: MessageSource, as: Lesson, options?: CallOptions): Promise<LearningResult> {
    const { fields } = await messageText(source)
    const from = authorIn(fields)
    if (from === undefined) return 'known'
    const lessons = lessonsOf(account)
    const digest = await messageDigest(source)
    const result = await claim(this.#state, lessons, digest, as, this.#clock.now(), options)
    if (result === 'known') return result
    const keys = keysOf(from, hasPassed(fields, this.#options.authservId))
    const changed = result === 'changed' ? -1 : 0
    const counters = as === 'ham' ? { first: 1, second: changed } : { first: changed, second: 1 }
    const expiresAt = this.#clock.now() + REMEMBERED_MS
    try {
      await this.#state.add(
        spaceOf(account),
        [keys.address, keys.organisation].map(key => ({ key, ...counters, expiresAt })),
        options,
      )
    } catch (error) {
      await release(this.#state, lessons, digest).catch(() => undefined)
      throw error
    }
    return result
  }

  async forget(account: AccountId, options?: CallOptions): Promise<void> {
    await this.#state.drop(spaceOf(account), undefined, options)
    await this.#state.drop(lessonsOf(account), undefined, options)
  }

  #weigh({ trace }: DeliveryContext, from: MailAddress, verified: boolean, rows: ReadonlyMap<string, StateRow>): void {
    const keys = keysOf(from, verified)
    const written = rows.get(keys.written)?.first ?? 0
    const address = balanceOf(rows.get(keys.address))
    const organisation = balanceOf(rows.get(keys.organisation))
    const who = printed(from)
    const tell = (name: string, score: number, text: string): void => {
      trace.note(text)
      trace.symbol(name, score, text)
    }
    if (!verified && written > 0) trace.note(`${who} is known here, but nothing proves that this is from there`)
    if (address.bad > address.good) {
      const share = Math.min(1, (address.bad - address.good) / 2)
      tell('REPUTATION_BAD', this.#scores.bad * share, `${address.bad} messages from ${who} went to Junk, ${address.good} were wanted`)
    } else if (verified && written > 0) {
      tell('REPUTATION_GOOD', this.#scores.known, `the account has written to ${who} ${written} times`)
    } else if (verified && address.good > address.bad) {
      tell('REPUTATION_GOOD', this.#scores.good, `${address.good} messages from ${who} were wanted, ${address.bad} went to Junk`)
    } else if (organisation.bad >= LEAST_OF_ORGANISATION && organisation.good === 0) {
      tell(
        'REPUTATION_BAD',
        this.#scores.bad / 2,
        `${organisation.bad} messages from ${organisationOf(from.domain)} went to Junk, none was wanted`,
      )
    } else if (verified && organisation.good >= LEAST_OF_ORGANISATION && organisation.bad === 0) {
      tell(
        'REPUTATION_GOOD',
        this.#scores.good / 2,
        `${organisation.good} messages from ${organisationOf(from.domain)} were wanted, none went to Junk`,
      )
    } else trace.note(`nothing is known of ${who}`)
  }
}

function balanceOf(row: StateRow | undefined): { readonly good: number; readonly bad: number } {
  return { good: row?.first ?? 0, bad: row?.second ?? 0 }
}

function spaceOf(account: AccountId): string {
  return `reputation/${account}`
}

function lessonsOf(account: AccountId): string {
  return `reputation-lessons/${account}`
}

/** Keys of what may be known of an address: of who proved it, or of all who claim it. */
function keysOf(
  address: MailAddress,
  verified: boolean,
): { readonly written: string; readonly address: string; readonly organisation: string } {
  const standing = verified ? 'verified' : 'claimed'
  const name = printed(address)
  return { written: `written ${name}`, address: `${standing} ${name}`, organisation: `${standing} @${organisationOf(address.domain)}` }
}

/** Local parts that differ in case alone are one correspondent's. */
function printed({ local, domain }: MailAddress): string {
  return `${local.toLowerCase().slice(0, 128)}@${domain.toLowerCase()}`.toWellFormed()
}

/** The one author of a message; whoever names several, or none, has no name (S15). */
function authorIn(header: readonly TextField[]): MailAddress | undefined {
  const fields = header.filter(({ name }) => name === 'from')
  if (fields.length !== 1) return undefined
  const [first, second] = parseAddressList(fields[0]?.raw ?? '')
  if (first?.mailbox === undefined || first.host === undefined || second !== undefined) return undefined
  return canonicalAddress(`${first.mailbox}@${first.host}`)
}
