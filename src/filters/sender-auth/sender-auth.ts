/** Finds out who sent a message and does with it what its author's domain and the host want. RFC 8601; RFC 9989; S15 to S20. */

import type { Clock, DeliveryContext, MessageContext, Middleware, Next, Resolver, Verdict } from '../../contracts/index.ts'
import { ConfigurationError, defer, quarantine, reject } from '../../contracts/index.ts'
import { KeyCache } from '../../dkim/index.ts'
import { canonicalDomain } from '../../mime/index.ts'
import { organisationOf } from '../organisation.ts'
import { Examiner } from './examine.ts'
import { Fallback } from './fallback.ts'
import type { Findings } from './findings.ts'
import { isInside, Policy, prefixOf, vouchersOf, type Decision, type SenderAuthAction, type SenderAuthPolicy } from './policy.ts'
import { receivedSpfValue, resultsValue } from './results-field.ts'
import { claimsToBe } from './results-reader.ts'
import { SENDER_AUTH_SCORES, symbolsOf, type SenderAuthSymbol } from './scores.ts'
import { machineClock } from '../machine-clock.ts'

/** Options of {@link senderAuth}. */
export interface SenderAuthOptions {
  readonly resolver: Resolver
  /** How this host names itself in Authentication-Results: its `authserv-id`. RFC 8601 §2.5. */
  readonly hostname: string
  /** Further names whose Authentication-Results are removed: of hosts behind or before this one that write such fields. Default: none. */
  readonly alsoOurs?: readonly string[]
  /** What each result does. Default: as the author's domain asks; what names no author is refused. */
  readonly policy?: SenderAuthPolicy
  /** Domains whose ARC seals are believed: forwarders and lists that you know. Default: none. S19. */
  readonly trustedSealers?: readonly string[]
  /** Clients that are not checked: addresses and networks. Default: none; loopback and private addresses are checked like others. */
  readonly exempt?: readonly string[]
  /** Adds `Received-SPF` too. Default `false`. RFC 7208 §9.1. */
  readonly receivedSpf?: boolean
  /** Whether the client's name is looked up backwards. Default `true`. RFC 8601 §2.7.3. */
  readonly iprev?: boolean
  /** Whether the record of a picture is looked up; the picture never is. Default `false`. */
  readonly bimi?: boolean
  /**
   * Whether a signature that leaves out Content-Type vouches for the author's domain. Default `unaligned` (S16): the type decides what
   * is shown. Some large senders do not sign it; their mail then rests on SPF, unless `aligned` is chosen.
   */
  readonly unsignedContentType?: 'unaligned' | 'aligned'
  /** Questions of DNS for one message. Default 60. */
  readonly questions?: number
  /** Milliseconds for one message. Default 10,000. */
  readonly within?: number
  /** Whether `mailauth` is asked, on a thread, about signatures of kinds that are not known here. Default `true`. */
  readonly fallback?: boolean
  /** What symbols weigh instead of `SENDER_AUTH_SCORES`. */
  readonly scores?: Partial<Readonly<Record<SenderAuthSymbol, number>>>
  /** Told of each message that was examined, for reports to the authors' domains. Must not throw. */
  readonly onExamined?: (examined: ExaminedMessage) => void
  /** Default: the machine's clock. */
  readonly clock?: Clock
}

/** A message that was examined, and what was done with it. */
export interface ExaminedMessage {
  readonly findings: Findings
  /** The client's address. */
  readonly client: string
  readonly envelopeFrom: string
  readonly envelopeTo: readonly string[]
  /** What was done, for the recipient who was spared most. */
  readonly decision: Decision
  /** Milliseconds since the epoch. */
  readonly at: number
}

/** What is left in `context.shared` for others: the findings, and the value of the field that tells them (for ARC). */
export interface SenderAuthentication {
  readonly findings: Findings
  /** Value of the Authentication-Results field that was added. RFC 8617 §4.1.1 puts it behind `i=`. */
  readonly field: string
  /** The same without this server's name: what `arcSealer` takes as `facts.results`, with `findings.arc.result` as `chain`. */
  readonly results: string
  readonly decision: Decision
}

/** Key in `context.shared` under which {@link SenderAuthentication} of the present message lies; absent where none was examined. */
export const SENDER_AUTHENTICATION: unique symbol = Symbol('mailwright.sender-authentication')
const DECISIONS: unique symbol = Symbol('mailwright.sender-auth.decisions')

const HARSHNESS: readonly SenderAuthAction[] = ['none', 'quarantine', 'defer', 'reject']
const RESULTS = 'Authentication-Results'

/**
 * Checks SPF, DKIM, DMARC, ARC and the client's name; adds `Authentication-Results`, removes forged ones, puts symbols into the scale,
 * and refuses, defers or quarantines by the policy. Put it outside of filters that use what it finds.
 *
 * Mail of those who have logged in, mail over LMTP and messages that clients store themselves are not checked.
 *
 * @example
 * ```ts
 * import { systemResolver } from 'mailwright/dns'
 * import { senderAuth } from 'mailwright/filters/sender-auth'
 *
 * const filter = senderAuth({
 *   resolver: systemResolver(),
 *   hostname: 'mx.example.org',
 *   trustedSealers: ['lists.example.net'],
 *   policy: { overrides: [{ networks: ['192.0.2.0/24'], action: 'none', reason: 'trusted_forwarder' }] },
 * })
 * ```
 */
export function senderAuth(options: SenderAuthOptions): Middleware {
  return new SenderAuth(options)
}

class SenderAuth implements Middleware {
  readonly name = 'sender-auth'
  readonly #options: SenderAuthOptions
  readonly #clock: Clock
  readonly #policy: Policy
  readonly #examiner: Examiner
  readonly #exempt: readonly ReturnType<typeof prefixOf>[]
  readonly #id: string
  readonly #ours: readonly string[]

  constructor(options: SenderAuthOptions) {
    const { hostname, trustedSealers = [], questions = 60, within = 10_000, scores = {} } = options
    const id = canonicalDomain(hostname)
    if (id === undefined) throw new ConfigurationError('MW_SENDER_AUTH_HOSTNAME', `${hostname} is no name of a host`)
    if (!(questions >= 10) || !(within >= 1)) throw new ConfigurationError('MW_SENDER_AUTH_BUDGET', 'at least 10 questions and 1 ms')
    for (const [symbol, score] of Object.entries(scores))
      if (!(symbol in SENDER_AUTH_SCORES) || !Number.isFinite(score))
        throw new ConfigurationError('MW_SENDER_AUTH_SCORE', `${symbol} with ${score} is no score of sender-auth`)
    this.#options = options
    this.#clock = options.clock ?? machineClock
    this.#policy = new Policy(options.policy)
    this.#exempt = (options.exempt ?? []).map(prefixOf)
    this.#id = id
    this.#ours = [id, hostname.toLowerCase(), ...(options.alsoOurs ?? []).map(name => name.toLowerCase())]
    this.#examiner = new Examiner({
      resolver: options.resolver,
      clock: this.#clock,
      keys: new KeyCache(),
      fallback: options.fallback === false ? undefined : new Fallback(this.#clock, within),
      questions,
      within,
      sealers: new Set(trustedSealers.map(name => name.toLowerCase())),
      unsignedContentType: options.unsignedContentType ?? 'unaligned',
      iprev: options.iprev ?? true,
      bimi: options.bimi ?? false,
    })
  }

  async message(context: MessageContext, next: Next): Promise<Verdict> {
    const { connection, envelope, shared, edits } = context
    shared.delete(SENDER_AUTHENTICATION)
    shared.delete(DECISIONS)
    if (envelope === undefined || connection.protocol === 'lmtp') return next()
    // RFC 8601 §5: whoever sends a field in our name forges it, those who have logged in too.
    edits.remove(RESULTS, value => claimsToBe(value, this.#ours))
    if (connection.principal !== undefined || isInside(connection.remote.address, this.#exempt)) return next()
    const { address } = connection.remote
    const sender = envelope.sender === undefined ? '' : `${envelope.sender.local}@${envelope.sender.domain}`
    const helo = connection.clientName ?? ''
    const findings = await this.#examiner.examine(
      {
        source: context.source,
        client: address,
        helo,
        sender,
        fromCount: context.fields.filter(({ name }) => name.toLowerCase() === 'from').length,
        receiver: this.#id,
      },
      context.signal,
    )
    const field = resultsValue(this.#id, findings)
    edits.add(RESULTS, field)
    if (this.#options.receivedSpf === true) edits.add('Received-SPF', receivedSpfValue(this.#id, findings.spf, address, helo))
    this.#tell(context, findings)
    const given = { findings, client: address, listDomain: listDomain(context, findings) }
    const decisions = new Map(
      envelope.recipients.map(recipient => [`${recipient.local}@${recipient.domain}`, this.#policy.decide(given, recipient)]),
    )
    const decision = mildest([...decisions.values()]) ?? this.#policy.decide(given, { local: '', domain: '' })
    shared.set(SENDER_AUTHENTICATION, {
      findings,
      field,
      results: field.slice(this.#id.length + 2),
      decision,
    } satisfies SenderAuthentication)
    shared.set(DECISIONS, decisions)
    context.trace.note(`${decision.action}${decision.override === undefined ? '' : ` (${decision.override})`}: ${decision.text}`)
    this.#options.onExamined?.({
      findings,
      client: address,
      envelopeFrom: sender,
      envelopeTo: [...decisions.keys()],
      decision,
      at: this.#clock.now(),
    })
    return this.#act(decision, next)
  }

  /** Recipients for whom something harsher was decided than for the rest. */
  async deliver(context: DeliveryContext, next: Next): Promise<Verdict> {
    const decisions = context.shared.get(DECISIONS) as ReadonlyMap<string, Decision> | undefined
    const decision = decisions?.get(`${context.recipient.local}@${context.recipient.domain}`)
    const below = await next()
    return decision === undefined || decision.action === 'none' || below.kind !== 'accept' ? below : quarantine(decision.text)
  }

  async #act({ action, text }: Decision, next: Next): Promise<Verdict> {
    if (action === 'reject') return reject(text, '5.7.1')
    if (action === 'defer') return defer(text, '4.7.1')
    const below = await next()
    return action === 'quarantine' && below.kind === 'accept' ? quarantine(text) : below
  }

  #tell({ trace }: MessageContext, findings: Findings): void {
    const { spf, signatures, signatureCount, dmarc, arc, iprev, questions } = findings
    const because = (reason: string | undefined): string => (reason === undefined ? '' : ` (${reason})`)
    trace.note(`spf=${spf.result} for ${spf.domain || 'no domain'}${because(spf.mechanism ?? spf.reason)}${because(spf.explanation)}`)
    for (const { result, reason, domain, selector, uncovered } of signatures)
      trace.note(
        `dkim=${result} for ${selector ?? '?'} of ${domain ?? '?'}${because(reason)}${because(uncovered && `${uncovered} not covered`)}`,
      )
    if (signatureCount > signatures.length) trace.note(`${signatureCount - signatures.length} more signatures were not verified`)
    const { record } = dmarc
    trace.note(`dmarc=${dmarc.result} for ${dmarc.domain ?? 'no domain'}${because(dmarc.reason ?? dmarc.aligned.join(', '))}`)
    if (record !== undefined) trace.note(`the record of ${dmarc.policyDomain ?? ''}: ${record.text.slice(0, 300)}`)
    if (arc.result !== 'none') trace.note(`arc=${arc.result}${because(arc.reason ?? arc.sealers.join(', '))}`)
    if (iprev !== undefined) trace.note(`iprev=${iprev.result} for ${iprev.address}${because(iprev.name)}`)
    trace.note(`${questions} questions of DNS`)
    for (const [symbol, text] of symbolsOf(findings))
      trace.symbol(symbol, this.#options.scores?.[symbol] ?? SENDER_AUTH_SCORES[symbol], text)
  }
}

function mildest(decisions: readonly Decision[]): Decision | undefined {
  return decisions.toSorted((one, other) => HARSHNESS.indexOf(one.action) - HARSHNESS.indexOf(other.action))[0]
}

/** Domain of the list that passed the message on, where somebody vouches for it. RFC 2919 §2. */
function listDomain(context: MessageContext, findings: Findings): string | undefined {
  const id = context.header('List-Id')
  const name = id === undefined ? undefined : canonicalDomain((/<([^<>]{1,255})>\s*$/.exec(id.slice(-400))?.[1] ?? '').trim())
  if (name === undefined) return undefined
  const organisation = organisationOf(name)
  return vouchersOf(findings).some(domain => organisationOf(domain) === organisation) ? name : undefined
}
