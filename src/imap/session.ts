/** The pump of one connection: read a command, parse it, admit it, ask, run it, print how it ended. RFC 9051 §2.2.2, §5.5. */

import { latin1Text } from '../bytes/ascii.ts'
import { SyntaxFault } from '../bytes/cursor.ts'
import type { LiveConnection } from '../contracts/host.ts'
import type { MeteredTransport } from '../engine/bandwidth.ts'
import { commands } from './commands/index.ts'
import { isAppendToMessage, passUnread } from './commands/append.ts'
import { bad, codes, completionOf, isWorthReporting, printable, refusalOf, type Completion } from './codes.ts'
import type { Bound, Command } from './command.ts'
import { Disconnected } from '../engine/sliced-work.ts'
import { patienceOf } from '../engine/stress.ts'
import { Context, type House } from './context.ts'
import { capabilities } from './extensions/index.ts'
import type { Incoming } from './input.ts'
import { Completions, type Later, type Teller } from './later.ts'
import { FAILED_LOGINS, FAULTS_IN_A_ROW } from './limits.ts'
import { refusedIn, stateOf } from './state.ts'
import { Parser } from './wire/parser.ts'

/** One connection, from greeting to end. */
export class Session implements Teller {
  readonly #context: Context
  #faults = 0
  #stopping = false
  #began = 0

  constructor(house: House, transport: MeteredTransport, connection: LiveConnection) {
    this.#context = new Context(house, transport, connection)
  }

  /**
   * Serves the connection, then calls `ended`. Never rejects. Each function that waits inside another one costs half a kilobyte for as
   * long as a client idles, hence few and long ones here.
   */
  async serve(ended: () => void): Promise<void> {
    const context = this.#context
    try {
      if (!(await this.#greet())) return
      while (!context.isEnding) {
        if (this.#stopping) {
          await context.completions?.settled()
          return this.#bye('The server is going down')
        }
        const incoming = await context.input.command(this.#patience(), octets => isAppendToMessage(octets, context))
        // RFC 9051 §5.5: only APPENDs, of which none can change what another means, are under way together.
        const others = isAppend(incoming) ? undefined : context.completions?.settled()
        if (others !== undefined) await others
        if (incoming.kind === 'end') return
        if (incoming.kind === 'timeout') return this.#bye('You were silent for too long')
        const asked = this.#read(incoming)
        if (asked !== undefined) await this.#run(asked)
        if (this.#faults >= FAULTS_IN_A_ROW) return this.#bye('Too many commands that are none')
        if (context.failedLogins >= FAILED_LOGINS) return this.#bye('Too many failed logins')
        if (context.out.isFull) await context.out.flush()
      }
    } catch (error) {
      if (!(error instanceof Disconnected)) context.host.report(error, 'imap: session', context.connection)
    } finally {
      await context.completions?.settled()
      context.deselect()
      if (context.hub !== undefined) context.house.hubs.part(context.hub)
      context.out.release()
      context.transport.end()
      ended()
    }
  }

  /** Ends the session: at once when it waits for its client, after the running command otherwise. */
  stop(): void {
    this.#stopping = true
    this.#stopIfIdle()
  }

  #stopIfIdle(): void {
    const { input, completions } = this.#context
    if (!input.isWaiting || (completions !== undefined && completions.size > 0)) return
    this.#bye('The server is going down')
    this.#context.out.release()
    this.#context.transport.end()
  }

  async #greet(): Promise<boolean> {
    const context = this.#context
    const { host } = context.house
    this.#began = host.clock.monotonic()
    const verdict = await host.connect(context.connection)
    if (verdict.kind !== 'accept') {
      this.#bye(refusalOf(verdict).text)
      return false
    }
    context.out.untagged(`OK [CAPABILITY ${capabilities(context)}] ${host.hostname} ready`)
    return true
  }

  #bye(text: string, code?: string): void {
    this.#context.out.untagged(`BYE ${code === undefined ? '' : `[${code}] `}${printable(text)}`)
  }

  #patience(): number {
    const { account, house } = this.#context
    if (account !== undefined) return house.settings.autologout
    const deadline = this.#began + patienceOf(house.host, house.settings.loginTimeout)
    return Math.max(0, deadline - house.host.clock.monotonic())
  }

  /** What the client asks for; `undefined` when it is no command and was answered. */
  #read(incoming: Exclude<Incoming, { readonly kind: 'end' | 'timeout' }>): Asked | undefined {
    const context = this.#context
    const { out } = context
    if (incoming.kind === 'fault') {
      const text = incoming.fault === 'literal-too-big' ? 'The literal is too large' : `The line is not one: ${incoming.fault}`
      out.completion(tagOf(incoming.start), bad(text))
      // Whether what follows is a command or the octets of a literal cannot be known any more.
      this.#bye('The next command cannot be found')
      context.isEnding = true
      return undefined
    }
    if (incoming.kind === 'refused') {
      out.completion(tagOf(incoming.octets), codes.commandTooBig)
      this.#faults++
      return undefined
    }
    const p = new Parser(incoming.octets, context.nameForm)
    let tag = '*'
    try {
      tag = p.tag()
      p.sp()
      context.tag = tag
      const command = readCommand(p)
      const refused = command === undefined ? 'There is no such command' : refusedIn(command.states, stateOf(context))
      if (command !== undefined && refused === undefined) return { tag, command, run: command.bind(p) }
      this.#complete(tag, bad(refused ?? 'There is no such command'))
    } catch (error) {
      if (error instanceof SyntaxFault) {
        this.#faults++
        out.completion(tag, bad(`Expected ${error.expected}`))
      } else out.completion(tag, this.#failure(error))
    }
    return undefined
  }

  async #run({ tag, command, run }: Asked): Promise<void> {
    const context = this.#context
    let completion: Completion | Later | undefined
    try {
      if (context.host.command !== undefined) {
        const verdict = await context.host.command(context.connection, command.name)
        if (verdict.kind !== 'accept') completion = refusalOf(verdict)
      }
      if (completion === undefined) {
        context.beginSlice()
        const running = run(context)
        completion = running instanceof Promise ? await running : running
      }
    } catch (error) {
      completion = this.#failure(error)
    }
    if ('later' in completion) {
      await (context.completions ??= new Completions(this)).add(tag, completion)
      return
    }
    const { unread } = context.input
    if (unread !== undefined) completion = await passUnread(context, unread, completion)
    await context.completions?.settled()
    this.#end(tag, completion, command.expunge)
  }

  #end(tag: string, completion: Completion, expunge: 'tell' | 'keep' = 'tell'): void {
    try {
      this.#context.tellUpdates(expunge)
      this.#complete(tag, completion)
    } catch (error) {
      this.#context.out.completion(tag, this.#failure(error))
    }
  }

  /** A command that was under way ended. */
  tell(tag: string, completion: Completion): void {
    this.#end(tag, completion)
  }

  /** What an error is to the client of a command that was under way; `undefined` when nobody is there to hear it. */
  failure(error: unknown): Completion | undefined {
    try {
      return this.#failure(error)
    } catch {
      return undefined
    }
  }

  /** Commands that were under way were told of. */
  told(): void {
    const { out, input } = this.#context
    if (input.isWaiting) out.release()
    else void out.flush()
    if (this.#stopping) this.#stopIfIdle()
  }

  #complete(tag: string, completion: Completion): void {
    if (completion.status === 'BAD') this.#faults++
    else this.#faults = 0
    if (completion.text !== '') this.#context.out.completion(tag, completion)
    if (completion.bye === undefined) return
    this.#context.out.untagged(`BYE ${completion.bye}`)
    this.#context.isEnding = true
  }

  #failure(error: unknown): Completion {
    if (error instanceof Disconnected) throw error
    const context = this.#context
    const { signal } = context.connection
    // The host gave up for the client's sake: no fault of anybody, and nobody to tell.
    if (signal.aborted && error === signal.reason) throw new Disconnected()
    if (isWorthReporting(error)) context.host.report(error, 'imap: command', context.connection)
    return completionOf(error) ?? codes.serverBug
  }
}

/** A command with its arguments, ready to run. */
interface Asked {
  readonly tag: string
  readonly command: Command
  readonly run: Bound
}

function isAppend(incoming: Incoming): boolean {
  return incoming.kind === 'command' && incoming.message !== undefined
}

function readCommand(p: Parser): Command | undefined {
  const word = p.keyword()
  if (word !== 'UID') return commands.get(word)
  p.sp()
  return commands.get(`UID ${p.keyword()}`)
}

/** The tag of a command that cannot be parsed as a whole; `*` when it has none. RFC 9051 §7.1.3. */
function tagOf(start: Uint8Array): string {
  const [, tag] = /^([^\x00-\x20(){%*"\\+\x7f-\xff]{1,60}) /.exec(latin1Text(start)) ?? []
  return tag ?? '*'
}
