/** Carries one lease: into mailboxes here, or by the first server of the way that takes it. RFC 5321 §5.1; RFC 7672 §2; RFC 8460 §4. */

import type { Clock } from '../contracts/clock.ts'
import type { Host } from '../contracts/host.ts'
import type { Directory } from '../contracts/directory.ts'
import type { DeliveryStatus, LeasedRecipient, QueueLease } from '../contracts/queue.ts'
import type { Attempt, Transmit, TransmissionReport } from './agent/transmission.ts'
import type { SessionPool } from './client/pool.ts'
import type { SendResult } from './client/session.ts'
import { deliverHere } from './local.ts'
import type { Hop, Router } from './routing/index.ts'
import type { AppliedPolicy, TlsPolicy } from './tls-policy/policy.ts'
import type { TlsFailure, TlsOutcome } from './tls-policy/requirement.ts'

/** How TLS went on one try; collected for reports. RFC 8460 §4. */
export interface TlsObservation {
  readonly hop: Hop
  readonly policy: AppliedPolicy
  readonly outcome: TlsOutcome
}

/** Options of {@link carrier}. */
export interface CarrierOptions {
  readonly directory: Pick<Directory, 'serves'>
  /** Mail for domains that are served here goes in by this. Asked when the first such lease comes. */
  readonly host: () => Host
  readonly router: Router
  readonly tls: TlsPolicy
  readonly pool: Pick<SessionPool, 'send'>
  readonly clock: Clock
  readonly observe?: (observation: TlsObservation) => void
}

/** Servers that are talked to about one lease at most: the others are for another time. */
const MOST_SESSIONS = 4

/** Makes the function that the agent gives leases to. */
export function carrier(options: CarrierOptions): Transmit {
  return async (lease, signal) => {
    if (await options.directory.serves(lease.destination, { signal })) return deliverHere(options.host(), lease, signal)
    const { from, account } = lease.envelope
    const route = await options.router.route(lease.destination, { from, signal, ...(account === undefined ? {} : { account }) })
    if (route.kind !== 'hops') return { attempts: lease.recipients.map(({ index }) => ({ index, kind: route.kind, status: route.status })) }
    return new Carriage(options, lease, signal).along(route.hops)
  }
}

/** One lease on its way. */
class Carriage {
  readonly #options: CarrierOptions
  readonly #lease: QueueLease
  readonly #signal: AbortSignal
  readonly #attempts: Attempt[] = []
  #left: readonly LeasedRecipient[]
  #last: { readonly status: DeliveryStatus; readonly kind: 'failed' | 'deferred' } | undefined
  #sessions = 0
  #reached = false

  constructor(options: CarrierOptions, lease: QueueLease, signal: AbortSignal) {
    this.#options = options
    this.#lease = lease
    this.#signal = signal
    this.#left = lease.recipients
  }

  async along(hops: readonly Hop[]): Promise<TransmissionReport> {
    for (const hop of hops) {
      if (this.#left.length === 0 || this.#sessions >= MOST_SESSIONS) break
      if (await this.#by(hop)) break
    }
    const { at = this.#options.clock.now(), ...said } = this.#last?.status ?? {}
    const status: DeliveryStatus = { code: '4.4.1', text: 'no server could be reached', ...said, at }
    for (const { index } of this.#left) this.#attempts.push({ index, kind: this.#last?.kind ?? 'deferred', status })
    return { attempts: this.#attempts, unreachable: !this.#reached }
  }

  /** Tries one server; `true`: no other one needs to be tried. */
  async #by(hop: Hop): Promise<boolean> {
    const { envelope } = this.#lease
    const decision = await this.#options.tls.decide(hop, {
      signal: this.#signal,
      ...(envelope.requireTls === true ? { requireTls: true } : {}),
    })
    if (decision.kind === 'refuse') {
      this.#observe(hop, decision.policy, { encrypted: false, verified: false, failure: decision.failure })
      this.#heard(decision.status)
      // A domain whose policy forbids this server is not out of reach.
      this.#reached = true
      return false
    }
    const { content } = this.#lease
    const message = { envelope, content, recipients: this.#left }
    const sent = await this.#options.pool.send(hop, decision.requirement, message, { signal: this.#signal })
    this.#sessions += 1
    this.#observe(hop, decision.policy, withFailure(sent.tls, decision.failure))
    if (sent.kind === 'refused') {
      this.#heard(sent.status)
      return false
    }
    this.#reached = true
    return this.#decided(sent.result)
  }

  #decided({ outcomes, notifies, elsewhere }: SendResult): boolean {
    if (elsewhere && outcomes.every(({ kind }) => kind !== 'delivered')) {
      const [first] = outcomes
      if (first !== undefined && first.kind !== 'delivered') this.#last = { status: first.status, kind: first.kind }
      return false
    }
    for (const [at, { index }] of this.#left.entries()) {
      const outcome = outcomes[at]
      if (outcome !== undefined) this.#attempts.push({ index, ...outcome, success: notifies ? 'next-hop' : 'nobody' })
    }
    this.#left = []
    return true
  }

  /** What a server, or the way to it, refused before it saw the message. */
  #heard(status: DeliveryStatus): void {
    this.#last = { status, kind: status.code.startsWith('5') ? 'failed' : 'deferred' }
  }

  #observe(hop: Hop, policy: AppliedPolicy, outcome: TlsOutcome): void {
    this.#options.observe?.({ hop, policy, outcome })
  }
}

function withFailure(outcome: TlsOutcome, failure: TlsFailure | undefined): TlsOutcome {
  return failure === undefined || outcome.failure !== undefined ? outcome : { ...outcome, failure }
}
