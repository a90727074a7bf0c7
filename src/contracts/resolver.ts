/** DNS as the rest of the library asks it. RFC 1035; RFC 4035 §3.2.3 for the AD bit. */

import type { CallOptions } from './call.ts'

/** An answer and whether a validating resolver vouched for it. */
export interface Answer<T> {
  readonly records: readonly T[]
  /** `true` only when the answer was DNSSEC-authentic (the AD bit of a resolver that the host trusts). */
  readonly authentic: boolean
}

/** A mail exchanger. RFC 5321 §5.1. */
export interface MxRecord {
  readonly preference: number
  /** Lower case, without the trailing dot; empty for a null MX (RFC 7505 §3). */
  readonly exchange: string
}

/** A TLSA record. RFC 6698 §2.1. */
export interface TlsaRecord {
  readonly usage: number
  readonly selector: number
  readonly matchingType: number
  readonly data: Uint8Array
}

/**
 * Answers DNS questions. A name without such records, or no such name, is an empty list; a failure (SERVFAIL, time-out,
 * bogus) is a thrown `MailError('unavailable')`, so that "does not exist" and "cannot tell" are never mixed up.
 */
export interface Resolver {
  a(name: string, options?: CallOptions): Promise<Answer<string>>
  aaaa(name: string, options?: CallOptions): Promise<Answer<string>>
  mx(name: string, options?: CallOptions): Promise<Answer<MxRecord>>
  /** Each record's strings joined. */
  txt(name: string, options?: CallOptions): Promise<Answer<string>>
  /** Names of an IP address, lower case, without the trailing dot. */
  ptr(address: string, options?: CallOptions): Promise<Answer<string>>
  cname(name: string, options?: CallOptions): Promise<Answer<string>>
  tlsa(name: string, options?: CallOptions): Promise<Answer<TlsaRecord>>
}
