/** What middleware can decide. Verdicts are values; each engine maps them to its protocol's reply. RFC 3463; RFC 5321 §4.2. */

/** An enhanced status code of the classes that a server sends. RFC 3463 §2. */
export type EnhancedCode = `${2 | 4 | 5}.${number}.${number}`

/** Go on; nothing stands against it. */
export interface Accept {
  readonly kind: 'accept'
}

/** No, and trying again will not help: `5yz`, `NO`, `-ERR`. */
export interface Reject {
  readonly kind: 'reject'
  /** Shown to the peer: one line, printable; anything else is removed before it is sent. */
  readonly text: string
  /** Default 5.7.1. */
  readonly code: EnhancedCode
}

/** Not now: `4yz`, `NO [UNAVAILABLE]`, `-ERR [SYS/TEMP]`. */
export interface Defer {
  readonly kind: 'defer'
  readonly text: string
  /** Default 4.7.1. */
  readonly code: EnhancedCode
}

/** Say yes and throw the message away. Only for messages and deliveries; elsewhere it counts as a bug of the middleware. */
export interface Discard {
  readonly kind: 'discard'
  /** For the trace; never shown to the peer. */
  readonly reason: string
}

/** Say yes and deliver to a place of suspicion instead of the inbox. Only for messages and deliveries. */
export interface Quarantine {
  readonly kind: 'quarantine'
  /** For the trace; never shown to the peer. */
  readonly reason: string
  /** Name of a mailbox. Default: the one with the special use `Junk`, made when there is none. */
  readonly mailbox?: string
}

/** A decision of middleware. */
export type Verdict = Accept | Reject | Defer | Discard | Quarantine

const ACCEPT: Accept = Object.freeze({ kind: 'accept' })

/** Nothing stands against it. */
export function accept(): Accept {
  return ACCEPT
}

/**
 * A refusal for good.
 *
 * @example
 * ```ts
 * import { reject } from 'mailwright'
 *
 * const verdict = reject('We do not take executable files', '5.7.1')
 * ```
 */
export function reject(text: string, code: EnhancedCode = '5.7.1'): Reject {
  return Object.freeze({ kind: 'reject', text, code })
}

/** A refusal for now. */
export function defer(text: string, code: EnhancedCode = '4.7.1'): Defer {
  return Object.freeze({ kind: 'defer', text, code })
}

/** Accept towards the peer, then forget. `reason` goes into the trace. */
export function discard(reason: string): Discard {
  return Object.freeze({ kind: 'discard', reason })
}

/** Accept, but deliver aside. `reason` goes into the trace. */
export function quarantine(reason: string, mailbox?: string): Quarantine {
  return Object.freeze(mailbox === undefined ? { kind: 'quarantine', reason } : { kind: 'quarantine', reason, mailbox })
}
