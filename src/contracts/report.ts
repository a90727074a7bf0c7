/** What other servers report once a day about a domain's mail: DMARC (RFC 9990) and TLS (RFC 8460), as records that are kept. */

import type { CallOptions } from './call.ts'

/** What a domain asks receivers to do with mail that fails DMARC. RFC 9989 §4.7. */
export type RequestedPolicy = 'none' | 'quarantine' | 'reject'

/** An aggregate report: what one receiver saw of one domain's mail in one span of time. RFC 9990 §3.1. */
export interface DmarcReport {
  /** Who reports. */
  readonly organisation: string
  readonly email: string
  readonly id: string
  /** Seconds since the epoch. */
  readonly begin: number
  readonly end: number
  readonly policy: ReportedPolicy
  readonly records: readonly ReportedRow[]
}

/** The policy that was found. */
export interface ReportedPolicy {
  readonly domain: string
  readonly p: RequestedPolicy
  readonly sp?: RequestedPolicy
  readonly np?: RequestedPolicy
  readonly adkim?: 'r' | 's'
  readonly aspf?: 'r' | 's'
  readonly testing?: boolean
}

/** Messages from one address that fared alike. */
export interface ReportedRow {
  readonly ip: string
  readonly count: number
  /** What was done. */
  readonly disposition: 'none' | 'pass' | 'quarantine' | 'reject'
  /** Whether an aligned pass was found. */
  readonly dkim: 'pass' | 'fail'
  readonly spf: 'pass' | 'fail'
  /** Why something else was done than the domain asked for. */
  readonly reasons: readonly string[]
  readonly headerFrom: string
  /** Domain of the envelope sender, where the report tells it. */
  readonly envelopeFrom?: string | undefined
  readonly dkimResults: readonly { readonly domain: string; readonly selector: string; readonly result: string }[]
  readonly spfResults: readonly { readonly domain: string; readonly result: string }[]
}

/** A TLS report: how sessions to a domain fared in one span of time. RFC 8460 §4. */
export interface TlsReport {
  readonly organisation: string
  readonly contact: string
  readonly id: string
  /** Milliseconds since the epoch. */
  readonly begin: number
  readonly end: number
  readonly policies: readonly ReportedTlsPolicy[]
}

/** Sessions under one policy. */
export interface ReportedTlsPolicy {
  /** `tlsa`, `sts` or `no-policy-found`. */
  readonly type: string
  readonly domain: string
  readonly successes: number
  readonly failures: number
  readonly details: readonly ReportedTlsFailure[]
}

/** Sessions that failed alike. RFC 8460 §4.3. */
export interface ReportedTlsFailure {
  readonly type: string
  readonly count: number
  readonly sendingIp: string
  readonly receivingHost: string
  readonly reason: string
}

/** A report that came in a message. Whoever wrote it may claim what they like: it is as good as its sender. */
export type ReceivedReport =
  | { readonly kind: 'dmarc'; readonly at: number; readonly sender: string; readonly report: DmarcReport }
  | { readonly kind: 'tls'; readonly at: number; readonly sender: string; readonly report: TlsReport }

/** Which reports are wanted; all conditions must hold. */
export interface ReportFilter {
  readonly kind?: ReceivedReport['kind']
  /** The domain that is reported on, as the report writes it, in lower case. */
  readonly domain?: string
  /** Received at or after this moment, milliseconds since the epoch. */
  readonly since?: number
  /** The newest so many. Default 100. */
  readonly limit?: number
}

/** Keeps reports that came. What is lost of it are statistics: keeping never fails a message and never holds one up. */
export interface ReportArchive {
  /** Takes a report; at once, whatever becomes of it. */
  keep(report: ReceivedReport): void
  /** The reports that are wanted, the newest first. */
  list(filter?: ReportFilter, options?: CallOptions): Promise<readonly ReceivedReport[]>
  /** Writes what waits, then lets go. */
  close(): Promise<void>
}
