/** What a SASL mechanism is to the engines: a small state machine over octets. RFC 4422 §3. */

import type { Credentials, Scope } from '../contracts/index.ts'

/**
 * Why an exchange came to nothing before any credentials were checked. The engine answers with its protocol's syntax
 * error: 501 5.5.2, BAD, -ERR.
 */
export type SaslFault =
  /** The response was not what the mechanism's grammar asks for. */
  | 'malformed'
  /** The response was not base64, or not canonical base64. RFC 4648 §3.5. */
  | 'bad-base64'
  /** The client sent a response after the exchange was over, or an initial one where the server speaks first. */
  | 'unexpected'

/** What a mechanism makes of a response. */
export type SaslStep =
  /** The client must answer this challenge (which may be empty). */
  | { readonly kind: 'challenge'; readonly octets: Uint8Array }
  /** The exchange is over: these are to be checked by the host. */
  | { readonly kind: 'credentials'; readonly credentials: Credentials }
  | { readonly kind: 'fault'; readonly fault: SaslFault }

/** One run of a mechanism. */
export interface SaslExchange {
  /** Begins, with the client's initial response where it sent one. RFC 4422 §3.3. */
  start(initialResponse?: Uint8Array): SaslStep
  /** Goes on with the answer to the last challenge. */
  respond(response: Uint8Array): SaslStep
}

/** A mechanism: a row of the table that the engines offer from. */
export interface SaslMechanism {
  /** As registered: upper case, `PLAIN`. RFC 4422 §3.1. */
  readonly name: string
  /** Where it is specified. */
  readonly rfc: string
  /** The secret itself crosses the wire: offered only under TLS, or where the host lets plaintext pass. RFC 4616 §6. */
  readonly secretInClear: boolean
  /** The protocols that offer it. */
  readonly scopes: readonly Scope[]
  /** Begins an exchange. */
  begin(): SaslExchange
}

/** A step that ends in a fault. */
export function faulty(fault: SaslFault): SaslStep {
  return { kind: 'fault', fault }
}
