/** Sessions kept for the next message: most of the cost of a message to a server is to get to it. RFC 5321 §4.5.4.1; RFC 2920 §1. */

import type { CallOptions, Clock, Dialer } from '../../contracts/index.ts'
import type { TlsOutcome, TlsRequirement } from '../tls-policy/requirement.ts'
import type { ClientLimits } from './limits.ts'
import type { OutgoingMessage } from './message.ts'
import { openSession } from './open.ts'
import type { HopAddress, Opened } from './open.ts'
import type { ClientSession, SendResult } from './session.ts'

/** Options of {@link SessionPool}. */
export interface SessionPoolOptions {
  readonly dialer: Dialer
  readonly clock: Clock
  readonly limits?: Partial<ClientLimits>
  /** Sends with BDAT where it is offered. Default `true`. RFC 3030. */
  readonly chunking?: boolean
  /** Milliseconds for a connection. Default 30,000. */
  readonly connectMs?: number
  /** A session that waits for its next message so long says QUIT. Milliseconds, default 10,000. */
  readonly idleMs?: number
  /** Milliseconds after which a session takes no more messages, so that policies are looked at anew. Default 300,000. */
  readonly maxAgeMs?: number
  /** Messages over one session. Default 100. */
  readonly maxMessages?: number
  /** Sessions that wait at a time; the one that has waited longest leaves first. Default 200. */
  readonly maxIdle?: number
}

/** What came of a message given to the pool. */
export type PoolSent =
  | { readonly kind: 'sent'; readonly result: SendResult; readonly tls: TlsOutcome; readonly fresh: boolean }
  | { readonly kind: 'refused'; readonly status: Extract<Opened, { kind: 'refused' }>['status']; readonly tls: TlsOutcome }

interface Kept {
  readonly key: string
  readonly session: ClientSession
  readonly tls: TlsOutcome
  readonly openedAt: number
  idleSince: number
}

/** How often those that wait are looked at. */
const SWEEP = 1000

/** Sends messages over sessions that are kept by server, source and what is asked of TLS. */
export class SessionPool {
  readonly #options: SessionPoolOptions
  /** By key, the one that waits longest first. */
  readonly #idle = new Map<string, Kept[]>()
  #waiting = 0
  #stopSweep: (() => void) | undefined
  #closed = false

  constructor(options: SessionPoolOptions) {
    this.#options = options
  }

  /** The clock that it was given. */
  get clock(): Clock {
    return this.#options.clock
  }

  /** Sessions that wait. */
  get idle(): number {
    return this.#waiting
  }

  /** Sends a message to a server. Throws what {@link ClientSession.send} throws, and the signal's reason. */
  async send(hop: HopAddress, tls: TlsRequirement, message: OutgoingMessage, options: CallOptions = {}): Promise<PoolSent> {
    const key = keyOf(hop, tls)
    for (let kept = this.#take(key); kept !== undefined; kept = this.#take(key)) {
      const result = await kept.session.send(message, options)
      // It had ended unseen, and nothing came of it: the next one, or a new one.
      if (result.stale) continue
      this.#release(kept, result)
      return { kind: 'sent', result, tls: kept.tls, fresh: false }
    }
    const { dialer, clock, limits, chunking, connectMs } = this.#options
    const opened = await openSession({
      dialer,
      clock,
      hop,
      tls,
      ...(limits === undefined ? {} : { limits }),
      ...(chunking === undefined ? {} : { chunking }),
      ...(connectMs === undefined ? {} : { connectMs }),
      ...(options.signal === undefined ? {} : { signal: options.signal }),
    })
    if (opened.kind === 'refused') return opened
    const now = clock.monotonic()
    const kept: Kept = { key, session: opened.session, tls: opened.tls, openedAt: now, idleSince: now }
    const result = await kept.session.send(message, options)
    this.#release(kept, result)
    return { kind: 'sent', result, tls: kept.tls, fresh: true }
  }

  /** Lets all that wait say QUIT; what is under way ends with its message. */
  close(): void {
    this.#closed = true
    this.#stopSweep?.()
    this.#stopSweep = undefined
    for (const list of this.#idle.values()) for (const kept of list) kept.session.quit()
    this.#idle.clear()
    this.#waiting = 0
  }

  /** The one that was used last: the others may grow old and leave. */
  #take(key: string): Kept | undefined {
    const list = this.#idle.get(key)
    for (let kept = list?.pop(); kept !== undefined; kept = list?.pop()) {
      this.#waiting--
      if (list?.length === 0) this.#idle.delete(key)
      if (!kept.session.isOver) return kept
    }
    return undefined
  }

  #release(kept: Kept, result: SendResult): void {
    const { clock, maxMessages = 100, maxAgeMs = 300_000, maxIdle = 200 } = this.#options
    const now = clock.monotonic()
    if (!result.reusable || kept.session.isOver) return kept.session.destroy()
    if (this.#closed || kept.session.transactions >= maxMessages || now - kept.openedAt >= maxAgeMs) return kept.session.quit()
    kept.idleSince = now
    const list = this.#idle.get(kept.key)
    if (list === undefined) this.#idle.set(kept.key, [kept])
    else list.push(kept)
    this.#waiting++
    if (this.#waiting > maxIdle) this.#dropOldest()
    this.#stopSweep ??= clock.after(SWEEP, () => this.#sweep())
  }

  #dropOldest(): void {
    let oldest: Kept | undefined
    for (const [first] of this.#idle.values())
      if (oldest === undefined || (first !== undefined && first.idleSince < oldest.idleSince)) oldest = first
    if (oldest === undefined) return
    this.#idle.set(
      oldest.key,
      (this.#idle.get(oldest.key) ?? []).filter(kept => kept !== oldest),
    )
    if (this.#idle.get(oldest.key)?.length === 0) this.#idle.delete(oldest.key)
    this.#waiting--
    oldest.session.quit()
  }

  #sweep(): void {
    this.#stopSweep = undefined
    const { clock, idleMs = 10_000, maxAgeMs = 300_000 } = this.#options
    const now = clock.monotonic()
    for (const [key, list] of this.#idle) {
      const stay = list.filter(kept => {
        if (kept.session.isOver) return false
        if (now - kept.idleSince >= idleMs || now - kept.openedAt >= maxAgeMs) {
          kept.session.quit()
          return false
        }
        // One that is in use again and again need not be listened to; one that is not would miss its server's leave.
        kept.session.rest()
        return true
      })
      this.#waiting -= list.length - stay.length
      if (stay.length === 0) this.#idle.delete(key)
      else this.#idle.set(key, stay)
    }
    if (this.#waiting > 0) this.#stopSweep = clock.after(SWEEP, () => this.#sweep())
  }
}

/** Sessions with the same key may stand for one another. Pins differ by domain; everything else is said by level, source and name. */
function keyOf(hop: HopAddress & { readonly domain?: string }, tls: TlsRequirement): string {
  return JSON.stringify([
    hop.host,
    hop.address,
    hop.port,
    hop.flavour,
    hop.implicitTls ?? false,
    hop.localAddress ?? '',
    hop.ehloName,
    hop.credentials?.username ?? '',
    tls.level,
    tls.source,
    tls.serverName,
    tls.source === 'pin' ? (hop.domain ?? '') : '',
  ])
}
