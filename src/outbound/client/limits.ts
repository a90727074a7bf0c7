/** What the client keeps to: how long it waits, and how much of a server's talk it takes. RFC 5321 §4.5.3.1, §4.5.3.2. */

/** Milliseconds for each phase, and octets of replies. */
export interface ClientLimits {
  /** From the connection to the end of the greeting. Default 5 minutes. RFC 5321 §4.5.3.2.1. */
  readonly greetingMs: number
  /** EHLO, HELO, LHLO, STARTTLS, AUTH and RSET. Default 5 minutes. */
  readonly helloMs: number
  /** MAIL. Default 5 minutes. RFC 5321 §4.5.3.2.2. */
  readonly mailMs: number
  /** Each RCPT. Default 5 minutes. RFC 5321 §4.5.3.2.3. */
  readonly rcptMs: number
  /** DATA until the 354. Default 2 minutes. RFC 5321 §4.5.3.2.4. */
  readonly dataMs: number
  /** From the end of the data to its reply. Default 10 minutes. RFC 5321 §4.5.3.2.6. */
  readonly endMs: number
  /** A whole transaction, and a whole opening: a server that drips is left after this. Default 60 minutes. */
  readonly totalMs: number
  /** Octets of one line of a reply. Default 2,048; RFC 5321 §4.5.3.1.5 allows 512. */
  readonly replyLine: number
  /** Lines of one reply. Default 100. */
  readonly replyLines: number
  /** Octets of one reply. Default 65,536. */
  readonly replyOctets: number
}

const MINUTE = 60_000

/** What RFC 5321 §4.5.3.2 asks for. */
export const CLIENT_LIMITS: ClientLimits = Object.freeze({
  greetingMs: 5 * MINUTE,
  helloMs: 5 * MINUTE,
  mailMs: 5 * MINUTE,
  rcptMs: 5 * MINUTE,
  dataMs: 2 * MINUTE,
  endMs: 10 * MINUTE,
  totalMs: 60 * MINUTE,
  replyLine: 2048,
  replyLines: 100,
  replyOctets: 65_536,
})
