/** Carries what is leased from the queue: the way to its domain, what is asked of TLS there, and the first server that takes it. RFC 5321 §5.1. */

import type { Attempt, Transmit, TransmissionReport } from '../agent/transmission.ts'
import type { DeliveryStatus, LeasedRecipient, QueueLease } from '../../contracts/index.ts'
import type { PoolSent, SessionPool } from '../client/pool.ts'
import type { SendResult } from '../client/session.ts'
import type { TlsDecision, TlsPolicy } from '../tls-policy/policy.ts'
import type { TlsReports } from '../tls-policy/report-rows.ts'
import { AbsentHosts } from './absent.ts'
import type { Hop, Router } from './options.ts'

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
  const absent = new AbsentHosts(() => options.pool.clock.monotonic())
  return (lease, signal) => new Journey(options, absent, lease, signal).go()
}

/** One lease on its way. */
class Journey {
  readonly #options: TransmitterOptions
  readonly #absent: AbsentHosts
  readonly #lease: QueueLease
  readonly #signal: AbortSignal
  readonly #attempts: Attempt[] = []
  #left: readonly LeasedRecipient[]
  #last: DeliveryStatus | undefined
  #reached = false

  constructor(options: TransmitterOptions, absent: AbsentHosts, lease: QueueLease, signal: AbortSignal) {
    this.#options = options
    this.#absent = absent
    this.#lease = lease
    this.#signal = signal
    this.#left = lease.recipients
  }

  async go(): Promise<TransmissionReport> {
    const { router, hopsPerTry = 5 } = this.#options
    const { destination, envelope } = this.#lease
    const route = await router.route(destination, {
      from: envelope.from,
      signal: this.#signal,
      ...(envelope.account === undefined ? {} : { account: envelope.account }),
    })
    if (route.kind !== 'hops') {
      for (const { index } of this.#left) this.#attempts.push({ index, kind: route.kind, status: route.status })
      return { attempts: this.#attempts }
    }
    for (const hop of this.#absent.lastly(route.hops).slice(0, hopsPerTry)) {
      await this.#over(hop)
      if (this.#left.length === 0) break
    }
    // Those that no server has taken or refused: the last thing that was said about them.
    const status = this.#last
    if (status !== undefined)
      for (const { index } of this.#left) this.#attempts.push({ index, kind: status.code.startsWith('5') ? 'failed' : 'deferred', status })
    return this.#reached ? { attempts: this.#attempts } : { attempts: this.#attempts, unreachable: true }
  }

  async #over(hop: Hop): Promise<void> {
    const { tls, pool } = this.#options
    const { envelope, content } = this.#lease
    // RFC 8689 §5: a bounce goes on without what its message asked for.
    const requireTls = envelope.requireTls === true && envelope.from !== ''
    const decision = await tls.decide(hop, { requireTls, signal: this.#signal })
    if (decision.kind === 'refuse') {
      this.#last = { ...decision.status, remote: hop.host }
      this.#report(hop, decision)
      return
    }
    const sent = await pool.send(hop, decision.requirement, { envelope, recipients: this.#left, content }, { signal: this.#signal })
    this.#report(hop, decision, sent)
    if (sent.kind === 'refused') {
      this.#last = sent.status
      // RFC 3463 §3.5, `4.4.1`: nobody answers; whoever answers and refuses is there.
      if (sent.status.code === '4.4.1') this.#absent.note(hop)
      return
    }
    this.#absent.forget(hop)
    this.#settle(hop, sent.result)
  }

  #settle(hop: Hop, result: SendResult): void {
    this.#reached = true
    const success = hop.flavour === 'lmtp' ? 'final' : result.notifies ? 'next-hop' : 'nobody'
    const left: LeasedRecipient[] = []
    for (const [at, recipient] of this.#left.entries()) {
      const outcome = result.outcomes[at]
      if (outcome === undefined) continue
      const { kind, status } = outcome
      if (result.elsewhere && isOpen(outcome)) {
        this.#last = status
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
