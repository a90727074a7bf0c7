/** The pump of one connection: frame, parse, admit, ask, run, print. RFC 1939 §3. */

import { SyntaxFault } from '../bytes/cursor.ts'
import type { Host, LiveConnection } from '../contracts/host.ts'
import type { MeteredTransport } from '../engine/bandwidth.ts'
import { commands } from './commands/index.ts'
import { Disconnected } from '../engine/sliced-work.ts'
import { Context } from './context.ts'
import { FAILED_LOGINS, FAULTS_IN_A_ROW } from './limits.ts'
import type { Pop3Settings } from './options.ts'
import { isWorthReporting, negative, positive, refusalOf, replies, replyOf } from './replies.ts'
import type { Reply } from './replies.ts'
import { refusedIn, stateOf } from './state.ts'
import { Parser } from './wire/parser.ts'

/** One connection, from greeting to end. */
export class Session {
  readonly #context: Context
  #faults = 0
  #stopping = false

  constructor(host: Host, settings: Pop3Settings, transport: MeteredTransport, connection: LiveConnection) {
    this.#context = new Context(host, settings, transport, connection)
  }

  /** Serves the connection, then calls `ended`. Never rejects. */
  async serve(ended: () => void): Promise<void> {
    const context = this.#context
    try {
      if (await this.#greet()) await this.#pump()
      const pressure = context.out.flush()
      if (pressure !== undefined) await pressure
    } catch (error) {
      if (!(error instanceof Disconnected) && !context.connection.signal.aborted) {
        context.host.report(error, 'pop3: session', context.connection)
      }
    } finally {
      context.out.release()
      context.transport.end()
      ended()
    }
  }

  /** Ends the session: at once when it waits for its client, after the running command otherwise. Nothing is deleted. */
  stop(): void {
    this.#stopping = true
    const { isWaiting, out, transport } = this.#context
    if (!isWaiting) return
    out.reply(replies.goingDown)
    void out.flush()
    transport.end()
  }

  async #greet(): Promise<boolean> {
    const context = this.#context
    const { host, connection, out } = context
    context.began = host.clock.monotonic()
    const verdict = await host.connect(connection)
    if (verdict.kind !== 'accept') {
      out.reply(refusalOf(verdict))
      return false
    }
    // No timestamp in angle brackets: APOP would need passwords in the clear at rest. RFC 1939 §7.
    out.reply(positive(`${host.hostname} POP3 server ready`))
    return true
  }

  async #pump(): Promise<void> {
    const context = this.#context
    const { framer, out } = context
    while (!context.isEnding) {
      if (this.#stopping) return out.reply(replies.goingDown)
      const frame = framer.next()
      if (frame === undefined) {
        // RFC 1939 §3: who says nothing is let go without a word, and without the UPDATE state.
        if ((await context.more()) !== 'more') return
        continue
      }
      if (frame.kind === 'line') {
        await this.#handle(frame.bytes)
        context.commandDone()
      }
      if (frame.kind === 'fault') this.#fault(negative(`The line is not one: ${frame.fault}`))
      if (this.#faults >= FAULTS_IN_A_ROW) return out.reply(replies.tooManyFaults)
      if (context.failedLogins >= FAILED_LOGINS) return out.reply(replies.tooManyLogins)
      if (context.connection.signal.aborted) return
      const pressure = out.isFull ? out.flush() : undefined
      if (pressure !== undefined) await pressure
    }
  }

  async #handle(line: Uint8Array): Promise<void> {
    const context = this.#context
    try {
      const reply = await this.#dispatch(new Parser(line))
      if (reply !== undefined) context.out.reply(reply)
    } catch (error) {
      if (error instanceof Disconnected) throw error
      if (error instanceof SyntaxFault) {
        this.#fault(negative(`Expected ${error.expected}`))
        return
      }
      if (context.connection.signal.aborted) throw new Disconnected()
      if (isWorthReporting(error)) context.host.report(error, 'pop3: command', context.connection)
      context.out.reply(replyOf(error))
    }
  }

  async #dispatch(p: Parser): Promise<Reply | undefined> {
    const context = this.#context
    const name = p.keyword()
    // RFC 1939 §7: PASS may be given "immediately after a successful USER command" only.
    if (name !== 'PASS') context.username = undefined
    const command = commands.get(name)
    if (command === undefined) {
      this.#faults++
      return replies.unknownCommand
    }
    const refused = refusedIn(command.states, stateOf(context))
    if (refused !== undefined) {
      this.#faults++
      return refused
    }
    const run = command.bind(p)
    this.#faults = 0
    if (context.host.command !== undefined) {
      const verdict = await context.host.command(context.connection, command.name)
      if (verdict.kind !== 'accept') return refusalOf(verdict)
    }
    context.beginSlice()
    return run(context)
  }

  #fault(reply: Reply): void {
    this.#faults++
    this.#context.out.reply(reply)
  }
}
