/**
 * One typed chain across protocols. A middleware implements the phases it cares about; the same `login` sees SMTP AUTH,
 * IMAP LOGIN and POP3 PASS, the same `message` sees DATA and APPEND.
 */

import type { Account, MailAddress, Principal } from './directory.ts'
import type { SpecialUse } from './mailbox-info.ts'
import type { Flag, MessageSource } from './message.ts'
import type { Protocol } from './phase.ts'
import type { TraceLog } from './trace.ts'
import type { Endpoint, TlsFacts } from './transport.ts'
import type { Verdict } from './verdict.ts'

/** A connection, from the first octet to the last. The same object in all phases of one connection. */
export interface ConnectionFacts {
  /** Unique in this process; stands in every event and log line of the connection. */
  readonly id: string
  readonly protocol: Protocol
  readonly remote: Endpoint
  readonly local: Endpoint
  /** Present once the connection is encrypted. */
  readonly tls: TlsFacts | undefined
  /** How the client named itself (EHLO, LHLO, or IMAP ID), where it did. Whatever the peer likes to say. */
  readonly clientName: string | undefined
  /** Who logged in, once somebody did. */
  readonly principal: Principal | undefined
}

/** What all phases have. */
export interface PhaseContext {
  readonly connection: ConnectionFacts
  /** Fires when the client left or the phase's deadline passed: stop working, the answer is no longer awaited. */
  readonly signal: AbortSignal
  /**
   * Milliseconds until the phase's deadline, never below 0. Everything in the chain shares them: whoever waits for something outside of
   * the process should leave a part of them to those that come after it.
   */
  timeLeft(): number
  /** Where evidence goes: what was looked at and what it said. */
  readonly trace: TraceLog
  /** For passing things from one middleware to another within one connection; keys are best symbols. */
  readonly shared: Map<unknown, unknown>
}

/** A client connected; nothing was said yet. */
export interface ConnectionContext extends PhaseContext {
  readonly phase: 'connect'
}

/** Somebody wants to log in. The innermost `next()` checks the credentials: its `accept` means they are right. */
export interface LoginContext extends PhaseContext {
  readonly phase: 'login'
  /** SASL mechanism, or the command's name (`LOGIN`, `USER`). */
  readonly mechanism: string
  /** The name given; the secret is not shown to middleware. */
  readonly username: string
}

/** MAIL FROM was given. RFC 5321 §4.1.1.2. */
export interface SenderContext extends PhaseContext {
  readonly phase: 'sender'
  /** `undefined` is the null reverse-path. */
  readonly sender: MailAddress | undefined
  /** Announced size in octets, where it was. RFC 1870. */
  readonly announcedSize: number | undefined
}

/** RCPT TO was given, and the directory knows the recipient (the innermost `next()` asks it). RFC 5321 §4.1.1.3. */
export interface RecipientContext extends PhaseContext {
  readonly phase: 'recipient'
  readonly sender: MailAddress | undefined
  readonly recipient: MailAddress
  /** How many recipients this transaction has already. */
  readonly accepted: number
}

/** One header field as it stands in a message. */
export interface HeaderField {
  readonly name: string
  /** Unfolded, without the line end; encoded-words are left. */
  readonly value: string
}

/** Changes of the header, applied to what is stored; the original octets stay readable through `source`. */
export interface HeaderEdits {
  /** Puts a field on top of the message. Throws `MailError('invalid')` for a name or value that cannot be one. */
  add(name: string, value: string): void
  /** Removes every field of that name for which `when` holds (default: all). */
  remove(name: string, when?: (value: string) => boolean): void
  /** Gives the first field of that name another value, in its place; adds it when there is none. */
  replace(name: string, value: string): void
}

/** A whole message arrived: DATA, BDAT, or APPEND. */
export interface MessageContext extends PhaseContext {
  readonly phase: 'message'
  /** The envelope; an appended message has none. */
  readonly envelope: { readonly sender: MailAddress | undefined; readonly recipients: readonly MailAddress[] } | undefined
  /** The message as received. */
  readonly source: MessageSource
  /** The message's header fields in their order, at most 1,000. */
  readonly fields: readonly HeaderField[]
  /** The first value of a field, its name in any case. */
  header(name: string): string | undefined
  readonly edits: HeaderEdits
  /**
   * The message parsed by `mailparser`, once for all who ask, on another thread. Throws `MailError` `too-big` beyond the host's limit for
   * parsing (default 25 MiB), `invalid` for a message that it gives up on, `unavailable` when it takes more time (default ten seconds) or
   * memory than it may. At most 10,000 addresses of a field and 1,000 attachments are told.
   */
  parsed(): Promise<ParsedMessage>
}

/** What `mailparser` makes of a message, reduced to what hooks need. */
export interface ParsedMessage {
  readonly subject: string | undefined
  readonly from: readonly { readonly name: string; readonly address: string }[]
  readonly to: readonly { readonly name: string; readonly address: string }[]
  readonly cc: readonly { readonly name: string; readonly address: string }[]
  readonly date: Date | undefined
  readonly messageId: string | undefined
  readonly text: string | undefined
  readonly html: string | undefined
  readonly attachments: readonly {
    readonly filename: string | undefined
    readonly contentType: string
    readonly size: number
    readonly content: Uint8Array
  }[]
}

/** A message is about to be stored for one recipient. The innermost `next()` does nothing: change the context, then go on. */
export interface DeliveryContext extends PhaseContext {
  readonly phase: 'deliver'
  /** The address that was given in the envelope. */
  readonly recipient: MailAddress
  /** The account it leads to. */
  readonly account: Account
  readonly source: MessageSource
  /** The first value of a field, its name in any case. */
  header(name: string): string | undefined
  /** Where it goes. Assign to change it; a name that is not there is made. Default: the inbox. */
  mailbox: string | { readonly specialUse: SpecialUse } | undefined
  /** Flags it begins with. */
  readonly flags: Set<Flag>
  /**
   * Does something once the copy is durable in a mailbox, and nothing when it never is: refused further out, put aside, or not to be stored. The
   * client hears of its message when that is done, after 30 seconds at most; what it throws is reported, and changes nothing. A crash in between
   * leaves it undone.
   */
  whenStored(work: () => Promise<void>): void
}

/** A client gave a command in IMAP or POP3 (SMTP's have phases of their own). */
export interface CommandContext extends PhaseContext {
  readonly phase: 'command'
  /** Upper case: `FETCH`, `UID FETCH`, `RETR`. */
  readonly command: string
}

/** Goes on to the middleware below and answers its verdict. Calling it twice throws. */
export type Next = () => Promise<Verdict>

/**
 * A piece of policy. Phases run in the order in which middleware was given, outermost first, like the skins of an onion:
 * what comes before `next()` sees the question, what comes after it sees the answer.
 *
 * Every phase has a deadline. A middleware that throws, answers nonsense, or lets the deadline pass defers: the peer gets a
 * temporary error, the host an event, and no message is lost.
 *
 * @example
 * ```ts
 * import { reject, type Middleware } from 'mailwright'
 *
 * const noBob: Middleware = {
 *   name: 'no-bob',
 *   recipient: async (context, next) => (context.recipient.local === 'bob' ? reject('Bob has left', '5.1.1') : next()),
 * }
 * ```
 */
export interface Middleware {
  /** Stands in traces and errors. */
  readonly name: string
  /** A client connected. Anything but `accept` ends the connection with a word. */
  connect?(context: ConnectionContext, next: Next): Promise<Verdict>
  /** Somebody wants to log in, in any protocol. */
  login?(context: LoginContext, next: Next): Promise<Verdict>
  /** MAIL FROM was given. */
  sender?(context: SenderContext, next: Next): Promise<Verdict>
  /** RCPT TO was given. */
  recipient?(context: RecipientContext, next: Next): Promise<Verdict>
  /** A whole message arrived. */
  message?(context: MessageContext, next: Next): Promise<Verdict>
  /** A message is about to be stored for one account. */
  deliver?(context: DeliveryContext, next: Next): Promise<Verdict>
  /** A command of IMAP or POP3 was given. */
  command?(context: CommandContext, next: Next): Promise<Verdict>
}
