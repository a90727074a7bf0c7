/** What arrives: whole commands with their literals, and the octets of a message on their way to the spool. RFC 9051 §2.2.1, §4.3. */

import { concatBytes } from '../bytes/ascii.ts'
import { Framer, type Frame, type LineFault } from '../bytes/framer.ts'
import type { Transport } from '../contracts/transport.ts'
import { COMMAND_AFTER_LOGIN, COMMAND_BEFORE_LOGIN } from './limits.ts'
import { literalTail, type LiteralTail } from './wire/literal-tail.ts'
import type { Printer } from './wire/printer.ts'

/**
 * What the next command is:
 * - `command`: all its octets. `message` announces the message literal that APPEND ends with, which is not read yet.
 * - `fault`: no command; where the next one begins cannot be trusted either, so the connection has to end.
 * - `refused`: it announced a literal that is too large; nothing of it was sent, the next command follows.
 * - `end`, `timeout`: nothing more comes, or nothing came.
 */
export type Incoming =
  | { readonly kind: 'command'; readonly octets: Uint8Array; readonly message: LiteralTail | undefined }
  | { readonly kind: 'fault'; readonly fault: LineFault | 'literal-too-big'; readonly start: Uint8Array }
  | { readonly kind: 'refused'; readonly octets: Uint8Array }
  | { readonly kind: 'end' }
  | { readonly kind: 'timeout' }

const CRLF = Uint8Array.of(0x0d, 0x0a)
const END: Incoming = { kind: 'end' }
const TIMEOUT: Incoming = { kind: 'timeout' }

/** Whether the octets so far are an APPEND up to the announcement of its message. */
export type MessageTest = (octets: Uint8Array) => boolean

/** Reads one connection. What was answered is sent before waiting for more. */
export class Input {
  readonly #transport: Transport
  readonly #out: Printer
  readonly #framer = new Framer({ maxLength: COMMAND_BEFORE_LOGIN, maxCommand: COMMAND_BEFORE_LOGIN })
  #putBack: Uint8Array | undefined
  /** Whether the session waits for the client and nothing else. */
  isWaiting = false
  /** The message that the command at hand announced, until somebody reads it. */
  unread: LiteralTail | undefined

  constructor(transport: Transport, out: Printer) {
    this.#transport = transport
    this.#out = out
  }

  /** Raises the limits of commands. */
  loggedIn(): void {
    this.#framer.line({ maxLength: COMMAND_AFTER_LOGIN, maxCommand: COMMAND_AFTER_LOGIN })
  }

  /** Forgets what was sent before TLS. RFC 9051 §6.2.1. Answers how many octets that were. */
  dropBuffered(): number {
    return this.#framer.dropBuffered()
  }

  /** A line that was read and is the beginning of the next command. */
  putBack(line: Uint8Array): void {
    this.#putBack = line
  }

  #frame(): Frame | undefined {
    const bytes = this.#putBack
    if (bytes === undefined) return this.#framer.next()
    this.#putBack = undefined
    return { kind: 'line', bytes }
  }

  /** What comes next, to be {@link Input.#took}. No function of its own waits here: thousands of sessions do, all the time. */
  #arrival(within: number): Promise<Uint8Array | undefined | 'timeout'> {
    const pressure = this.#out.flush()
    return pressure === undefined ? this.#read(within) : pressure.then(() => this.#read(within))
  }

  #read(within: number): Promise<Uint8Array | undefined | 'timeout'> {
    this.#out.release()
    this.isWaiting = true
    return this.#transport.read(within)
  }

  #took(octets: Uint8Array | undefined | 'timeout'): 'more' | 'end' | 'timeout' {
    this.isWaiting = false
    if (octets === undefined) return 'end'
    if (octets === 'timeout') return 'timeout'
    this.#framer.push(octets)
    return 'more'
  }

  /** The next command. */
  async command(within: number, isMessage: MessageTest): Promise<Incoming> {
    // The lines of a message are whatever somebody wrote: better no session than one that takes them for commands.
    if (this.unread?.synchronizing === false) throw new Error('the message of the command before was not read')
    this.unread = undefined
    const pieces: Uint8Array[] = []
    this.#framer.beginCommand()
    for (;;) {
      const frame = this.#frame()
      if (frame === undefined) {
        const more = this.#took(await this.#arrival(within))
        if (more === 'end') return END
        if (more === 'timeout') return TIMEOUT
        continue
      }
      if (frame.kind === 'fault') return { kind: 'fault', fault: frame.fault, start: pieces[0]?.subarray(0, 64) ?? frame.start }
      if (frame.kind === 'data') {
        pieces.push(frame.bytes)
        continue
      }
      if (frame.kind === 'end') continue
      pieces.push(frame.bytes)
      const literal = literalTail(frame.bytes)
      if (literal === undefined) return { kind: 'command', octets: concatBytes(pieces), message: undefined }
      const octets = concatBytes(pieces)
      if (isMessage(octets)) {
        this.unread = literal
        return { kind: 'command', octets, message: literal }
      }
      // The line end and whatever follows the literal count too: a literal that fills the budget leaves no room for them.
      if (literal.size + 4 > this.#framer.commandBudget) {
        if (literal.synchronizing) return { kind: 'refused', octets }
        return { kind: 'fault', fault: 'literal-too-big', start: octets.subarray(0, 64) }
      }
      pieces.push(CRLF)
      if (literal.synchronizing) this.#out.text('+ Ready\r\n')
      this.#framer.literal(literal.size)
    }
  }

  /** The next line by itself: an answer to `+`, or DONE. `undefined` for a faulty one. */
  async line(within: number): Promise<Uint8Array | undefined | 'end' | 'timeout'> {
    this.#framer.beginCommand()
    for (;;) {
      const frame = this.#framer.next()
      if (frame?.kind === 'line') return frame.bytes
      if (frame !== undefined) return undefined
      const more = this.#took(await this.#arrival(within))
      if (more !== 'more') return more
    }
  }

  /** The octets of a message literal, slice by slice; the end of the connection, or a client that says nothing, stops it. */
  async message(size: number, within: number, take: (octets: Uint8Array) => Promise<void> | undefined): Promise<'whole' | 'end'> {
    this.unread = undefined
    // As a chunk, not as a literal: messages do not count into the command's budget.
    this.#framer.chunk(size)
    for (;;) {
      const frame = this.#framer.next()
      if (frame?.kind === 'end') return 'whole'
      if (frame?.kind === 'data') {
        const pressure = take(frame.bytes)
        if (pressure !== undefined) await pressure
      } else if (frame === undefined) {
        if (this.#took(await this.#arrival(within)) !== 'more') return 'end'
      }
    }
  }
}
