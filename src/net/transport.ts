/**
 * The Transport contract over a socket: octets are taken from the peer only when the engine asks. RFC 5321 §4.5.3.2 and
 * RFC 9051 §5.4 for the deadlines that engines give to `read`.
 *
 * Ten thousand of these must sleep cheaply: no timer, no AbortController and no function of its own for each connection
 * until it is needed.
 */

import type { Socket } from 'node:net'
import type { Endpoint, TlsFacts, Transport } from '../contracts/index.ts'
import { tlsFacts } from '../engine/tls-facts.ts'
import type { Certificates } from './certificates.ts'
import { sharedDeadlines } from './deadlines.ts'
import type { Deadlined } from './deadlines.ts'
import { SlowPeer } from './slow-peer.ts'
import { tlsFactsOf, upgradeToTls } from './tls-upgrade.ts'

/** What all connections of a listener have in common; shared between them. */
export interface TransportSettings {
  /** With these, TLS can be begun. */
  readonly certificates?: Certificates | undefined
  /** The ALPN name to insist on. RFC 7301. */
  readonly alpn?: string | undefined
  /** Octets that may wait for a slow peer before `write` answers a promise. Default 262,144. */
  readonly writeLimit?: number
  /** A peer that takes nothing for so many milliseconds while something waits for it is cut off. Default 300,000. */
  readonly writeTimeout?: number
  /** Milliseconds for a TLS handshake. Default 10,000. */
  readonly handshakeTimeout?: number
  /** After `end`, the peer has so many milliseconds to end as well. Default 10,000. */
  readonly lingerTimeout?: number
}

/** Both ends of a connection, as told by a trusted PROXY header where there was one. */
export interface Ends {
  readonly remote: Endpoint
  readonly local: Endpoint
}

/** Arrivals up to this size are copied out of the memory they were read into. */
const COPIED = 1024

const owner = Symbol('transport')

type OwnedSocket = Socket & { [owner]?: SocketTransport | undefined }

type Arrival = Uint8Array | undefined | 'timeout'

/** Speaks the contract over an accepted socket, which belongs to the transport from now on. */
export function socketTransport(socket: Socket, ends: Ends, settings: TransportSettings = {}): Transport {
  return new SocketTransport(socket, ends, settings)
}

class SocketTransport implements Transport, Deadlined {
  readonly #settings: TransportSettings
  readonly #ends: Ends
  #socket: OwnedSocket
  #tls: TlsFacts | undefined
  #upgrading = false
  #gone = false
  #ending = false
  #abort: AbortController | undefined
  #reader: ((arrival: Arrival) => void) | undefined
  #slow: SlowPeer | undefined
  dueTick = 0

  constructor(socket: Socket, ends: Ends, settings: TransportSettings) {
    this.#settings = settings
    this.#ends = ends
    this.#socket = socket
    this.#tls = tlsFactsOf(socket)
    this.#own(socket)
  }

  get remote(): Endpoint {
    return this.#ends.remote
  }

  get local(): Endpoint {
    return this.#ends.local
  }

  get tls(): TlsFacts | undefined {
    return this.#tls
  }

  get canStartTls(): boolean {
    return this.#settings.certificates !== undefined && this.#tls === undefined && !this.#upgrading
  }

  get signal(): AbortSignal {
    if (this.#abort === undefined) {
      this.#abort = new AbortController()
      if (this.#gone) this.#abort.abort()
    }
    return this.#abort.signal
  }

  read(within: number): Promise<Arrival> {
    if (this.#reader !== undefined) return Promise.reject(new Error('a read is under way already'))
    if (this.#gone || this.#ending) return Promise.resolve(undefined)
    const octets = this.#take()
    if (octets !== undefined) return Promise.resolve(octets)
    if (this.#socket.readableEnded) return Promise.resolve(undefined)
    const { promise, resolve } = Promise.withResolvers<Arrival>()
    this.#reader = resolve
    sharedDeadlines.begin(this, within)
    return promise
  }

  write(octets: Uint8Array): Promise<void> | undefined {
    if (this.#gone || this.#ending) return undefined
    if (this.#socket.write(octets) || this.#socket.writableLength <= (this.#settings.writeLimit ?? 262_144)) return undefined
    this.#slow ??= new SlowPeer(this.#socket, this.#settings.writeTimeout ?? 300_000)
    return this.#slow.drained
  }

  // What the system took at once is out of the stream before `write` returns.
  get isSent(): boolean {
    return this.#gone || this.#socket.writableLength === 0
  }

  async startTls(): Promise<void> {
    const { certificates, alpn, handshakeTimeout } = this.#settings
    if (certificates === undefined || !this.canStartTls) throw new Error('TLS cannot be started on this connection')
    this.#upgrading = true
    const plain = this.#socket
    // RFC 3207 §4.2: what came in the clear is never read as if it had come encrypted.
    while (plain.read() !== null);
    // An end that lay behind it is told in a moment, before anything more can arrive; TLS would wait for it until its deadline.
    await new Promise<void>(resolve => process.nextTick(resolve))
    if (plain.readableEnded) {
      plain.destroy()
      this.closed()
    }
    if (plain.writableLength > 0) await new Promise<void>(resolve => plain.write(new Uint8Array(0), () => resolve()))
    if (this.#gone) throw new Error('the peer left before the TLS handshake')
    this.#disown(plain)
    try {
      const secure = await upgradeToTls(plain, {
        certificates,
        ...(alpn === undefined ? {} : { alpn }),
        ...(handshakeTimeout === undefined ? {} : { handshakeTimeout }),
      })
      this.#tls = tlsFacts(secure)
      this.#socket = secure
      this.#own(secure)
      if (secure.destroyed) this.closed()
    } catch (error) {
      this.closed()
      throw error
    } finally {
      this.#upgrading = false
    }
  }

  end(): void {
    if (this.#gone || this.#ending) return
    this.#ending = true
    this.#arrived(undefined)
    this.#socket.end()
    // What the peer still sends is thrown away until it ends too: closing with octets unread would reset the connection and
    // could take our last reply from the peer. RFC 9293 §3.6.1.
    this.#socket.off('readable', onReadable)
    this.#socket.resume()
    sharedDeadlines.begin(this, this.#settings.lingerTimeout ?? 10_000)
  }

  destroy(): void {
    this.#socket.destroy()
    if (!this.#upgrading) this.closed()
  }

  /** The deadline of a read, or of the peer's end after ours. */
  timeIsUp(): void {
    if (this.#ending) this.destroy()
    else this.#settle('timeout')
  }

  /** Octets may be there, or the end. */
  readable(): void {
    if (this.#reader === undefined) return
    const octets = this.#take()
    if (octets !== undefined) this.#arrived(octets)
  }

  #take(): Uint8Array | undefined {
    const octets = this.#socket.read() as Uint8Array | null
    if (octets === null) return undefined
    // Node reads into 64 KiB and cuts off what it did not need: a command that lies there keeps a hole of that size in
    // memory for as long as anything of it is remembered. Its own few octets cost next to nothing.
    return octets.length <= COPIED ? new Uint8Array(octets) : octets
  }

  /** The peer has said its last. */
  ended(): void {
    this.#arrived(undefined)
  }

  /** The socket is gone. */
  closed(): void {
    if (this.#gone) return
    this.#gone = true
    sharedDeadlines.cancel(this)
    this.#settle(undefined)
    this.#slow?.release()
    this.#abort?.abort()
  }

  /** The socket has sent everything that waited. */
  drained(): void {
    this.#slow?.release()
    this.#slow = undefined
  }

  #arrived(arrival: Arrival): void {
    if (this.#reader === undefined) return
    sharedDeadlines.cancel(this)
    this.#settle(arrival)
  }

  #settle(arrival: Arrival): void {
    const reader = this.#reader
    this.#reader = undefined
    reader?.(arrival)
  }

  #own(socket: OwnedSocket): void {
    socket[owner] = this
    socket.on('readable', onReadable)
    socket.on('end', onEnd)
    socket.on('close', onClose)
    socket.on('error', onError)
    socket.on('drain', onDrain)
  }

  #disown(socket: OwnedSocket): void {
    socket[owner] = undefined
    socket.off('readable', onReadable)
    socket.off('end', onEnd)
    socket.off('close', onClose)
    socket.off('drain', onDrain)
  }
}

function onReadable(this: OwnedSocket): void {
  this[owner]?.readable()
}

function onEnd(this: OwnedSocket): void {
  this[owner]?.ended()
}

function onClose(this: OwnedSocket): void {
  this[owner]?.closed()
}

function onDrain(this: OwnedSocket): void {
  this[owner]?.drained()
}

function onError(this: OwnedSocket): void {
  // Node closes the socket after an error; the close is what counts.
}
