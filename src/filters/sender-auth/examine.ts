/** Runs all checks of one message together, within its budget of DNS and time. RFC 8601 §2.7; S17, S18, S30. */

import type { Clock, MessageSource, Resolver } from '../../contracts/index.ts'
import { bodyRequest, fieldValue, readChain } from '../../dkim/index.ts'
import type { KeyCache, KeyLookup, VerifyContext } from '../../dkim/index.ts'
import { checkHost, type SpfOutcome } from '../../spf/index.ts'
import { checkArc, type ArcResult } from './arc-trust.ts'
import { authorOf, type Author } from './author.ts'
import { bimiRecord } from './bimi.ts'
import { DnsBudget } from './dns-budget.ts'
import { evaluateDmarc, PolicyFinder } from './dmarc.ts'
import { isUndecided, type Fallback } from './fallback.ts'
import type { Findings } from './findings.ts'
import { iprev } from './iprev.ts'
import { anotherTurn, hashBody, readMessageHeader, type ReadHeader } from './read-message.ts'
import { checkedSignature, checkSignatures, chosenSignatures, type CheckedSignature } from './signatures.ts'

/** A message and how it came. */
export interface Examined {
  readonly source: MessageSource
  /** The client's address. */
  readonly client: string
  readonly helo: string
  /** MAIL FROM as text; empty for the null reverse-path. */
  readonly sender: string
  /** From fields as the server's own reader counts them. */
  readonly fromCount: number
  /** This host's name, for explanations of SPF. */
  readonly receiver: string
}

/** What all messages share. */
export interface ExaminerOptions {
  readonly resolver: Resolver
  readonly clock: Clock
  readonly keys: KeyCache
  readonly fallback: Fallback | undefined
  /** Questions of DNS for a message. */
  readonly questions: number
  /** Milliseconds for a message. */
  readonly within: number
  readonly sealers: ReadonlySet<string>
  readonly unsignedContentType: 'unaligned' | 'aligned'
  readonly iprev: boolean
  readonly bimi: boolean
}

const NO_ARC: ArcResult = { result: 'none', sealers: [] }

/** Examines messages. Never rejects but for a source that cannot be read. */
export class Examiner {
  readonly #options: ExaminerOptions

  constructor(options: ExaminerOptions) {
    this.#options = options
  }

  /** Finds out what there is to be found. `signal` ends it early; what is then not known is `temperror`. */
  async examine(message: Examined, signal: AbortSignal): Promise<Findings> {
    const { clock, resolver, within, questions } = this.#options
    const late = new AbortController()
    const stop = clock.after(within, () => late.abort())
    const gone = (): void => late.abort()
    signal.addEventListener('abort', gone, { once: true })
    if (signal.aborted) late.abort()
    try {
      return await this.#findings(message, new DnsBudget(resolver, late.signal, questions), late.signal)
    } finally {
      stop()
      signal.removeEventListener('abort', gone)
    }
  }

  async #findings(message: Examined, dns: DnsBudget, late: AbortSignal): Promise<Findings> {
    const header = await readMessageHeader(message.source)
    const author = authorIn(header, message.fromCount)
    const policies = new PolicyFinder(dns.share('dmarc'))
    // First of all questions, since no other check may use up what it needs.
    if ('domain' in author) void policies.policyFor(author.domain)
    const [spf, signed, reverse] = await Promise.all([
      this.#spf(message, dns),
      this.#signed(message, header, author, dns, late),
      this.#options.iprev ? iprev(message.client, dns.share('iprev')) : undefined,
    ])
    const { signatures, signatureCount, arc } = signed
    const dmarc = await evaluateDmarc({ author, spf, signatures }, policies)
    const bimi = this.#options.bimi ? await bimiRecord(dmarc, dns.share('bimi')) : undefined
    const found = reverse === undefined ? undefined : { ...reverse, address: message.client }
    return { author, spf, signatures, signatureCount, dmarc, arc, iprev: found, bimi, questions: dns.asked }
  }

  #spf(message: Examined, dns: DnsBudget): Promise<SpfOutcome> {
    const { client, helo, sender, receiver } = message
    return checkHost({ ip: client, helo, sender, receiver, now: Math.floor(this.#options.clock.now() / 1000) }, dns.share('spf'))
  }

  async #signed(
    { source }: Examined,
    header: ReadHeader | undefined,
    author: Author,
    dns: DnsBudget,
    late: AbortSignal,
  ): Promise<Pick<Findings, 'signatures' | 'signatureCount' | 'arc'>> {
    if (header === undefined) return { signatures: [], signatureCount: 0, arc: NO_ARC }
    const { fields, bodyStart } = header
    const domain = 'domain' in author ? author.domain : undefined
    const { chosen, count } = await chosenSignatures(fields, domain)
    const chain = readChain(fields)
    const wanted = [
      ...chosen.flatMap(signature => ('fault' in signature ? [] : [bodyRequest(signature)])),
      ...(typeof chain === 'string' ? [] : chain.messageSignatures.map(bodyRequest)),
    ]
    let bodyHash: VerifyContext['bodyHash']
    try {
      bodyHash = await hashBody(source, bodyStart, wanted, late)
    } catch (error) {
      if (!late.aborted) throw error
      const signatures = chosen.map((): CheckedSignature => ({ result: 'temperror', reason: 'too late', domain, selector: undefined }))
      return {
        signatures,
        signatureCount: count,
        arc: typeof chain === 'string' ? NO_ARC : { result: 'fail', sealers: [], reason: 'too late' },
      }
    }
    const base = { fields, bodyHash, keys: this.#options.keys, now: this.#options.clock.now() }
    const lookup = keyLookup(dns.share('dkim'))
    const { sealers, unsignedContentType } = this.#options
    const [results, arc] = await Promise.all([
      checkSignatures(chosen, { ...base, lookup }, unsignedContentType),
      chain === 'none' ? NO_ARC : checkArc(chain, { ...base, lookup: keyLookup(dns.share('arc')), pause: anotherTurn }, sealers, domain),
    ])
    const undecided = count <= chosen.length && results.some(({ raw }) => isUndecided(raw.reason))
    const { fallback } = this.#options
    if (!undecided || fallback === undefined) return { signatures: results.map(({ checked }) => checked), signatureCount: count, arc }
    const verdicts = await Promise.race([fallback.verify(source, lookup), tooLate(late)])
    const signatures = results.map(({ checked, raw }): CheckedSignature => {
      if (!isUndecided(raw.reason)) return checked
      if (verdicts === 'too large') return checked
      if (verdicts === 'too late') return { ...checked, result: 'temperror', reason: 'too late' }
      const same = verdicts.filter(verdict => verdict.domain === checked.domain && verdict.selector === checked.selector)
      if (same.length === 0) return checked
      if (same.every(({ result }) => result === 'fail')) return { ...checked, result: 'fail' }
      // What a signature that we cannot read covers is not known: it vouches for nothing.
      if (raw.signature === undefined || !same.every(({ result }) => result === 'pass')) return checked
      return checkedSignature({ ...raw, result: 'pass' }, fields, unsignedContentType)
    })
    return { signatures, signatureCount: count, arc }
  }
}

/** Others may stand in the line before the thread. */
function tooLate(late: AbortSignal): Promise<'too late'> {
  return new Promise(resolve => {
    if (late.aborted) resolve('too late')
    else late.addEventListener('abort', () => resolve('too late'), { once: true })
  })
}

function keyLookup(resolver: Resolver): KeyLookup {
  return async name => (await resolver.txt(name)).records
}

function authorIn(header: ReadHeader | undefined, seen: number): Author {
  if (header === undefined) return { fault: 'a From field that readers see differently' }
  const from = header.fields.filter(({ key }) => key === 'from').map(fieldValue)
  return authorOf(header.text, from, seen)
}
