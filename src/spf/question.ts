/** What is asked of `check_host()`, and what it answers. RFC 7208 §2.6, §4.1. */

import type { CallOptions, Resolver } from '../contracts/index.ts'
import type { ClientAddress } from './client-address.ts'

/** A result. RFC 7208 §2.6. */
export type SpfResult = 'none' | 'neutral' | 'pass' | 'fail' | 'softfail' | 'temperror' | 'permerror'

/** Why a result is none of the record's own words. */
export type SpfReason =
  | 'no-domain'
  | 'no-record'
  | 'several-records'
  | 'record-syntax'
  | 'dns-failure'
  /** More than ten terms that ask DNS. RFC 7208 §4.6.4. */
  | 'lookup-limit'
  /** More than two questions without an answer. RFC 7208 §4.6.4. */
  | 'void-lookup-limit'
  /** More than ten mail exchangers. RFC 7208 §4.6.4. */
  | 'mx-limit'
  /** `include` or `redirect` leads to a domain without a record. RFC 7208 §5.2, §6.1. */
  | 'target-without-record'

/** What is asked. */
export interface SpfQuestion {
  /** The client's address. */
  readonly ip: string
  /** What it called itself. */
  readonly helo: string
  /** The address of MAIL FROM as text; empty is the null reverse-path, which stands for `postmaster` at `helo`. RFC 7208 §2.4. */
  readonly sender: string
  /** Name of this host, for `%{r}` in explanations. Default `unknown`. */
  readonly receiver?: string
  /** Seconds since the epoch, for `%{t}` in explanations. Default 0. */
  readonly now?: number
}

/** The answer, and what it rests on. */
export interface SpfOutcome {
  readonly result: SpfResult
  /** The domain that was checked, lower case; empty where there was none. */
  readonly domain: string
  /** Which of the client's names gave the domain. */
  readonly identity: 'mailfrom' | 'helo'
  /** The term that matched, as written; of a `redirect` its own. */
  readonly mechanism?: string
  readonly reason?: SpfReason
  /** Only with `fail`, where the domain gives one: printable ASCII of a stranger's, for the client alone. RFC 7208 §6.2. */
  readonly explanation?: string
  /** Terms that asked DNS. */
  readonly lookups: number
}

/** What an evaluation is given beside the domain. */
export interface SpfCase {
  readonly question: SpfQuestion
  readonly local: string
  readonly senderDomain: string
  readonly client: ClientAddress
  readonly resolver: Resolver
  readonly options: CallOptions | undefined
}

/** Whether a name can be asked for: no label empty or of more than 63 octets, 253 in all. RFC 1035 §2.3.4. */
export function isQuestion(name: string): boolean {
  return name.length <= 253 && name.split('.').every(label => label !== '' && label.length <= 63)
}
