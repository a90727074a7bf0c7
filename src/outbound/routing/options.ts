/** What a host says about the ways that mail takes. RFC 5321 §3.6.1, §5.1. */

import type { CallOptions, DeliveryStatus, Random, Resolver } from '../../contracts/index.ts'
import type { Credentials } from '../client/authenticate.ts'
import type { HopAddress } from '../client/open.ts'
import type { TlsLevel } from '../tls-policy/requirement.ts'

/** A server that the host names itself: a smarthost, or where a domain's mail goes whatever DNS says. May be on a private network. */
export interface NextServer {
  /** A name, or an IP address without brackets. */
  readonly host: string
  /** Default 25; 24 for LMTP (RFC 2033 §5 forbids 25 there); 465 with `implicitTls`. */
  readonly port?: number
  /** Default `smtp`. */
  readonly flavour?: 'smtp' | 'lmtp'
  /** TLS from the first octet on. RFC 8314 §3.3. */
  readonly implicitTls?: boolean
  /** Default: `verified` with credentials, `none` for LMTP, `opportunistic` else. */
  readonly tls?: TlsLevel
  /** Trusted certificate authorities in PEM. Default: the system's. */
  readonly ca?: string | readonly string[]
  readonly credentials?: Credentials
}

/** Where the mail of some domains goes. */
export interface StaticRoute {
  /** A domain in A-labels; `.example.org` stands for all below it, `*` for every one. The most exact route counts. */
  readonly domain: string
  /** Servers in the order in which they are tried; `mx`: by DNS, although there is a smarthost. */
  readonly to: NextServer | readonly NextServer[] | 'mx'
}

/** One face that we show: an address to come from, and the name that goes with it. */
export interface SourceIdentity {
  /** A local IP address; hops of the other family do not use this identity. Default: the system's choice. */
  readonly address?: string
  readonly ehloName: string
}

/** Which faces whose mail has. */
export interface SourceRule {
  /** Domain of the envelope sender; absent: any. */
  readonly senderDomain?: string
  /** Absent: any. */
  readonly account?: string
  /** One of them is taken at random. */
  readonly identities: readonly SourceIdentity[]
}

/** Options of {@link router}. */
export interface RouterOptions {
  readonly resolver: Resolver
  readonly random: Random
  /** What we call ourselves. */
  readonly ehloName: string
  /** Milliseconds since the epoch. */
  readonly now: () => number
  /** For MX hosts. Default 25. */
  readonly port?: number
  /** Names by which others may know us: an MX of such a name is ourselves. Default: `ehloName`. */
  readonly ourNames?: readonly string[]
  /** Addresses at which others reach us. Default: none. */
  readonly ourAddresses?: readonly string[]
  readonly routes?: readonly StaticRoute[]
  /** For all domains without a route of their own. Several are tried in their order. */
  readonly smarthost?: NextServer | readonly NextServer[]
  /** The first that fits counts. */
  readonly sources?: readonly SourceRule[]
  /** Mail by MX may go to private, loopback and other special addresses. Default `false` (S29). */
  readonly allowPrivateNetworks?: boolean
  /** Families to use. Default both. */
  readonly families?: readonly ('ipv4' | 'ipv6')[]
}

/** One server at one address, ready to be dialled. */
export interface Hop extends HopAddress {
  readonly kind: 'mx' | 'implicit-mx' | 'literal' | 'route' | 'smarthost'
  /** The domain whose mail this is. */
  readonly domain: string
  readonly preference: number
  /** The answer about MX (or about there being none) was DNSSEC-authentic; true for a host that was not looked up by MX. */
  readonly mxAuthentic: boolean
  /** The address was. */
  readonly addressAuthentic: boolean
  /** What a {@link NextServer} asks for. */
  readonly tls?: TlsLevel
  readonly ca?: string | readonly string[]
}

/** Where mail for a domain goes: servers in the order in which they are tried, or why it goes nowhere. */
export type Route =
  | { readonly kind: 'hops'; readonly hops: readonly [Hop, ...Hop[]] }
  | { readonly kind: 'failed'; readonly status: DeliveryStatus }
  | { readonly kind: 'deferred'; readonly status: DeliveryStatus }

/** Whose mail is routed. */
export interface RouteRequest extends CallOptions {
  /** Envelope sender; empty for the null reverse-path. */
  readonly from?: string
  readonly account?: string
}

/** Finds ways. */
export interface Router {
  /** The way to a domain (A-labels, lower case, or an address literal in brackets). Throws only the signal's reason. */
  route(domain: string, request?: RouteRequest): Promise<Route>
}
