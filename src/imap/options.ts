/** What a host may choose about IMAP. */

import type { Bandwidth } from '../engine/bandwidth.ts'

/** Options of {@link imapEngine}. */
export interface ImapOptions {
  /**
   * Takes passwords in the clear from clients on loopback, without TLS. Only for tests and local use; clients from elsewhere
   * need TLS all the same (RFC 9051 §11.7). Default `false`: LOGINDISABLED is announced to all without TLS.
   */
  readonly allowPlaintextLogin?: boolean
  /** Octets of a message that APPEND takes; announced as APPENDLIMIT. RFC 7889. Default 64 MiB. */
  readonly appendLimit?: number
  /** Sessions that one account may have at a time. Default 20. */
  readonly sessionsPerAccount?: number
  /** Milliseconds of silence after which a session that is logged in ends. RFC 9051 §5.4: at least 30 minutes, the default. */
  readonly autologout?: number
  /** Milliseconds that a client has for logging in. Default 60,000. */
  readonly loginTimeout?: number
  /**
   * Milliseconds of silence in IDLE after which the client is told that the server is still here; keeps middleboxes and
   * Outlook from giving up. Default 120,000.
   */
  readonly heartbeat?: number
  /**
   * Octets that may be sent to one connection and to one account; who is beyond waits. Default: generous, see {@link Bandwidth}. Throws
   * `ConfigurationError` `MW_BANDWIDTH` for a budget that lets nothing through.
   */
  readonly bandwidth?: Bandwidth
  /** What ID answers, field by field; `null` values are sent as NIL. Default: name only. RFC 2971. */
  readonly id?: Readonly<Record<string, string>>
}

/** The options with their defaults filled in. */
export type ImapSettings = Required<ImapOptions>

/** Fills in the defaults. */
export function settingsOf(options: ImapOptions): ImapSettings {
  return Object.freeze({
    allowPlaintextLogin: options.allowPlaintextLogin ?? false,
    appendLimit: options.appendLimit ?? 64 * 1024 * 1024,
    sessionsPerAccount: options.sessionsPerAccount ?? 20,
    autologout: options.autologout ?? 30 * 60_000,
    loginTimeout: options.loginTimeout ?? 60_000,
    heartbeat: options.heartbeat ?? 120_000,
    bandwidth: options.bandwidth ?? {},
    id: options.id ?? { name: 'mailwright' },
  })
}
