/** DNS as the rest of the library asks it. RFC 1035; RFC 4035 §3.2.3 for the AD bit. */

import type { CallOptions } from './call.ts'

/** An answer and whether a validating resolver vouched for it. */
export interface Answer<T> {
  readonly records: readonly T[]
  /** `true` only when the answer was DNSSEC-authentic (the AD bit of a resolver that the host trusts). */
  readonly authentic: boolean
  /** `false` when the name itself does not exist (NXDOMAIN); absent when it does, and when the resolver cannot tell. RFC 2308 §2.1. */
  readonly exists?: false
  /** Seconds for which the answer may be kept: the least of its records, or the time for its absence. RFC 1035 §3.2.1; RFC 2308 §5. */
  readonly ttl?: number
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

/** Where a service is found. RFC 2782. */
export interface SrvRecord {
  readonly priority: number
  readonly weight: number
  readonly port: number
  /** Lower case, without the trailing dot; empty when the service is decidedly not offered. */
  readonly target: string
}

/**
 * Answers DNS questions. A name without such records, or no such name, is an empty list; a failure (SERVFAIL, time-out,
 * bogus) is a thrown `MailError('unavailable')`, so that "does not exist" and "cannot tell" are never mixed up.
 */
export interface Resolver {
  /** IPv4 addresses of a name. RFC 1035 §3.4.1. */
  a(name: string, options?: CallOptions): Promise<Answer<string>>
  /** IPv6 addresses of a name. RFC 3596 §2.1. */
  aaaa(name: string, options?: CallOptions): Promise<Answer<string>>
  /** Mail exchangers of a domain, in no particular order. RFC 1035 §3.3.9. */
  mx(name: string, options?: CallOptions): Promise<Answer<MxRecord>>
  /** Each record's strings joined. */
  txt(name: string, options?: CallOptions): Promise<Answer<string>>
  /** Names of an IP address, lower case, without the trailing dot. */
  ptr(address: string, options?: CallOptions): Promise<Answer<string>>
  /** The canonical name behind an alias; empty when the name is none. RFC 1035 §3.3.1. */
  cname(name: string, options?: CallOptions): Promise<Answer<string>>
  /** Certificates that a service must show. RFC 6698 §2. */
  tlsa(name: string, options?: CallOptions): Promise<Answer<TlsaRecord>>
  /** Where services are found, in no particular order; not every resolver can say. RFC 2782. */
  srv?(name: string, options?: CallOptions): Promise<Answer<SrvRecord>>
}
