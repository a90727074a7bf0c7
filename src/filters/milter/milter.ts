/** Asks a milter, as Sendmail and Postfix do: the whole conversation is told in one go, when its last part is known. */

import type {
  ConnectionContext,
  MessageContext,
  Middleware,
  Next,
  PhaseContext,
  RecipientContext,
  SenderContext,
  Verdict,
} from '../../contracts/index.ts'
import { ConfigurationError, quarantine } from '../../contracts/index.ts'
import { Failed, Program } from '../program.ts'
import type { ProgramOptions } from '../program.ts'
import { converse } from './conversation.ts'
import type { Facts, Wish } from './conversation.ts'
import { applyChanges, seenMessage } from './fields.ts'

/** Options of {@link milter}. */
export interface MilterOptions extends ProgramOptions {
  /** What it is called in traces: `opendkim`. Default `milter`. */
  readonly name?: string
  /** The name of this server, which milters use as its `authserv-id` (macro `j`). */
  readonly hostname: string
  /** Milliseconds for one question. Default 30,000 for a message, and never more than 20,000 for what comes before it. */
  readonly within?: number
  /**
   * When it is asked. `message`, the default, tells it everything at once, when the message is there. With `connect`, `sender` and
   * `recipient` it is asked then as well, on a connection of its own, and can refuse early; only at `recipient` can it refuse some.
   */
  readonly phases?: readonly ('connect' | 'sender' | 'recipient' | 'message')[]
  /** The macro `{daemon_name}`, which some milters have settings for (OpenDKIM's `MTA`). Default `mailwright`. */
  readonly daemonName?: string
  /** Further macros for the connection, without braces. */
  readonly macros?: Readonly<Record<string, string>>
  /** Octets above which a message is not sent. Default: all are sent. */
  readonly mostOctets?: number
  /** Whether it sees mail of those who have logged in; it is told who they are (`{auth_authen}`). Default `true`. */
  readonly principals?: boolean
}

/** Milliseconds below the deadline of the phases before the message. */
const WITHIN_EARLY = 20_000

/**
 * Lets a milter look at mail, by version 6 of the protocol. It may accept, refuse (with a reply of its own), put off, discard, quarantine,
 * add, change and remove header fields. It may not change bodies, senders and recipients: a milter that insists on it cannot be used.
 *
 * Several milters see what those before them have changed, in the order in which they are given.
 *
 * @example
 * ```ts
 * import { milter } from 'mailwright/filters/milter'
 * import { socketDialer } from 'mailwright/net'
 *
 * const dialer = socketDialer()
 * const hostname = 'mx.example.org'
 * const filters = [
 *   milter({ name: 'opendkim', dialer, hostname, at: { path: '/run/opendkim/opendkim.sock' } }),
 *   milter({ name: 'opendmarc', dialer, hostname, at: { address: '127.0.0.1', port: 8893 } }),
 * ]
 * ```
 */
export function milter(options: MilterOptions): Middleware {
  return new Milter(options)
}

class Milter implements Middleware {
  readonly name: string
  readonly #options: MilterOptions
  readonly #program: Program
  readonly #early: Program
  readonly #phases: ReadonlySet<string>

  constructor(options: MilterOptions) {
    this.name = options.name ?? 'milter'
    this.#options = options
    this.#program = new Program(this.name, options, 30_000)
    this.#early = new Program(this.name, { ...options, within: Math.min(options.within ?? WITHIN_EARLY, WITHIN_EARLY) }, WITHIN_EARLY)
    this.#phases = new Set(options.phases ?? ['message'])
    for (const name of Object.keys(options.macros ?? {})) {
      if (!/^[A-Za-z_][\w]{0,60}$/.test(name)) throw new ConfigurationError('MW_MILTER_MACRO', `${JSON.stringify(name)} is no macro`)
    }
  }

  async connect(context: ConnectionContext, next: Next): Promise<Verdict> {
    if (context.connection.protocol === 'imap' || context.connection.protocol === 'pop3') return next()
    return (await this.#askEarly(context, {})) ?? next()
  }

  async sender(context: SenderContext, next: Next): Promise<Verdict> {
    return (await this.#askEarly(context, { mail: { sender: context.sender, size: context.announcedSize } })) ?? next()
  }

  async recipient(context: RecipientContext, next: Next): Promise<Verdict> {
    const { sender, recipient } = context
    return (await this.#askEarly(context, { mail: { sender, size: undefined }, recipients: [recipient] })) ?? next()
  }

  async message(context: MessageContext, next: Next): Promise<Verdict> {
    const { envelope, source, trace } = context
    if (envelope === undefined || !this.#looksAt(context, 'message')) return next()
    const { mostOctets = Number.POSITIVE_INFINITY } = this.#options
    if (source.size > mostOctets) {
      trace.note(`not asked: ${source.size} octets, more than ${mostOctets}`)
      return next()
    }
    const { sender, recipients } = envelope
    const seen = await seenMessage(source)
    const facts = { mail: { sender, size: source.size }, recipients, message: { source, seen } }
    const wish = await this.#program.ask(context, talk => converse(talk, this.#facts(context, facts)))
    if (wish instanceof Failed) return wish.verdict ?? next()
    tell(wish, context)
    if (wish.verdict !== undefined) return wish.verdict
    for (const fault of applyChanges(seen, wish.changes, context)) trace.note(`a change of the header was not made: ${fault}`)
    const below = await next()
    return wish.quarantine !== undefined && below.kind === 'accept' ? quarantine(`${this.name}: ${wish.quarantine}`) : below
  }

  async #askEarly(context: ConnectionContext | SenderContext | RecipientContext, said: Partial<Facts>): Promise<Verdict | undefined> {
    if (!this.#looksAt(context, context.phase)) return undefined
    const wish = await this.#early.ask(context, talk => converse(talk, this.#facts(context, said)))
    if (wish instanceof Failed) return wish.verdict
    tell(wish, context)
    // Nothing can be discarded yet: it will say so again when the message is there.
    return wish.verdict?.kind === 'discard' ? undefined : wish.verdict
  }

  #looksAt({ connection }: PhaseContext, phase: string): boolean {
    return this.#phases.has(phase) && (this.#options.principals !== false || connection.principal === undefined)
  }

  #facts({ connection }: PhaseContext, said: Partial<Facts>): Facts {
    const { hostname, daemonName = 'mailwright', macros = {} } = this.#options
    return { connection, hostname, daemonName, macros, ...said }
  }
}

function tell({ verdict, changes, refused, notes }: Wish, { trace }: PhaseContext): void {
  trace.note(verdict === undefined ? 'it has nothing against it' : `it wants to ${verdict.kind}`)
  for (const note of notes.slice(0, 5)) trace.note(note)
  for (const { kind, name, value } of changes.slice(0, 20)) trace.note(`${kind} ${name}: ${value.slice(0, 200)}`)
  if (verdict !== undefined) return
  for (const [recipient] of refused.slice(0, 20)) trace.note(`it would refuse ${recipient}: ask it at recipient as well`)
}
