/** Talks with a program beside the server, such as a scanner: within one deadline, in bounded memory. What it says is not trusted. */

import type { ClientConnection, Clock, Dialer, MessageSource, PhaseContext, Verdict } from '../contracts/index.ts'
import { ConfigurationError, defer, MailError } from '../contracts/index.ts'
import { utf8Bytes } from '../bytes/ascii.ts'
import { machineClock } from './machine-clock.ts'

/** Where a program listens: at an address and a port, or at the absolute path of a Unix socket. */
export type ProgramAddress = { readonly address: string; readonly port: number } | { readonly path: string }

/** What all filters have that ask a program. */
export interface ProgramOptions {
  /** Begins connections; `socketDialer` of `mailwright/net`. */
  readonly dialer: Dialer
  /** Where the program listens. */
  readonly at: ProgramAddress
  /** Milliseconds for one question, connecting and sending included. Less where the phase's deadline is near: several programs in a row share it. */
  readonly within?: number
  /** Whether mail is put off (451 4.3.0) while the program cannot be asked. Default `false`: it goes on, with a note in the trace. */
  readonly required?: boolean
  /** Default: the machine's clock. */
  readonly clock?: Clock
}

/** Octets of a message that are read and sent at a time. */
const PIECE = 65_536

/** One connection to a program, for as long as one question takes. Every call throws `MailError('unavailable')` once the time is up. */
export interface Talk {
  /** Sends octets (or text, in UTF-8); waits while the program is slow. */
  write(octets: Uint8Array | string): Promise<void>
  /** The next octets; `undefined` at the end. */
  read(): Promise<Uint8Array | undefined>
  /** Whether the program has said something already, or has left: what is still to be sent may be pointless. */
  readonly isAnswered: boolean
}

/** A program that filters ask, and what becomes of mail when it cannot be asked. */
export class Program {
  readonly #name: string
  readonly #options: ProgramOptions
  readonly #within: number
  readonly clock: Clock

  constructor(name: string, options: ProgramOptions, within: number) {
    this.#name = name
    this.#options = options
    this.#within = options.within ?? within
    this.clock = options.clock ?? machineClock
    if (!(this.#within > 0)) throw new ConfigurationError('MW_PROGRAM_TIME', `within (${this.#within}) must be above 0 milliseconds`)
    const { at } = options
    const isThere =
      'path' in at ? at.path.startsWith('/') : at.address !== '' && Number.isInteger(at.port) && at.port > 0 && at.port < 65_536
    if (!isThere) throw new ConfigurationError('MW_PROGRAM_ADDRESS', `${JSON.stringify(at)} is nowhere that ${name} can be asked`)
  }

  /**
   * Asks. When the program cannot be reached, is too slow or answers nonsense, that is noted, and the answer is `Failed`, with the
   * verdict to give where the program is required. What the client's leaving interrupts is thrown.
   *
   * A quarter of the phase's time is kept for what asks no program; of the rest it may take half of what is left. However many programs
   * are silent one after another, the phase ends with what the others say, and not at its deadline.
   */
  async ask<Answer>(context: PhaseContext, question: (talk: Talk) => Promise<Answer>): Promise<Answer | Failed> {
    const { signal, trace } = context
    try {
      return await this.#talk(signal, Math.min(this.#within, shareOf(context)), question)
    } catch (error) {
      if (signal.aborted || !(error instanceof MailError)) throw error
      trace.note(`${this.#name} could not be asked: ${error.message}`)
      return new Failed(this.#options.required === true)
    }
  }

  async #talk<Answer>(signal: AbortSignal, within: number, question: (talk: Talk) => Promise<Answer>): Promise<Answer> {
    signal.throwIfAborted()
    const { promise: cut, reject } = Promise.withResolvers<never>()
    cut.catch(() => undefined)
    const controller = new AbortController()
    let connection: ClientConnection | undefined
    const give = (reason: unknown): void => {
      reject(reason)
      controller.abort(reason)
      connection?.destroy()
    }
    const leave = (): void => give(signal.reason)
    signal.addEventListener('abort', leave, { once: true })
    const stop = this.clock.after(within, () => give(new MailError('unavailable', `no answer within ${within} ms`)))
    try {
      const { at, dialer } = this.#options
      const where = 'path' in at ? { address: '', port: 0, path: at.path } : at
      const dialling = dialer.dial({ ...where, signal: controller.signal, timeoutMs: within })
      // A connection that comes too late is nobody's.
      void dialling.then(late => controller.signal.aborted && late.destroy()).catch(() => undefined)
      connection = await Promise.race([dialling, cut])
      const answer = await Promise.race([question(new ProgramTalk(connection, cut)), cut])
      connection.end()
      connection = undefined
      return answer
    } finally {
      stop()
      signal.removeEventListener('abort', leave)
      connection?.destroy()
    }
  }
}

/** What is kept of each phase, from when its first program is asked. */
const kept = new WeakMap<AbortSignal, number>()

/** Milliseconds that one program may take now. */
function shareOf(context: PhaseContext): number {
  const left = context.timeLeft()
  const reserve = kept.get(context.signal) ?? left / 4
  kept.set(context.signal, reserve)
  return Math.max(1, Math.floor((left - reserve) / 2))
}

/** The program could not be asked. */
export class Failed {
  readonly #isRequired: boolean

  constructor(isRequired: boolean) {
    this.#isRequired = isRequired
  }

  /** What to answer; `undefined`: go on. */
  get verdict(): Verdict | undefined {
    return this.#isRequired ? defer('Mail cannot be checked at present, please try again later', '4.3.0') : undefined
  }
}

class ProgramTalk implements Talk {
  readonly #connection: ClientConnection
  readonly #cut: Promise<never>

  constructor(connection: ClientConnection, cut: Promise<never>) {
    this.#connection = connection
    this.#cut = cut
  }

  async write(octets: Uint8Array | string): Promise<void> {
    const slow = this.#connection.write(typeof octets === 'string' ? utf8Bytes(octets) : octets)
    if (slow !== undefined) await Promise.race([slow, this.#cut])
  }

  async read(): Promise<Uint8Array | undefined> {
    const octets = await Promise.race([this.#connection.read(Number.POSITIVE_INFINITY), this.#cut])
    return octets === 'timeout' ? undefined : octets
  }

  get isAnswered(): boolean {
    return (this.#connection.unread ?? 0) > 0 || this.#connection.signal.aborted
  }
}

/** A message, or a part of it, in pieces. What is yielded is the taker's to give away. */
export async function* piecesOf(source: MessageSource, from: number = 0, octets: number = PIECE): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  for (let at = from; at < source.size; at += octets) yield Uint8Array.from(await source.read(at, Math.min(source.size, at + octets)))
}

/** Everything that the program says up to its end, or to `limit` octets; throws when there is more, which no honest program says. */
export async function readAll(talk: Talk, limit: number, isComplete: (soFar: Uint8Array) => boolean = () => false): Promise<Uint8Array> {
  let held = new Uint8Array(1024)
  let length = 0
  for (;;) {
    const octets = await talk.read()
    if (octets === undefined) break
    if (length + octets.length > limit) throw nonsense(`an answer of more than ${limit} octets`)
    if (length + octets.length > held.length) {
      const larger = new Uint8Array(Math.min(limit, Math.max(held.length * 2, length + octets.length)))
      larger.set(held.subarray(0, length))
      held = larger
    }
    held.set(octets, length)
    length += octets.length
    if (isComplete(held.subarray(0, length))) break
  }
  return held.subarray(0, length)
}

/** The error for an answer that is none. */
export function nonsense(what: string): MailError {
  return new MailError('unavailable', `it answered nonsense: ${what}`)
}

/** What peers like to say, made fit for a line of a protocol. */
export function oneLine(text: string): string {
  return text.replaceAll(/[\u0000-\u001f\u007f]+/g, '?').slice(0, 1000)
}

/** The address as `local@domain`; empty for the null reverse-path. */
export function addressText(address: { readonly local: string; readonly domain: string } | undefined): string {
  return address === undefined ? '' : oneLine(`${address.local}@${address.domain}`)
}
