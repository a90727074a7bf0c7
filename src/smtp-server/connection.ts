/**
 * One connection: the package's `SMTPConnection` with our parser below it, our policy beside it and our replies in front.
 * RFC 5321 §4.1.4, §4.3; RFC 2920 §3.2; RFC 3207 §4; RFC 4954 §4.
 */

import type { Socket } from 'node:net'
import { SMTPConnection } from 'smtp-server/lib/smtp-connection.js'
import type { SMTPServer } from 'smtp-server'
import type { DataFaults, Frame } from '../bytes/index.ts'
import { isLoopback } from '../bytes/ip-address.ts'
import type { Host, LiveConnection } from '../contracts/index.ts'
import { tlsFacts } from '../engine/tls-facts.ts'
import { Authentication } from './authentication.ts'
import { commandNamed } from './commands.ts'
import type { ConnectionParts } from './connection-parts.ts'
import { drained } from './drained.ts'
import { FramedParser } from './framed-parser.ts'
import { Intake } from './intake.ts'
import { MailSession } from './mail-session.ts'
import { MAX_ERRORS, MAX_IDLE_COMMANDS, MAX_REFUSED_RECIPIENTS } from './options.ts'
import type { SmtpSettings } from './options.ts'
import { parsePath, trimmed } from './path.ts'
import type { PathArguments } from './path.ts'
import { printedReply, refusalOf, replies, textOf } from './replies.ts'
import type { Reply } from './replies.ts'
import { flushAtTurnEnd } from './turn-end.ts'
import { Watchdog } from './watchdog.ts'
import type { Overdue } from './watchdog.ts'

const HTTP = /^(?:OPTIONS|GET|HEAD|POST|PUT|DELETE|TRACE|CONNECT|PATCH|PRI) \S+ HTTP\/\d/i
const FLUSH_AT = 16_384

/** The bridge's connection. Replies to commands that came together leave together. RFC 2920 §3.2. */
export class BridgeConnection extends SMTPConnection {
  readonly host: Host
  readonly settings: SmtpSettings
  readonly live: LiveConnection
  readonly mail: MailSession
  readonly watchdog: Watchdog
  readonly #parts: ConnectionParts
  readonly #authentication: Authentication
  #framed: FramedParser | undefined
  #intake: Intake | undefined
  #out = ''
  #isGreeted = false
  #isOver = false
  #errors = 0
  #idleCommands = 0

  constructor(server: SMTPServer, socket: Socket, parts: ConnectionParts) {
    super(server, socket, { id: parts.live.id, remoteAddress: parts.live.remote.address, localAddress: parts.live.local.address })
    this.#parts = parts
    this.host = parts.host
    this.settings = parts.settings
    this.live = parts.live
    this.name = parts.host.hostname
    this.secure = this.session.secure = parts.live.tls !== undefined
    this.mail = new MailSession(parts.host, parts.live, parts.settings)
    this.watchdog = new Watchdog(parts.host, parts.settings.deadlines, why => this.#overdue(why))
    this.#authentication = new Authentication(this)
    // The package made a parser before our fields were there.
    this._parser = this._createParser()
  }

  /** The connection may carry secrets: it is encrypted, or it stays on this machine and the host allows that. */
  get secretsAllowed(): boolean {
    return this.secure || (this.settings.allowPlaintextLogin && isLoopback(this.live.remote.address))
  }

  get canStartTls(): boolean {
    return this.#parts.startTls !== undefined && !this.secure
  }

  /** Octets that came behind the command that runs. */
  get pipelined(): number {
    return (this.#framed?.waiting ?? 0) + this._socket.readableLength
  }

  override init(): void {
    this._setListeners(() => {
      this.#greet().catch((error: unknown) => {
        this.host.report(error, 'smtp greeting', this.live)
        this.#destroy()
      })
    })
  }

  override _setListeners(callback: () => void): void {
    this._socket.on('close', () => this._onCloseEvent())
    this._socket.on('error', () => undefined)
    this.#framed?.readFrom(this._socket)
    callback()
  }

  override _createParser(): FramedParser {
    const parser: FramedParser = new FramedParser({
      frame: frame => this.#frame(frame),
      drained: isMidLine => this.#drained(isMidLine),
      ended: () => this.close(),
    })
    // The base constructor calls this before this class has its fields; that first parser is never used.
    if (#framed in this) this.#framed = parser
    return parser
  }

  /** Nothing of the package's own deadlines: the watchdog has them all. */
  override _armTimeout(): void {
    return undefined
  }

  /** One reply; control characters and all beyond ASCII are replaced. */
  override send(code: number, data?: string | string[] | null, context?: string | false): void {
    this.#out += printedReply(code, Array.isArray(data) ? data : [data ?? ''], this._getEnhancedStatusCode(code, context))
    if (this.#out.length > FLUSH_AT) this.flush()
    if (code === 421) this.close()
  }

  /** One of our replies. */
  say(reply: Reply): void {
    this.send(reply.code, textOf(reply), false)
  }

  /** A reply to a faulty command: too many of them end the connection. */
  fault(reply: Reply): void {
    this.say(++this.#errors >= MAX_ERRORS ? replies.tooManyErrors : reply)
  }

  /** The command leads nowhere; false when it was one too many. */
  countIdle(): boolean {
    if (++this.#idleCommands <= MAX_IDLE_COMMANDS) return true
    this.say(replies.tooManyIdle)
    return false
  }

  /** False, and the connection ends, when something came behind a command that must be the last of its group. RFC 2920 §3.1. */
  isSynchronised(): boolean {
    if (this.pipelined === 0) return true
    this.say(replies.pipelined)
    this.close()
    return false
  }

  /** Sends the replies that wait. */
  flush(): void {
    if (this.#out === '' || this._upgrading || this._socket.destroyed || !this._socket.writable) return
    this._socket.write(this.#out, 'latin1')
    this.#out = ''
  }

  /** The replies could not be sent: nobody may go on as if they had been. */
  flushFailed(error: unknown): void {
    this.host.report(error, 'smtp reply', this.live)
    this.#destroy()
  }

  override close(): void {
    this.flush()
    this.watchdog.stop()
    super.close()
  }

  /** Ends an idle session at once, and a busy one after its command. RFC 5321 §3.8. */
  shutdown(): void {
    if (this.#isGreeted && this.#intake === undefined && !this._handlerPending && !this._upgrading) this.say(replies.shutdown)
  }

  override _onClose(): void {
    this.watchdog.stop()
    this.#intake?.abort()
    this.#intake = undefined
    this.#framed?.retire()
    super._onClose()
    if (this.#isOver) return
    this.#isOver = true
    this.#parts.onOver()
  }

  // -- what the commands need

  /** The greeting again: EHLO, HELO, LHLO and STARTTLS forget the transaction. RFC 5321 §4.1.4. */
  greetedBy(name: string | undefined): void {
    this.mail.reset()
    this.hostNameAppearsAs = name ?? false
    this.live.clientName = name
  }

  /** MAIL or RCPT's arguments, or undefined after the complaint was sent. */
  path(keyword: 'FROM' | 'TO', text: string, known: ReadonlySet<string>): PathArguments | undefined {
    const parsed = parsePath(keyword, text)
    if (parsed === undefined) this.fault(keyword === 'FROM' ? replies.badSender : replies.badAddress)
    else if (parsed.duplicate !== undefined) this.fault(replies.syntax)
    else if ([...parsed.parameters.keys()].some(name => !known.has(name))) this.fault(replies.badParameter)
    else return parsed
    return undefined
  }

  /** After RCPT was refused. */
  countRefused(): void {
    if (this.mail.refusedRecipients > MAX_REFUSED_RECIPIENTS) this.say(replies.tooManyRefused)
  }

  /** DATA was accepted: what follows is a message. */
  beginMessage(): void {
    const intake = new Intake(this.host, this.settings.maxSize, true)
    if (intake.refusal !== undefined) {
      for (const reply of this.mail.noData(intake.refusal).slice(0, 1)) this.say(reply)
      return
    }
    this.#intake = intake
    this.#framed?.readMessage({ normalise: this.#mayNormalise })
    this.watchdog.dataBegins()
    this.send(354, 'End data with <CR><LF>.<CR><LF>', false)
  }

  /** Begins TLS; everything known of the client is forgotten. RFC 3207 §4.2. */
  async beginTls(): Promise<void> {
    const { startTls } = this.#parts
    const plain = this._socket
    if (startTls === undefined) return
    this.say({ code: 220, enhanced: '2.0.0', text: 'Ready to start TLS' })
    this.flush()
    const retired = this.#framed
    retired?.letGo()
    retired?.retire()
    this._upgrading = true
    this.greetedBy(undefined)
    this.live.principal = undefined
    try {
      const secure = await startTls(plain)
      if (this.#isOver) {
        secure.destroy()
        return
      }
      this._socket = secure
      this.secure = this.session.secure = true
      this.live.tls = tlsFacts(secure)
      this._upgrading = false
      secure.on('close', () => this._onCloseEvent())
      secure.on('error', () => undefined)
      const parser = this._createParser()
      this._parser = parser
      parser.readFrom(secure)
      this.watchdog.waiting('idle')
    } catch {
      // A handshake that failed is the client's affair; the socket is gone.
      this.#destroy()
    }
  }

  // -- inside

  get #mayNormalise(): boolean {
    return this.settings.normaliseFrom.has(this.live.remote.address)
  }

  async #greet(): Promise<void> {
    const verdict = await this.host.connect(this.live)
    if (this.#isOver) return
    const refusal = refusalOf(verdict, 'connect')
    if (refusal === undefined && this.settings.greetingDelay > 0) {
      await new Promise<void>(resolve => this.host.clock.after(this.settings.greetingDelay, resolve))
    }
    if (this.#isOver || this._closing) return
    this.#isGreeted = true
    if (refusal !== undefined) {
      this.say(refusal)
      this.close()
      return
    }
    this._ready = true
    const service = this.settings.flavour === 'lmtp' ? 'LMTP' : 'ESMTP'
    this.send(220, `${this.name} ${service} ready`, false)
    this.flush()
    this.watchdog.waiting('idle')
  }

  #frame(frame: Frame): Promise<void> | undefined {
    if (this._closing || this._upgrading) return undefined
    if (!this.#isGreeted) {
      this.#isGreeted = true
      this.say(replies.tooEarly)
      this.close()
      return undefined
    }
    switch (frame.kind) {
      case 'line':
        this.watchdog.busy()
        return this.#guarded(this.#line(frame.bytes)) ?? drained(this._socket, this.watchdog)
      case 'fault':
        this.watchdog.busy()
        this.#authentication.forget()
        this.fault(frame.fault === 'line-too-long' || frame.fault === 'command-too-long' ? replies.lineTooLong : replies.badLine)
        return undefined
      case 'data':
        return this.#octets(frame.bytes)
      case 'end':
        return frame.mode === 'dot-data' ? this.#guarded(this.#messageEnds(frame.faults)) : undefined
    }
  }

  /** A command at work: the parser waits for it, and what goes wrong in it is ours, never the client's to read. */
  #guarded(work: Promise<void> | undefined): Promise<void> | undefined {
    if (work === undefined) return undefined
    this._handlerPending = true
    return work.then(
      () => this.#handled(),
      (error: unknown) => {
        this.host.report(error, 'smtp command', this.live)
        this.say(replies.problem)
        return this.#handled()
      },
    )
  }

  #handled(): Promise<void> | undefined {
    this._handlerPending = false
    if (this.#parts.isShuttingDown() && !this._closing) this.say(replies.shutdown)
    return drained(this._socket, this.watchdog)
  }

  #line(bytes: Uint8Array): Promise<void> | undefined {
    if (this.#authentication.isRunning) return this.#authentication.respond(bytes)
    const line = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8')
    if (HTTP.test(line)) {
      this.say(replies.http)
      return undefined
    }
    if (this.#parts.isShuttingDown()) {
      this.say(replies.shutdown)
      return undefined
    }
    const space = line.indexOf(' ')
    const name = (space < 0 ? line : line.slice(0, space)).toUpperCase()
    const text = space < 0 ? '' : trimmed(line.slice(space + 1))
    const command = commandNamed(name)
    if (command === undefined) {
      this.fault(replies.unknownCommand)
      return undefined
    }
    if (command.needsHello && this.hostNameAppearsAs === false) {
      this.fault(replies.sayHelloFirst)
      return undefined
    }
    if (command.mustBeLast && !this.isSynchronised()) return undefined
    if (command.isIdle && !this.countIdle()) return undefined
    return command.run(this, text, this.#authentication)
  }

  #octets(octets: Uint8Array): Promise<void> | undefined {
    this.watchdog.dataArrived(octets.length)
    const intake = this.#intake
    if (intake === undefined) return undefined
    // What the socket gave is looked at here for the last time.
    const pause = intake.write(octets, 'nobody')
    if (intake.isHopeless) {
      this.#intake = undefined
      intake.abort()
      this.say(replies.tooBig)
      this.close()
      return undefined
    }
    if (pause === undefined) return undefined
    const began = this.host.clock.monotonic()
    return pause.then(() => this.watchdog.heldBack(this.host.clock.monotonic() - began))
  }

  async #messageEnds(faults: DataFaults): Promise<void> {
    this.watchdog.dataEnds()
    const intake = this.#intake
    if (intake === undefined) return
    const arrival = await intake.finish(faults, this.#mayNormalise, { feeds: faults.lineFeeds, longest: faults.longestLine })
    this.#intake = undefined
    const answers = arrival.ok ? await this.mail.data(arrival.message, arrival.survey) : this.mail.noData(arrival.refusal)
    for (const answer of answers) this.say(answer)
    if (answers.some(({ code }) => code === 250)) {
      this.#errors = 0
      this.#idleCommands = 0
    }
  }

  #drained(isMidLine: boolean): void {
    if (this.#out !== '') flushAtTurnEnd(this)
    if (this.#intake !== undefined || this._closing || this._upgrading || !this.#isGreeted) return
    this.watchdog.waiting(isMidLine ? 'line' : 'idle')
  }

  #overdue(why: Overdue): void {
    this.#intake?.abort()
    this.#intake = undefined
    this.say(why === 'slow' || why === 'data' ? replies.tooSlow : replies.timeout)
    this.close()
  }

  #destroy(): void {
    this._socket.destroy()
    this._onClose()
  }
}
