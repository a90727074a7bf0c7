/** Carries what is leased from the queue: the way to its domain, what is asked of TLS there, and the first server that takes it. RFC 5321 §5.1. */

import type { Attempt, Transmit, TransmissionReport } from '../agent/transmission.ts'
import type { DeliveryStatus, LeasedRecipient, QueueLease } from '../../contracts/index.ts'
import type { PoolSent, SessionPool } from '../client/pool.ts'
import type { SendResult } from '../client/session.ts'
import type { TlsDecision, TlsPolicy } from '../tls-policy/policy.ts'
import type { TlsReports } from '../tls-policy/report-rows.ts'
import { AbsentHosts } from './absent.ts'
import type { Hop, Router } from './options.ts'
import { isTlsOptional } from './tls-optional.ts'
import { Plans } from './plans.ts'
import type { Plan } from './plans.ts'

/** Options of {@link transmitter}. */
export interface TransmitterOptions {
  readonly router: Router
  readonly tls: TlsPolicy
  readonly pool: SessionPool
  /** Counts what TLS came to. RFC 8460. */
  readonly reports?: TlsReports
  /** Servers and addresses that are tried for one lease. Default 5; RFC 5321 §5.1 wants two at least. */
  readonly hopsPerTry?: number
}

/** Makes the way out of a queue's agent. */
export function transmitter(options: TransmitterOptions): Transmit {
  const now = (): number => options.pool.clock.monotonic()
  const known: Known = { absent: new AbsentHosts(now), plans: new Plans(now) }
  return (lease, signal) => new Journey(options, known, lease, signal).go()
}

/** What journeys learn for one another. */
interface Known {
  readonly absent: AbsentHosts
  readonly plans: Plans
}

/** One lease on its way. */
class Journey {
  readonly #options: TransmitterOptions
  readonly #known: Known
  readonly #lease: QueueLease
  readonly #signal: AbortSignal
  readonly #attempts: Attempt[] = []
  #left: readonly LeasedRecipient[]
  #last: DeliveryStatus | undefined
  #reached = false
  #tlsOptional: Promise<boolean> | undefined

  constructor(options: TransmitterOptions, known: Known, lease: QueueLease, signal: AbortSignal) {
    this.#options = options
    this.#known = known
    this.#lease = lease
    this.#signal = signal
    this.#left = lease.recipients
  }

  async go(): Promise<TransmissionReport> {
    const { hopsPerTry = 5 } = this.#options
    const plan = await this.#plan()
    const { route } = plan
    if (route.kind !== 'hops') {
      for (const { index } of this.#left) this.#attempts.push({ index, kind: route.kind, status: route.status })
      return { attempts: this.#attempts }
    }
    for (const hop of this.#known.absent.lastly(route.hops).slice(0, hopsPerTry)) {
      await this.#over(hop, plan)
      if (this.#left.length === 0) break
    }
    // Those that no server has taken or refused: the last thing that was said about them.
    const status = this.#last
    if (status !== undefined)
      for (const { index } of this.#left) this.#attempts.push({ index, kind: status.code.startsWith('5') ? 'failed' : 'deferred', status })
    return this.#reached ? { attempts: this.#attempts } : { attempts: this.#attempts, unreachable: true }
  }

  /** While one server may take it another day, that another never will is not the last word. */
  #note(status: DeliveryStatus): void {
    if (this.#last === undefined || this.#last.code.startsWith('5') || status.code.startsWith('4')) this.#last = status
  }

  /** One for all that leave for the domain from the same sender's domain and account at this moment. */
  async #plan(): Promise<Plan> {
    const { destination, envelope } = this.#lease
    const { account } = envelope
    const sender = envelope.from.slice(envelope.from.lastIndexOf('@') + 1)
    // Asked without the lease's signal: others wait for the same answer.
    const plan = await this.#known.plans.find(`${destination} ${sender} ${account ?? ''} ${this.#requiresTls}`, () =>
      this.#options.router.route(destination, { from: envelope.from, ...(account === undefined ? {} : { account }) }),
    )
    this.#signal.throwIfAborted()
    return plan
  }

  /** RFC 8689 §5: a bounce goes on without what its message asked for. */
  get #requiresTls(): boolean {
    const { envelope } = this.#lease
    return envelope.requireTls === true && envelope.from !== ''
  }

  async #decision(hop: Hop, plan: Plan): Promise<TlsDecision> {
    const known = plan.decisions.get(hop)
    if (known !== undefined) return known
    const decision = await this.#options.tls.decide(hop, { requireTls: this.#requiresTls, signal: this.#signal })
    if (decision.kind === 'go') plan.decisions.set(hop, decision)
    return decision
  }

  /** RFC 8689 §4.2.2. The header is read only where a policy could keep the message back. */
  async #relaxed(hop: Hop, decision: TlsDecision): Promise<TlsDecision> {
    if (this.#requiresTls || (decision.kind === 'go' && decision.policy.type === 'no-policy-found')) return decision
    this.#tlsOptional ??= isTlsOptional(this.#lease.content)
    if (!(await this.#tlsOptional)) return decision
    return this.#options.tls.decide(hop, { tlsOptional: true, signal: this.#signal })
  }

  async #over(hop: Hop, plan: Plan): Promise<void> {
    const { pool } = this.#options
    const { envelope, content } = this.#lease
    const found = await this.#decision(hop, plan)
    const decision = await this.#relaxed(hop, found)
    if (decision.kind === 'refuse') {
      this.#note({ ...decision.status, remote: hop.host })
      this.#report(hop, decision)
      return
    }
    const sent = await pool.send(hop, decision.requirement, { envelope, recipients: this.#left, content }, { signal: this.#signal })
    // RFC 8460 §3: what goes although TLS fails, a report above all, is not reported itself.
    if (decision === found) this.#report(hop, decision, sent)
    if (sent.kind === 'refused') {
      this.#note(sent.status)
      // RFC 3463 §3.5, `4.4.1`: nobody answers; whoever answers and refuses is there.
      if (sent.status.code === '4.4.1') this.#known.absent.note(hop)
      return
    }
    this.#known.absent.forget(hop)
    this.#settle(hop, sent.result)
  }

  #settle(hop: Hop, result: SendResult): void {
    this.#reached = true
    const untimed = !result.timed && this.#lease.envelope.deliverBy?.mode === 'notify'
    const success = hop.flavour === 'lmtp' ? 'final' : untimed ? 'untimed' : result.notifies ? 'next-hop' : 'nobody'
    const left: LeasedRecipient[] = []
    for (const [at, recipient] of this.#left.entries()) {
      const outcome = result.outcomes[at]
      if (outcome === undefined) continue
      const { kind, status } = outcome
      if (result.elsewhere && isOpen(outcome)) {
        this.#note(status)
        left.push(recipient)
      } else this.#attempts.push({ index: recipient.index, kind, status, ...(kind === 'delivered' ? { success } : {}) })
    }
    this.#left = left
  }

  /** RFC 8460 §4.2 counts sessions, not messages: one that was kept is counted already. */
  #report(hop: Hop, decision: TlsDecision, sent?: PoolSent): void {
    if (this.#options.reports === undefined || (sent?.kind === 'sent' && !sent.fresh)) return
    const failure = decision.failure ?? sent?.tls.failure
    // A connection that did not come about tells nothing of TLS.
    if (failure === undefined && sent?.kind === 'refused') return
    this.#options.reports.record({
      at: sent?.kind === 'sent' ? (sent.result.outcomes[0]?.status.at ?? 0) : (this.#last?.at ?? sent?.status.at ?? 0),
      policy: decision.policy,
      receivingMx: hop.host,
      receivingIp: hop.address,
      ...(hop.localAddress === undefined ? {} : { sendingIp: hop.localAddress }),
      ...(failure === undefined ? {} : { failure }),
    })
  }
}

/** Not decided by a reply about this very recipient: our own verdict on the server, or a connection that broke. */
function isOpen({ kind, status }: SendResult['outcomes'][number]): boolean {
  return kind !== 'delivered' && (status.reply === undefined || status.reply === 421)
}
