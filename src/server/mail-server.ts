/** The composition root: options become engines and listeners, and end together. RFC 5321 §3.1, §4.5.4; RFC 8314 §3. */

import { ConfigurationError, MailError } from '../contracts/index.ts'
import type { Host, MailEvents, Middleware, Queue, ReceivedReport, ReportFilter, Spool, TraceRecord } from '../contracts/index.ts'
import { loginBudget } from '../filters/login-budget/index.ts'
import { ConnectionCounter, listen } from '../net/index.ts'
import type { AcceptedSocket, Certificates, Listener } from '../net/index.ts'
import { onlyBounces, returnAddresses, returnsReader } from '../outbound/index.ts'
import type { Outcome, OutboundMail, OutgoingMail, SentMail } from '../outbound/index.ts'
import { createHost } from '../pipeline/index.ts'
import { fileSpool } from '../stores/spool.ts'
import { Crew } from './crew.ts'
import { DOOR_NAMES, doorsOf } from './doors.ts'
import type { Door, DoorName } from './doors.ts'
import { EventHub } from './events.ts'
import { authenticatorOf, certificatesOf, worldOf } from './options.ts'
import type { MailServerOptions } from './options.ts'
import { tooMany } from './too-many.ts'
import { reportsIntake } from './reports.ts'
import { traceRecordOf } from './trace-record.ts'
import { serverOutbound } from './outbound.ts'

/** Milliseconds that a session which was cut off has to notice. */
const LEFT_BEHIND_AFTER = 2000

/** A door that is open. */
export interface OpenDoor {
  readonly name: DoorName
  /** Address, or the path of a Unix socket. */
  readonly address: string
  /** 0 for a Unix socket. */
  readonly port: number
}

/** A mail server. Made by {@link createMailServer}. */
export interface MailServer extends AsyncDisposable {
  /**
   * Adds middleware below what was added before. Throws `ConfigurationError` `MW_ALREADY_LISTENING` once the server is open,
   * `MW_MIDDLEWARE` for middleware without a name.
   */
  use(...middleware: readonly Middleware[]): this
  /**
   * Listens to what happens, until the function it answers is called. Errors that nobody listens for are printed on stderr.
   */
  on<Name extends keyof MailEvents>(name: Name, listener: (event: Parameters<MailEvents[Name]>[0]) => void): () => void
  /** Opens all doors, or none: throws `MailError` `in-use`, `no-permission` or `unavailable` for the first that cannot be opened. */
  listen(): Promise<this>
  /** The doors that are open. */
  readonly doors: readonly OpenDoor[]
  /** The port of each door that is open; of the first, where one name has several. */
  readonly ports: { readonly [Name in DoorName]?: number }
  /**
   * Sends a message: resolves once it is durably queued, with a handle whose outcome can be waited for. May be called before `listen`;
   * mail leaves while the server is open. Throws `ConfigurationError` `MW_OUTBOUND_MISSING` without the option `outbound`, and
   * `MailError`s: `invalid` for what is no message or address, `no-permission` when every recipient is suppressed.
   *
   * @example
   * ```ts
   * import { createMailServer } from 'mailwright'
   * import type { MailServerOptions } from 'mailwright'
   *
   * async function welcome(options: MailServerOptions): Promise<void> {
   *   await using server = await createMailServer({ ...options, outbound: {} }).listen()
   *   const sent = await server.send({
   *     from: 'Ann <ann@example.org>',
   *     to: 'bob@example.net',
   *     subject: 'Welcome',
   *     text: 'Good to have you here.',
   *     idempotencyKey: 'welcome-17',
   *   })
   *   for (const { address, state } of await sent.outcome()) console.log(address, state)
   * }
   * ```
   */
  send(mail: OutgoingMail): Promise<SentMail>
  /** What becomes of recipients elsewhere, as it happens, from now on. Throws like {@link MailServer.send} without `outbound`. */
  outcomes(options?: { readonly signal?: AbortSignal }): AsyncIterableIterator<Outcome>
  /** What waits to leave; `undefined` without the option `outbound`. */
  readonly queue: Queue | undefined
  /**
   * How a message was decided on: each middleware, its verdict, what it saw. `undefined` for an id that is not known, or not any more.
   * Throws `ConfigurationError` `MW_TRACES_MISSING` without the option `traces`.
   */
  explain(id: string): Promise<TraceRecord | undefined>
  /**
   * The reports of other servers that were kept, the newest first. Throws `ConfigurationError` `MW_REPORTS_MISSING` without an archive in
   * the option `reports`.
   */
  reports(filter?: ReportFilter): Promise<readonly ReceivedReport[]>
  /** Certificates in use. */
  readonly certificates: Certificates | undefined
  /**
   * Accepts no more, says goodbye to idle clients, lets running commands end (for at most `closeTimeout`), then cuts off the rest. What
   * still waits then, for a store or a filter that does not answer, is waited for two seconds more and left behind, with an `error` event.
   * Store and directory stay open: they are the caller's.
   */
  close(): Promise<void>
}

/**
 * Puts a mail server together. Nothing is opened before `listen`; whatever is wrong with the options is thrown here, as
 * `ConfigurationError` with a stable `code`.
 *
 * @example
 * ```ts
 * import { createMailServer } from 'mailwright'
 * import { memoryDirectory } from 'mailwright/directories/memory'
 * import { memoryStore } from 'mailwright/stores/memory'
 *
 * const directory = memoryDirectory()
 * await directory.addDomain('example.org')
 * await directory.addAccount({ address: 'ann@example.org', password: 'correct horse' })
 *
 * await using server = await createMailServer({
 *   hostname: 'mx.example.org',
 *   store: memoryStore(),
 *   directory,
 *   listeners: { smtp: 0, imap: 0 },
 *   allowPlaintextLogin: 'loopback',
 * }).listen()
 * console.log(server.ports)
 * ```
 */
export function createMailServer(options: MailServerOptions): MailServer {
  return new ComposedServer(options)
}

class ComposedServer implements MailServer {
  readonly #options: MailServerOptions
  readonly #events = new EventHub()
  readonly #middleware: Middleware[] = []
  readonly #doors: readonly Door[]
  readonly #certificates: Certificates | undefined
  readonly #spool: Spool
  readonly #counter: ConnectionCounter
  #state: 'made' | 'open' | 'closed' = 'made'
  readonly #outbound: OutboundMail | undefined
  #crew: Crew | undefined
  #host: Host
  #open: readonly { readonly door: Door; readonly listener: Listener }[] = []
  #closing: Promise<void> | undefined

  constructor(options: MailServerOptions) {
    this.#options = options
    this.#certificates = certificatesOf(options.tls)
    this.#doors = doorsOf(options.listeners, {
      host: options.host ?? '127.0.0.1',
      hasTls: this.#certificates !== undefined,
      sends: options.outbound !== undefined,
    })
    authenticatorOf(options)
    this.#spool = options.spool ?? fileSpool()
    this.#counter = new ConnectionCounter(options.connections)
    this.#outbound = this.#wayOut()
    const { traces } = options
    if (traces !== undefined) this.#events.on('message', event => traces.keep(traceRecordOf(event, worldOf(options).clock.now())))
    // Looks at everything else that a host can find wrong, now rather than at the first connection.
    this.#host = this.#hostWith([])
  }

  use(...middleware: readonly Middleware[]): this {
    if (this.#state !== 'made') throw new ConfigurationError('MW_ALREADY_LISTENING', 'middleware is added before the server listens')
    this.#hostWith(middleware)
    this.#middleware.push(...middleware)
    return this
  }

  on<Name extends keyof MailEvents>(name: Name, listener: (event: Parameters<MailEvents[Name]>[0]) => void): () => void {
    return this.#events.on(name, listener)
  }

  get doors(): readonly OpenDoor[] {
    return this.#open.map(({ door, listener }) => ({ name: door.name, address: listener.address, port: listener.port }))
  }

  get ports(): { readonly [Name in DoorName]?: number } {
    const ports: { [Name in DoorName]?: number } = {}
    for (const name of DOOR_NAMES) {
      const first = this.#open.find(({ door, listener }) => door.name === name && listener.port !== 0)
      if (first !== undefined) ports[name] = first.listener.port
    }
    return ports
  }

  get queue(): Queue | undefined {
    return this.#outbound?.queue
  }

  async send(mail: OutgoingMail): Promise<SentMail> {
    return this.#wayOutOrThrow().send(mail)
  }

  outcomes(options: { readonly signal?: AbortSignal } = {}): AsyncIterableIterator<Outcome> {
    return this.#wayOutOrThrow().outcomes(options)
  }

  async explain(id: string): Promise<TraceRecord | undefined> {
    const { traces } = this.#options
    if (traces === undefined)
      throw new ConfigurationError('MW_TRACES_MISSING', 'nothing is kept: give the server `traces`, such as traceJournal()')
    return traces.find(id)
  }

  async reports(filter?: ReportFilter): Promise<readonly ReceivedReport[]> {
    const archive = this.#options.reports?.archive
    if (archive === undefined)
      throw new ConfigurationError(
        'MW_REPORTS_MISSING',
        'no reports are kept: give the server `reports` with an archive, such as reportArchive()',
      )
    return archive.list(filter)
  }

  get certificates(): Certificates | undefined {
    return this.#certificates
  }

  async listen(): Promise<this> {
    if (this.#state !== 'made') throw new ConfigurationError('MW_ALREADY_LISTENING', 'a server listens once; make another to listen again')
    this.#state = 'open'
    const guard = this.#options.loginBudget === false ? [] : [loginBudget(this.#options.loginBudget ?? {})]
    // Innermost: what the filters refuse is no report.
    this.#host = this.#hostWith([...guard, ...this.#middleware, ...reportsIntake(this.#options, this.#events)])
    const crew = new Crew(this.#host, this.#options, this.#certificates)
    this.#crew = crew
    const open: { door: Door; listener: Listener }[] = []
    try {
      for (const door of this.#doors) open.push({ door, listener: await this.#openDoor(door, crew) })
    } catch (error) {
      for (const { listener } of open) listener.close()
      this.#state = 'closed'
      throw error
    }
    this.#open = open
    this.#outbound?.start()
    return this
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #close(): Promise<void> {
    this.#state = 'closed'
    for (const { listener } of this.#open) listener.close()
    this.#crew?.shutdown()
    const grace = this.#options.closeTimeout ?? 10_000
    const stopped = this.#outbound?.stop(grace)
    const listeners = Promise.all(this.#open.map(({ listener }) => listener.done))
    await this.#within(grace, listeners)
    for (const { listener } of this.#open) listener.destroy()
    await listeners
    if (!(await this.#within(LEFT_BEHIND_AFTER, Promise.all([this.#crew?.done(), stopped])))) {
      const error = new MailError(
        'unavailable',
        `closed before all was over (sessions at work: ${this.#crew?.running ?? 0}): the store, the directory or a filter does not answer`,
      )
      this.#events.emit('error', { error, where: 'closing' })
    }
    this.#open = []
    this.#certificates?.close()
  }

  /** Whether something ends in time, in milliseconds. */
  async #within(limit: number, work: Promise<unknown>): Promise<boolean> {
    const { promise: late, resolve } = Promise.withResolvers<boolean>()
    const cancel = worldOf(this.#options).clock.after(limit, () => resolve(false))
    const inTime = await Promise.race([work.then(() => true), late])
    cancel()
    return inTime
  }

  #wayOut(): OutboundMail | undefined {
    const { hostname, store, directory, outbound } = this.#options
    if (outbound === undefined) return undefined
    const world = { hostname, directory, host: () => this.#host, spool: this.#spool, events: this.#events, ...worldOf(this.#options) }
    return serverOutbound(outbound, store, world)
  }

  /** Before everything else: a report is proved by where it comes to, and no filter need judge it. */
  #returns(): readonly Middleware[] {
    const { returns, suppressions = this.#options.store.suppressions } = this.#options.outbound ?? {}
    if (this.#outbound === undefined || returns === undefined) return []
    const guard = returns.rewriting === undefined ? [] : [onlyBounces(returns.rewriting)]
    if (returns.bounces === undefined) return guard
    const { queue } = this.#outbound
    const { clock } = worldOf(this.#options)
    return [
      ...guard,
      returnsReader({
        ...returns,
        bounces: returns.bounces,
        queue,
        clock,
        events: this.#events,
        ...(suppressions === undefined ? {} : { suppressions }),
      }),
    ]
  }

  #wayOutOrThrow(): OutboundMail {
    if (this.#outbound !== undefined) return this.#outbound
    throw new ConfigurationError('MW_OUTBOUND_MISSING', 'this server has no way out: give it the option `outbound`')
  }

  #hostWith(middleware: readonly Middleware[]): Host {
    const { hostname, store, deadlines, submission } = this.#options
    const returns = this.#options.outbound?.returns
    const directory = returns === undefined ? this.#options.directory : returnAddresses(this.#options.directory, returns)
    return createHost({
      hostname,
      store,
      directory,
      authenticator: authenticatorOf(this.#options),
      middleware: [...this.#returns(), ...middleware],
      spool: this.#spool,
      events: this.#events,
      isStressed: () => this.#counter.isStressed,
      ...worldOf(this.#options),
      ...(deadlines === undefined ? {} : { deadlines }),
      ...(submission === undefined ? {} : { submission }),
      ...(this.#outbound === undefined ? {} : { outbound: this.#outbound }),
    })
  }

  #openDoor(door: Door, crew: Crew): Promise<Listener> {
    const { where, name, alpn } = door
    return listen({
      ...where,
      counter: this.#counter,
      tooMany: tooMany(door.protocol, this.#options.hostname),
      ...(door.implicitTls && this.#certificates !== undefined
        ? { implicitTls: { certificates: this.#certificates, ...(alpn === undefined ? {} : { alpn }) } }
        : {}),
      onConnection: (accepted: AcceptedSocket) => crew.serve(door, accepted),
      onError: error => this.#events.emit('error', { error, where: `listener ${name}` }),
    })
  }
}
