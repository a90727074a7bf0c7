/** What the commands of one session share. */

import { Framer } from '../bytes/framer.ts'
import type { Host, LiveConnection } from '../contracts/host.ts'
import type { Transport } from '../contracts/transport.ts'
import { COMMAND_LINE, SLICE_MS } from './limits.ts'
import type { Maildrop } from './maildrop.ts'
import type { Pop3Settings } from './options.ts'
import { Output } from './wire/output.ts'

/** One session: the host it asks, the connection it speaks on, and what it has reached. */
export class Context {
  readonly host: Host
  readonly settings: Pop3Settings
  readonly transport: Transport
  readonly connection: LiveConnection
  readonly out: Output
  readonly framer: Framer = new Framer({ maxLength: COMMAND_LINE })
  /** The name that USER gave; gone after the next command. */
  username: string | undefined
  /** Present once somebody has logged in. */
  maildrop: Maildrop | undefined
  /** UTF8 was given. RFC 6856 §2.1. */
  utf8 = false
  failedLogins = 0
  /** By when somebody must have logged in, in the monotonic time of the host. */
  loginDeadline = 0
  isEnding = false
  /** The session waits for its client and for nothing else. */
  isWaiting = false
  #sliceBegan = 0
  /** When the client last had nothing owed to it: its last command was answered, or it took what it was sent. */
  #idleSince = 0

  constructor(host: Host, settings: Pop3Settings, transport: Transport, connection: LiveConnection) {
    this.host = host
    this.settings = settings
    this.transport = transport
    this.connection = connection
    this.out = new Output(transport)
  }

  /** Whether a password may cross this connection. RFC 2595 §2.3. */
  get secretsAllowed(): boolean {
    return this.transport.tls !== undefined || (this.settings.allowPlaintextLogin && isLoopback(this.transport.remote.address))
  }

  /** Milliseconds until the client must have given a whole command: octets alone are none. RFC 1939 §3. */
  get patience(): number {
    // Stricter than RFC 1939 §3, whose ten minutes are for those who have a maildrop to lose: logging in has one deadline.
    const deadline = this.maildrop === undefined ? this.loginDeadline : this.#idleSince + this.settings.autologout
    return Math.max(0, deadline - this.host.clock.monotonic())
  }

  /** Sends what was answered and takes in more octets. */
  async more(): Promise<'more' | 'end' | 'timeout'> {
    const pressure = this.out.flush()
    if (pressure !== undefined) {
      await pressure
      this.commandDone()
    }
    this.out.release()
    this.isWaiting = true
    const octets = await this.transport.read(this.patience)
    this.isWaiting = false
    if (octets === undefined) return 'end'
    if (octets === 'timeout') return 'timeout'
    this.framer.push(octets)
    return 'more'
  }

  /** A command was answered: the client's time begins anew. */
  commandDone(): void {
    this.#idleSince = this.host.clock.monotonic()
  }

  /** Begins a slice of work that {@link Context.pause} measures. */
  beginSlice(): void {
    this.#sliceBegan = this.host.clock.monotonic()
  }

  /**
   * For loops, now and then: sends what is due and lets others run when this command has had its slice. Answers a promise
   * only when there is something to wait for. Throws {@link Disconnected}.
   */
  pause(): Promise<void> | undefined {
    if (this.connection.signal.aborted) throw new Disconnected()
    const pressure = this.out.isFull ? this.out.flush() : undefined
    if (pressure !== undefined) return pressure.then(() => this.beginSlice())
    if (this.host.clock.monotonic() - this.#sliceBegan < SLICE_MS) return undefined
    return new Promise(resolve => {
      this.host.clock.after(0, () => {
        this.beginSlice()
        resolve()
      })
    })
  }
}

/** The client left, or its answer broke off: nobody is there to hear more. */
export class Disconnected extends Error {
  override readonly name: string = 'Disconnected'
}

/** Addresses that never leave this machine; a Unix socket has none. */
function isLoopback(address: string): boolean {
  return address === '' || address === '::1' || /^(?:::ffff:)?127\.\d+\.\d+\.\d+$/.test(address)
}
