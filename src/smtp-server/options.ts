/** What a host may choose about receiving, and every limit with the standard's minimum beside it. RFC 5321 §4.5.3. */

/** Which of the three protocols a connection speaks. RFC 5321; RFC 6409; RFC 2033. */
export type SmtpFlavour = 'smtp' | 'submission' | 'lmtp'

/** A list of networks; `networkList` of `mailwright/net` makes one. */
export interface Networks {
  /** Whether an address lies in one of the networks. */
  has(address: string): boolean
}

/**
 * How long a client may take, in milliseconds. Where connections run short (`connections.stressAt`), silence, a begun line and a message
 * slower than 100 octets a second are borne for ten seconds at most. RFC 5321 §4.5.3.2; S26.
 */
export interface SmtpDeadlines {
  /** Silence between commands. RFC 5321 §4.5.3.2.7 asks for 5 minutes, the default. */
  readonly idle?: number
  /** From the first octet of a command line to its end. Default 30,000. */
  readonly line?: number
  /** A whole message. Default 600,000. */
  readonly data?: number
  /** A whole connection; looked at whenever the client is waited for. Default 3,600,000. */
  readonly session?: number
}

/** Options that every flavour shares. */
export interface SmtpOptions {
  readonly flavour: SmtpFlavour
  /** Octets of a message; announced as SIZE. RFC 1870. RFC 5321 §4.5.3.1.7 asks for 64 KB. Default 64 MiB. */
  readonly maxSize?: number
  /** Recipients of a message. RFC 5321 §4.5.3.1.8 asks for 100. Default 1,000. */
  readonly maxRecipients?: number
  /**
   * Clients whose bare CR and bare LF become CRLF instead of a refusal: old devices in one's own network. NUL is refused
   * all the same. Default: none.
   */
  readonly normaliseFrom?: Networks
  /** Whether clients can log in. Default: on submission only, where they must. */
  readonly auth?: boolean
  /** Let clients on this very machine log in without TLS. Default `false`. RFC 8314 §3. */
  readonly allowPlaintextLogin?: boolean
  /**
   * Milliseconds before the greeting, to catch clients that talk first. Default 0: the greeting is sent as soon as the
   * `connect` phase has said yes.
   */
  readonly greetingDelay?: number
  readonly deadlines?: SmtpDeadlines
}

/** The options with their defaults filled in. */
export interface SmtpSettings {
  readonly flavour: SmtpFlavour
  readonly maxSize: number
  readonly maxRecipients: number
  readonly normaliseFrom: Networks
  readonly auth: boolean
  readonly allowPlaintextLogin: boolean
  readonly greetingDelay: number
  readonly deadlines: Required<SmtpDeadlines>
}

/** Fills in the defaults. */
export function settingsOf(options: SmtpOptions): SmtpSettings {
  return Object.freeze({
    flavour: options.flavour,
    maxSize: options.maxSize ?? 64 * 1024 * 1024,
    maxRecipients: options.maxRecipients ?? 1000,
    normaliseFrom: options.normaliseFrom ?? { has: () => false },
    auth: options.auth ?? options.flavour === 'submission',
    allowPlaintextLogin: options.allowPlaintextLogin ?? false,
    greetingDelay: options.greetingDelay ?? 0,
    deadlines: {
      idle: options.deadlines?.idle ?? 300_000,
      line: options.deadlines?.line ?? 30_000,
      data: options.deadlines?.data ?? 600_000,
      session: options.deadlines?.session ?? 3_600_000,
    },
  })
}

/** Octets of a command line, CRLF included: what AUTH needs. RFC 4954 §4.5; RFC 5321 §4.5.3.1.4 asks for 512. */
export const MAX_LINE = 12_290
/** Slowest message: octets a second, measured over {@link RATE_WINDOW} (S26). */
export const MIN_RATE = 100
/** The window over which the rate of a message is measured, in milliseconds; under stress it is shorter. */
export const RATE_WINDOW = 30_000
/** Errors in the commands of one connection. */
export const MAX_ERRORS = 10
/** Commands that lead nowhere (NOOP, RSET, VRFY ...) between two messages. */
export const MAX_IDLE_COMMANDS = 100
/** Refused recipients of one connection: more is a search for addresses (S23). Not counted for LMTP. */
export const MAX_REFUSED_RECIPIENTS = 100
/** Failed logins of one connection (S23). RFC 4954 §4. */
export const MAX_FAILED_LOGINS = 3
