/** What TLS came to, counted by day, domain, policy and kind of failure. RFC 8460 §4.2, §4.3. */

import type { AppliedPolicy } from './policy.ts'
import type { TlsFailure, TlsResultType } from './requirement.ts'

/** One connection's TLS. */
export interface TlsObservation {
  /** Milliseconds since the epoch. */
  readonly at: number
  readonly policy: AppliedPolicy
  /** Absent: it went as the policy has it. */
  readonly failure?: TlsFailure
  readonly sendingIp?: string
  readonly receivingMx?: string
  readonly receivingIp?: string
}

/** Failures of one kind. */
export interface TlsFailureRow {
  readonly type: TlsResultType
  readonly sendingIp: string
  readonly receivingMx: string
  readonly receivingIp: string
  /** Text of the first of them. */
  readonly reason: string
  readonly sessions: number
}

/** One policy of one domain on one day. */
export interface TlsReportRow {
  /** Days since 1970-01-01, UTC. RFC 8460 §4.1: reports are for a UTC day. */
  readonly day: number
  readonly policy: AppliedPolicy
  readonly succeeded: number
  readonly failed: number
  readonly failures: readonly TlsFailureRow[]
}

interface Counted {
  readonly day: number
  readonly policy: AppliedPolicy
  succeeded: number
  failed: number
  readonly failures: Map<string, { readonly row: Omit<TlsFailureRow, 'sessions'>; sessions: number }>
}

const DAY = 86_400_000
/** Kinds of failures kept apart for one policy; more are counted as failures only. */
const KINDS = 100

/** Counts. What is over the bounds is counted without detail, or not at all: mail is worth more than statistics about it. */
export class TlsReports {
  readonly #rows = new Map<string, Counted>()
  readonly #max: number
  #revision = 0

  /** `max`: policies times days that are counted at a time. Default 50,000. */
  constructor(options: { readonly max?: number } = {}) {
    this.#max = options.max ?? 50_000
  }

  /** Grows with every change. */
  get revision(): number {
    return this.#revision
  }

  /** Counts one session. */
  record(observation: TlsObservation): void {
    const { policy, failure } = observation
    this.#revision++
    const row = this.#row(Math.floor(observation.at / DAY), policy)
    if (row === undefined) return
    if (failure === undefined) {
      row.succeeded++
      return
    }
    row.failed++
    const { sendingIp = '', receivingMx = '', receivingIp = '' } = observation
    const key = [failure.type, sendingIp, receivingMx, receivingIp].join(' ')
    const known = row.failures.get(key)
    if (known !== undefined) known.sessions++
    else if (row.failures.size < KINDS)
      row.failures.set(key, {
        row: { type: failure.type, sendingIp, receivingMx, receivingIp, reason: failure.text.slice(0, 200) },
        sessions: 1,
      })
  }

  /** Everything counted, or one day's. */
  rows(day?: number): readonly TlsReportRow[] {
    return [...this.#rows.values()]
      .filter(row => day === undefined || row.day === day)
      .map(({ failures, ...row }) => ({
        ...row,
        failures: Array.from(failures.values(), ({ row: kind, sessions }) => ({ ...kind, sessions })),
      }))
  }

  /** Adds rows that were counted before, by this process or another. */
  add(rows: readonly TlsReportRow[]): void {
    this.#revision++
    for (const { day, policy, succeeded, failed, failures } of rows) {
      const row = this.#row(day, policy)
      if (row === undefined) continue
      row.succeeded += succeeded
      row.failed += failed
      for (const { sessions, ...kind } of failures) {
        const key = [kind.type, kind.sendingIp, kind.receivingMx, kind.receivingIp].join(' ')
        const known = row.failures.get(key)
        if (known !== undefined) known.sessions += sessions
        else if (row.failures.size < KINDS) row.failures.set(key, { row: kind, sessions })
      }
    }
  }

  /** Forgets days up to and including this one, or one domain's rows of this very day: their reports are sent. */
  forget(day: number, domain?: string): void {
    this.#revision++
    const isSent = (row: Counted): boolean => (domain === undefined ? row.day <= day : row.day === day && row.policy.domain === domain)
    for (const [key, row] of this.#rows) if (isSent(row)) this.#rows.delete(key)
  }

  #row(day: number, policy: AppliedPolicy): Counted | undefined {
    const key = JSON.stringify([day, policy.domain, policy.type, policy.strings, policy.mxHosts])
    const known = this.#rows.get(key)
    if (known !== undefined || this.#rows.size >= this.#max) return known
    const row: Counted = { day, policy, succeeded: 0, failed: 0, failures: new Map() }
    this.#rows.set(key, row)
    return row
  }
}
