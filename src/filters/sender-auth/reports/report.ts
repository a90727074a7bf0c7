/** What an aggregate report says, as records. RFC 9990 §3.1; RFC 7489 appendix C for those of before. */

import type { RequestedPolicy } from '../dmarc-record.ts'

/** An aggregate report: what one receiver saw of one domain's mail in one span of time. */
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
  readonly envelopeFrom: string | undefined
  readonly dkimResults: readonly { readonly domain: string; readonly selector: string; readonly result: string }[]
  readonly spfResults: readonly { readonly domain: string; readonly result: string }[]
}
