/** The engines of a server at work: each connection is given to the engine of its door, and followed to its end. RFC 5321 §3.1; RFC 9051 §3.4. */

import type { Engine, Host, LiveConnection, Protocol } from '../contracts/index.ts'
import { imapEngine } from '../imap/index.ts'
import { socketTransport, tlsFactsOf, upgradeToTls } from '../net/index.ts'
import type { AcceptedSocket, Certificates } from '../net/index.ts'
import { pop3Engine } from '../pop3/index.ts'
import { smtpEngine } from '../smtp-server/index.ts'
import type { SmtpEngine, SmtpFlavour, StartTls } from '../smtp-server/index.ts'
import { Connection } from './connection.ts'
import type { Life } from './connection.ts'
import type { Door } from './doors.ts'
import type { MailServerOptions } from './options.ts'

/** All engines of one server, made when the first connection asks for them. */
export class Crew {
  readonly #host: Host
  readonly #options: MailServerOptions
  readonly #certificates: Certificates | undefined
  readonly #startTls: StartTls | undefined
  readonly #receivers = new Map<SmtpFlavour, SmtpEngine>()
  readonly #readers = new Map<'imap' | 'pop3', Engine>()
  readonly #running = new Set<Promise<void>>()
  readonly #name: string
  #count = 0

  constructor(host: Host, options: MailServerOptions, certificates: Certificates | undefined) {
    this.#host = host
    this.#options = options
    this.#certificates = certificates
    if (certificates !== undefined) this.#startTls = socket => upgradeToTls(socket, { certificates })
    this.#name = Array.from(host.random.bytes(5), octet => (octet & 31).toString(32)).join('')
  }

  /** Serves a connection; what goes wrong is reported, never thrown. */
  serve(door: Door, accepted: AcceptedSocket): void {
    const running = this.#served(door, accepted)
      .catch((error: unknown) => {
        this.#host.report(error, `serving ${door.name}`)
        accepted.socket.destroy()
      })
      .finally(() => this.#running.delete(running))
    this.#running.add(running)
  }

  /** Asks all sessions to end. */
  shutdown(): void {
    for (const engine of this.#receivers.values()) engine.shutdown()
    for (const engine of this.#readers.values()) engine.shutdown()
  }

  /** Sessions that are not over. */
  get running(): number {
    return this.#running.size
  }

  /** Resolves once the last session is over. */
  async done(): Promise<void> {
    await Promise.all(this.#running)
  }

  async #served(door: Door, accepted: AcceptedSocket): Promise<void> {
    const { protocol } = door
    if (protocol === 'imap' || protocol === 'pop3') {
      const transport = socketTransport(accepted.socket, accepted, { certificates: this.#certificates, alpn: door.alpn })
      const connection = this.#connection(protocol, accepted, transport)
      await this.#reader(protocol).serve(transport, connection)
      this.#ended(connection)
      return
    }
    const connection = this.#connection(protocol, accepted, new SocketLife(accepted.socket))
    await this.#receiver(protocol).connect(accepted.socket, connection, this.#startTls)
    this.#ended(connection)
  }

  #connection(protocol: Protocol, accepted: AcceptedSocket, life: Life): LiveConnection {
    this.#count += 1
    const { remote, local, socket } = accepted
    return new Connection(`${this.#name}-${this.#count.toString(36)}`, protocol, { remote, local }, tlsFactsOf(socket), life)
  }

  #ended(connection: LiveConnection): void {
    this.#host.events.emit('closed', { connection })
  }

  #receiver(flavour: SmtpFlavour): SmtpEngine {
    let engine = this.#receivers.get(flavour)
    if (engine === undefined) {
      engine = smtpEngine(this.#host, { ...this.#options.smtp, flavour, ...this.#plaintext() })
      this.#receivers.set(flavour, engine)
    }
    return engine
  }

  #reader(protocol: 'imap' | 'pop3'): Engine {
    let engine = this.#readers.get(protocol)
    if (engine === undefined) {
      engine =
        protocol === 'imap'
          ? imapEngine(this.#host, { ...this.#options.imap, ...this.#plaintext() })
          : pop3Engine(this.#host, { ...this.#options.pop3, ...this.#plaintext() })
      this.#readers.set(protocol, engine)
    }
    return engine
  }

  /** Every engine lets only clients on loopback in by it. */
  #plaintext(): { readonly allowPlaintextLogin: boolean } {
    return { allowPlaintextLogin: this.#options.allowPlaintextLogin === 'loopback' }
  }
}

/** The end of a socket as a signal, made when somebody asks. */
class SocketLife implements Life {
  readonly #socket: AcceptedSocket['socket']
  #abort: AbortController | undefined

  constructor(socket: AcceptedSocket['socket']) {
    this.#socket = socket
  }

  get signal(): AbortSignal {
    if (this.#abort === undefined) {
      const abort = new AbortController()
      this.#abort = abort
      if (this.#socket.destroyed) abort.abort()
      else this.#socket.once('close', () => abort.abort())
    }
    return this.#abort.signal
  }
}
