/** What a server is made of, and what is safe when nothing is said. RFC 8314 §3.1; RFC 6409 §3.3; RFC 5321 §4.5.3.1. */

import { Certificates, certificates, systemClock, systemRandom } from '../net/index.ts'
import type { CertificateSource, ConnectionLimits } from '../net/index.ts'
import { ConfigurationError } from '../contracts/index.ts'
import type { Authenticator, Clock, Directory, MailStore, Random, ReportArchive, Spool, TraceKeeper } from '../contracts/index.ts'
import type { LoginBudgetOptions } from '../filters/login-budget/index.ts'
import type { ImapOptions } from '../imap/index.ts'
import type { HostOptions, SubmissionOptions } from '../pipeline/index.ts'
import type { Pop3Options } from '../pop3/index.ts'
import type { SmtpOptions } from '../smtp-server/index.ts'
import type { Doors } from './doors.ts'
import type { ServerOutboundOptions } from './outbound.ts'

/** Options of `createMailServer`. */
export interface MailServerOptions {
  /** How the server names itself: a fully qualified domain name. */
  readonly hostname: string
  /** Where mail is kept. Stays the caller's: close it after the server. */
  readonly store: MailStore
  /** Who is served here. Stays the caller's. */
  readonly directory: Directory & Partial<Authenticator>
  /** Who checks passwords. Default: the directory. */
  readonly authenticator?: Authenticator
  /** The doors to open. */
  readonly listeners: Doors
  /** Address on which doors are opened that name no other. Default `127.0.0.1`: nobody else can reach it; `::` is everybody. */
  readonly host?: string
  /**
   * Certificates: with these, STARTTLS is offered and the doors for implicit TLS can be opened. Default: none, and then nobody can
   * log in but by {@link MailServerOptions.allowPlaintextLogin}.
   */
  readonly tls?: Certificates | readonly CertificateSource[]
  /** Let clients on this very machine log in without TLS. Default: nobody may. RFC 8314 §3. */
  readonly allowPlaintextLogin?: 'loopback'
  /** Failed logins that are borne, by connection, network and account; `false` takes the guard away. Default: on. */
  readonly loginBudget?: false | LoginBudgetOptions
  /** Connections that may be open at once, over all doors; default 10,000, of them 20 from an address and 100 from a network. */
  readonly connections?: ConnectionLimits
  /** Where messages wait while they arrive. Default: files in the system's folder for temporary files. */
  readonly spool?: Spool
  /** Milliseconds that each phase of middleware may take. */
  readonly deadlines?: HostOptions['deadlines']
  /**
   * How mail leaves: for those who logged in, for aliases that lead elsewhere, and for `send`. Default: it does not, and recipients
   * elsewhere are refused.
   */
  readonly outbound?: ServerOutboundOptions
  /** Keeps how messages were decided on, for {@link MailServer.explain}. Stays the caller's. Default: nothing is kept. */
  readonly traces?: TraceKeeper
  /** Whom those who log in may name as authors of their mail. Default: their own addresses. RFC 6409 §6.1. */
  readonly submission?: SubmissionOptions
  /**
   * Reads the reports on DMARC and TLS that come for these addresses, tells of each in the event `report`, and keeps them for
   * {@link MailServer.reports}; the mail itself is delivered as ever. Default: they are mail like any other.
   */
  readonly reports?: {
    /** The addresses in the `rua` of your records of DMARC and TLS. */
    readonly addresses: readonly string[]
    /** Stays the caller's. Default: nothing is kept. */
    readonly archive?: ReportArchive
  }
  /** Options of SMTP, submission and LMTP. */
  readonly smtp?: Omit<SmtpOptions, 'flavour' | 'allowPlaintextLogin'>
  /** Options of IMAP. */
  readonly imap?: Omit<ImapOptions, 'allowPlaintextLogin'>
  /** Options of POP3. */
  readonly pop3?: Omit<Pop3Options, 'allowPlaintextLogin'>
  /** Milliseconds that running commands have to end when the server closes. Default 10,000. */
  readonly closeTimeout?: number
  /** Default: the machine's. */
  readonly clock?: Clock
  /** Default: the machine's. */
  readonly random?: Random
}

/** Who checks passwords. Throws `MW_AUTHENTICATOR_MISSING` when nobody does. */
export function authenticatorOf(options: MailServerOptions): Authenticator {
  const { authenticator, directory } = options
  if (authenticator !== undefined) return authenticator
  if (!isAuthenticator(directory))
    throw new ConfigurationError('MW_AUTHENTICATOR_MISSING', 'the directory cannot check passwords: give the server an authenticator')
  return directory
}

function isAuthenticator(directory: Directory & Partial<Authenticator>): directory is Directory & Authenticator {
  return typeof directory.verify === 'function'
}

/** The certificates, read now if they are files, so that a wrong path is known before anything is open. */
export function certificatesOf(tls: MailServerOptions['tls']): Certificates | undefined {
  return tls === undefined || tls instanceof Certificates ? tls : certificates(tls)
}

/** The clock and the source of secrets. */
export function worldOf(options: MailServerOptions): { readonly clock: Clock; readonly random: Random } {
  return { clock: options.clock ?? systemClock, random: options.random ?? systemRandom }
}
