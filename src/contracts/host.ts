/** What an engine is given to work with, and what it gives: the seam between engines and the server that hosts them. */

import type { Clock, Random } from './clock.ts'
import type { Credentials, MailAddress, Principal } from './directory.ts'
import type { EventSink } from './events.ts'
import type { MailAccount, MailStore } from './mail-store.ts'
import type { CommandContext, ConnectionFacts } from './middleware.ts'
import type { Protocol } from './phase.ts'
import type { NewMessage } from './message.ts'
import type { NotifyCondition, ReturnedContent } from './queue.ts'
import type { Spool, SpooledMessage } from './spool.ts'
import type { Transport } from './transport.ts'
import type { Verdict } from './verdict.ts'

/** A connection as the engine that runs it sees it: the facts, and those of them that the engine finds out. */
export interface LiveConnection extends ConnectionFacts {
  tls: ConnectionFacts['tls']
  clientName: string | undefined
  principal: Principal | undefined
  /** Fires when the peer is gone. */
  readonly signal: AbortSignal
}

/** The answer to a login. */
export type LoginOutcome = { readonly ok: true; readonly principal: Principal } | { readonly ok: false; readonly verdict: Verdict }

/** What a transaction needs to know of a message before its octets. RFC 5321 §3.3. */
export interface Transaction {
  /** `undefined` is the null reverse-path. */
  readonly sender: MailAddress | undefined
  /** Announced size, where it was. RFC 1870. */
  readonly announcedSize?: number
  /** The client promised octets beyond ASCII in the header. RFC 6531 §3.4. */
  readonly smtpUtf8?: boolean
  /** The client said HELO, not EHLO: `Received` says `SMTP` then. RFC 5321 §4.4. */
  readonly helo?: boolean
  /** The client wants no hop without verified TLS. RFC 8689 §4.2. */
  readonly requireTls?: boolean
  /** Not to leave before this moment, milliseconds since the epoch. RFC 4865. */
  readonly notBefore?: number
  /** To be there by this moment, or to be given back, or to be told late. RFC 2852. */
  readonly deliverBy?: { readonly at: number; readonly mode: 'return' | 'notify' }
  /** -9 to 9. RFC 6710. */
  readonly priority?: number
  /** How much of the message a report that it failed gives back. Absent: the client did not say. RFC 3461 §4.3. */
  readonly ret?: ReturnedContent
  /** The client's own name for this transaction, to stand in every report about it: printable ASCII, decoded from xtext. RFC 3461 §4.4. */
  readonly envelopeId?: string
}

/** What a client asked for with one recipient. */
export interface RecipientParameters {
  /** Absent: the client did not say, which means `FAILURE`, and `DELAY` as the server likes. RFC 3461 §4.1. */
  readonly notify?: readonly NotifyCondition[]
  /**
   * The recipient as the first sender named it, `type;address` as in a report's `Original-Recipient`: the type in lower case, the
   * address decoded. It has no control characters; of the type `utf-8` it may go beyond ASCII. RFC 3461 §4.2; RFC 6533 §3.
   */
  readonly originalRecipient?: string
}

/**
 * Looks through a message while it arrives, so that nobody need read it again for its summary. Made by {@link Host.survey}, given
 * back with the whole message.
 */
export interface Survey {
  /** The next octets of the message; they are not kept. */
  push(octets: Uint8Array): void
  /** The lines of the whole message, once all octets came. To be told where {@link SurveyOptions.linesTold} promised it. */
  lines(count: LineCount): void
}

/** What a survey need not do itself. */
export interface SurveyOptions {
  /** Whoever cut the message into lines has counted them and calls {@link Survey.lines}. Default `false`. */
  readonly linesTold?: boolean
}

/** The lines of a message. */
export interface LineCount {
  /** Line feeds. */
  readonly feeds: number
  /** Octets of the longest line, its line end included. */
  readonly longest: number
}

/** What became of a message: one outcome for each recipient, in their order. */
export interface ReceiveOutcome {
  /** Id of the message, as in its `Received` field. */
  readonly id: string
  readonly outcomes: readonly Verdict[]
}

/**
 * One mail transaction in progress: the policy of receiving, without any protocol. Made by {@link Host.receive}.
 */
export interface Reception {
  /** Asks whether this recipient is taken; `accept` adds it. RFC 5321 §3.3. */
  recipient(address: MailAddress, parameters?: RecipientParameters): Promise<Verdict>
  /** The recipients taken so far. */
  readonly recipients: readonly MailAddress[]
  /**
   * Decides on the whole message and delivers it. Every `accept` among the outcomes stands for a durable delivery (or a
   * discard that middleware asked for). Never rejects: what goes wrong is a `defer`. `survey` has seen every octet of
   * `content`; without one the message is read through here.
   */
  message(content: SpooledMessage, survey?: Survey): Promise<ReceiveOutcome>
}

/** Everything an engine asks of the house. One for each server; all its parts are shared by all engines. */
export interface Host {
  /** How this server names itself: a fully qualified domain name. */
  readonly hostname: string
  readonly store: MailStore
  readonly spool: Spool
  readonly clock: Clock
  readonly random: Random
  readonly events: EventSink
  /** Whether mail can leave for other servers: engines offer what has to do with that only then. */
  readonly sends: boolean
  /** Connections run short at this moment: engines wait no longer than some seconds for strangers. RFC 5321 §7.8. */
  readonly isStressed: boolean
  /** Begins a connection: runs the `connect` phase. Anything but `accept` is told to the peer, and the connection ends. */
  connect(connection: LiveConnection): Promise<Verdict>
  /** Checks credentials through the `login` phase. Fills `connection.principal` when they are right. */
  login(connection: LiveConnection, mechanism: string, credentials: Credentials): Promise<LoginOutcome>
  /** Opens the mail of who logged in, within the limits that their account has. */
  openAccount(principal: Principal): Promise<MailAccount>
  /** Runs the `command` phase; `undefined` when no middleware has one, so that it costs nothing. */
  readonly command: ((connection: LiveConnection, command: CommandContext['command']) => Promise<Verdict>) | undefined
  /** Begins to look through a message that arrives; for {@link Reception.message} or {@link Host.appended}. */
  survey(options?: SurveyOptions): Survey
  /** Begins a transaction: runs the `sender` phase. */
  receive(connection: LiveConnection, transaction: Transaction): Promise<{ readonly verdict: Verdict; readonly reception: Reception }>
  /**
   * Runs the `message` phase on a message that a client stores by itself (APPEND), and gives what to store; `quarantine` and
   * `discard` count as refusals there.
   */
  appended(
    connection: LiveConnection,
    content: SpooledMessage,
    survey?: Survey,
  ): Promise<{ readonly verdict: Verdict; readonly message: Pick<NewMessage, 'content' | 'prefix' | 'summary'> }>
  /** Tells of a bug or a failing adapter. */
  report(error: unknown, where: string, connection?: ConnectionFacts): void
}

/** A protocol engine, ready for connections. */
export interface Engine {
  readonly protocol: Protocol
  /**
   * Serves one connection from greeting to end. Resolves when it is over; never rejects. `connection.signal` and
   * `transport.signal` fire together.
   */
  serve(transport: Transport, connection: LiveConnection): Promise<void>
  /** Asks the sessions to end: a running command is finished first, idle ones are told goodbye at once. */
  shutdown(): void
}
