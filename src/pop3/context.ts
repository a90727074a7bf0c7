/** What the commands of one session share. */

import { Framer } from '../bytes/framer.ts'
import { isLoopback } from '../bytes/ip-address.ts'
import type { Host, LiveConnection } from '../contracts/host.ts'
import type { MeteredTransport } from '../engine/bandwidth.ts'
import { SlicedWork } from '../engine/sliced-work.ts'
import { patienceOf } from '../engine/stress.ts'
import { COMMAND_LINE } from './limits.ts'
import type { Maildrop } from './maildrop.ts'
import type { Pop3Settings } from './options.ts'
import { Output } from './wire/output.ts'

/** One session: the host it asks, the connection it speaks on, and what it has reached. */
export class Context extends SlicedWork {
  readonly host: Host
  readonly settings: Pop3Settings
  readonly transport: MeteredTransport
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
  /** When the session began, in the monotonic time of the host. */
  began = 0
  isEnding = false
  /** The session waits for its client and for nothing else. */
  isWaiting = false
  /** When the client last had nothing owed to it: its last command was answered, or it took what it was sent. */
  #idleSince = 0

  constructor(host: Host, settings: Pop3Settings, transport: MeteredTransport, connection: LiveConnection) {
    super()
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
    const deadline =
      this.maildrop === undefined
        ? this.began + patienceOf(this.host, this.settings.loginTimeout)
        : this.#idleSince + this.settings.autologout
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
}
