/** What a host may choose about POP3. */

import { ConfigurationError } from '../contracts/mail-error.ts'
import type { Bandwidth } from '../engine/bandwidth.ts'

/** Options of {@link pop3Engine}. */
export interface Pop3Options {
  /**
   * Takes passwords in the clear from clients on loopback, without TLS. Only for tests and local use; clients from elsewhere
   * need TLS all the same. Default `false`. RFC 2595 §2.3.
   */
  readonly allowPlaintextLogin?: boolean
  /** Milliseconds of silence after which a session that is logged in ends. RFC 1939 §3: at least 10 minutes, the default. */
  readonly autologout?: number
  /** Milliseconds that a client has for logging in. Default 60,000. */
  readonly loginTimeout?: number
  /**
   * Octets that may be sent to one connection and to one account; who is beyond waits. Default: generous, see {@link Bandwidth}. Throws
   * `ConfigurationError` `MW_BANDWIDTH` for a budget that lets nothing through.
   */
  readonly bandwidth?: Bandwidth
  /** What IMPLEMENTATION says, in one word. Default `mailwright`. RFC 2449 §6.9. */
  readonly implementation?: string
}

/** The options with their defaults filled in. */
export type Pop3Settings = Required<Pop3Options>

/** A capability's parameter. RFC 2449 §3. */
const WORD = /^[\x21-\x7e]{1,100}$/

/** Fills in the defaults. Throws `ConfigurationError` `MW_POP3_OPTIONS` for what cannot be. */
export function settingsOf(options: Pop3Options): Pop3Settings {
  for (const ms of [options.autologout ?? 1, options.loginTimeout ?? 1]) {
    if (!(ms > 0)) throw new ConfigurationError('MW_POP3_OPTIONS', `${ms} milliseconds are no time to wait`)
  }
  const { implementation = '' } = options
  if (options.implementation !== undefined && !WORD.test(implementation)) {
    throw new ConfigurationError('MW_POP3_OPTIONS', `${JSON.stringify(implementation)} is not one word of ASCII`)
  }
  return Object.freeze({
    allowPlaintextLogin: options.allowPlaintextLogin ?? false,
    autologout: options.autologout ?? 10 * 60_000,
    loginTimeout: options.loginTimeout ?? 60_000,
    bandwidth: options.bandwidth ?? {},
    implementation: options.implementation ?? 'mailwright',
  })
}
