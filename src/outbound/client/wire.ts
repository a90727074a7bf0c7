/** One connection to a server: commands out, replies in, each within its time. RFC 5321 §4.5.3.2; RFC 2920 §3.1. */

import { utf8Bytes } from '../../bytes/ascii.ts'
import type { ClientConnection, ClientTls, Clock, TlsPeer } from '../../contracts/index.ts'
import { MailError } from '../../contracts/index.ts'
import type { ClientLimits } from './limits.ts'
import { ReplyFault, ReplyParser } from './reply.ts'
import type { Reply } from './reply.ts'

/** Why a connection is of no more use. */
export type Breakdown =
  /** The peer ended or vanished. */
  | 'lost'
  /** It did not answer in time. */
  | 'timeout'
  /** What it said is no reply, or came before it was asked. */
  | 'protocol'
  /** The caller gave up. */
  | 'abandoned'

/** The conversation is over; the connection is closed. */
export class Broken extends Error {
  override readonly name: string = 'Broken'
  readonly breakdown: Breakdown

  constructor(breakdown: Breakdown, message: string, options?: ErrorOptions) {
    super(message, options)
    this.breakdown = breakdown
  }
}

/** Speaks with one server. */
export class Wire {
  readonly limits: ClientLimits
  readonly #connection: ClientConnection
  readonly #clock: Clock
  readonly #parser: ReplyParser
  #arrival: Promise<Uint8Array | undefined | 'timeout'> | undefined
  #idle = false
  /** When the stretch that is under way must be over, in the time of `clock.monotonic`. */
  #until = Number.POSITIVE_INFINITY
  #closed = false

  constructor(connection: ClientConnection, clock: Clock, limits: ClientLimits) {
    this.#connection = connection
    this.#clock = clock
    this.limits = limits
    this.#parser = new ReplyParser(limits)
  }

  get connection(): ClientConnection {
    return this.#connection
  }

  get clock(): Clock {
    return this.#clock
  }

  /** Octets of the server that nobody has asked for. */
  get unread(): number {
    return this.#parser.unread + (this.#connection.unread ?? 0)
  }

  /** No more can be said or heard. */
  get isOver(): boolean {
    return this.#closed || this.#connection.signal.aborted
  }

  /**
   * Nothing is asked from here on: whatever the server says now ends the connection, be it 421 for our silence, an answer too
   * many, or its leave. Without this, an answer too many would be taken for the next command's.
   */
  rest(): void {
    if (this.isOver) return
    this.#idle = true
    this.#arrival ??= this.#connection.read(Number.POSITIVE_INFINITY)
    void this.#arrival.then(() => {
      if (this.#idle) this.destroy()
    })
  }

  /** Runs one stretch of the conversation within `limits.totalMs`, after which the connection is cut, wherever it stands. */
  async bounded<T>(signal: AbortSignal | undefined, stretch: () => Promise<T>): Promise<T> {
    this.#idle = false
    this.#until = this.#clock.monotonic() + this.limits.totalMs
    const abandon = (): void => this.#connection.destroy()
    signal?.addEventListener('abort', abandon, { once: true })
    try {
      if (signal?.aborted === true) throw new Broken('abandoned', 'given up')
      return await stretch()
    } catch (error) {
      // Whoever said QUIT has it sent; everything else is cut where it stands.
      if (!this.#closed) this.destroy()
      if (signal?.aborted === true) throw new Broken('abandoned', 'given up', { cause: error })
      throw error
    } finally {
      signal?.removeEventListener('abort', abandon)
    }
  }

  /** Sends lines in one write; CRLF is added to each. */
  send(...lines: readonly string[]): Promise<void> | undefined {
    return this.#connection.write(utf8Bytes(`${lines.map(line => oneLine(line)).join('\r\n')}\r\n`))
  }

  /** Sends octets as they are. */
  write(octets: Uint8Array): Promise<void> | undefined {
    return this.#connection.write(octets)
  }

  /** A reply that has come already. Throws {@link Broken}. */
  ready(): Reply | undefined {
    try {
      return this.#parser.next()
    } catch (error) {
      if (error instanceof ReplyFault) throw this.#broken('protocol', `the server sent ${error.message}`)
      throw error
    }
  }

  /** The next reply, whole within `within` milliseconds. Throws {@link Broken}. */
  async reply(within: number): Promise<Reply> {
    const now = this.#clock.monotonic()
    const overall = this.#until - now < within
    const until = overall ? this.#until : now + within
    const late = overall ? `not over within ${this.limits.totalMs} ms` : `no reply within ${within} ms`
    for (let left = until - now; ; left = until - this.#clock.monotonic()) {
      const reply = this.ready()
      if (reply !== undefined) return reply
      // The time is for the reply as a whole: an octet a minute does not buy another five.
      if (left <= 0) throw this.#broken('timeout', late)
      this.#take(await this.#next(left), late)
    }
  }

  /**
   * Waits for a slow peer to take what was written; answers a reply that comes meanwhile, which nobody asked for yet (a
   * server may say 421 or 552 in the middle of the data). RFC 5321 §3.8.
   */
  async drained(pressure: Promise<void>): Promise<Reply | undefined> {
    const late = `not over within ${this.limits.totalMs} ms`
    let overdue = false
    const stop = this.#clock.after(Math.max(0, this.#until - this.#clock.monotonic()), () => {
      overdue = true
      this.#connection.destroy()
    })
    try {
      for (;;) {
        this.#arrival ??= this.#connection.read(Number.POSITIVE_INFINITY)
        const arrival = await Promise.race([this.#arrival, pressure.then(() => 'drained' as const)])
        if (overdue) throw this.#broken('timeout', late)
        if (arrival === 'drained') {
          if (this.#connection.signal.aborted) throw this.#broken('lost', 'the connection was lost while data was sent')
          return undefined
        }
        this.#arrival = undefined
        this.#take(arrival, late)
        const reply = this.ready()
        if (reply !== undefined) return reply
      }
    } finally {
      stop()
    }
  }

  /** RFC 3207 §4: nothing that was said before the handshake counts after it, and nothing may lie behind the 220 (S7). */
  async secure(tls: ClientTls): Promise<TlsPeer> {
    this.solicited()
    try {
      return await this.#connection.secure(tls)
    } catch (error) {
      if (error instanceof MailError && error.kind === 'invalid')
        throw this.#broken('protocol', 'octets came in the clear behind the answer to STARTTLS')
      throw error
    }
  }

  /** Throws when the server has said more than it was asked. */
  solicited(): void {
    if (this.unread > 0) throw this.#broken('protocol', 'the server said more than it was asked')
  }

  /** Says QUIT and leaves; the answer interests nobody. RFC 5321 §4.1.1.10. */
  quit(): void {
    if (!this.isOver) void this.send('QUIT')
    this.#closed = true
    this.#connection.end()
  }

  destroy(): void {
    this.#closed = true
    this.#connection.destroy()
  }

  #next(within: number): Promise<Uint8Array | undefined | 'timeout'> {
    return this.#arrival === undefined ? this.#connection.read(within) : this.#nextOf(this.#arrival, within)
  }

  async #nextOf(arrival: Promise<Uint8Array | undefined | 'timeout'>, within: number): Promise<Uint8Array | undefined | 'timeout'> {
    // A read that began while data was sent is still waiting: it has a longer time of its own, so ours is kept here.
    const { promise, resolve } = Promise.withResolvers<'timeout'>()
    const stop = this.#clock.after(within, () => resolve('timeout'))
    const first = await Promise.race([arrival, promise])
    stop()
    if (first !== 'timeout') this.#arrival = undefined
    return first
  }

  #take(arrival: Uint8Array | undefined | 'timeout', late: string): void {
    if (arrival === undefined) throw this.#broken('lost', 'the server ended the connection')
    if (arrival === 'timeout') throw this.#broken('timeout', late)
    this.#parser.push(arrival)
  }

  #broken(breakdown: Breakdown, message: string): Broken {
    this.destroy()
    return new Broken(breakdown, message)
  }
}

/** A command is one line whatever an address or name carries (S2). */
function oneLine(line: string): string {
  if (/[\r\n\0]/.test(line)) throw new MailError('invalid', 'a command with a line end in it')
  return line
}
