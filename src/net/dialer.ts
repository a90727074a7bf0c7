/**
 * Connections that we begin: the Dialer contract over sockets. What is connected to is an address that policy has looked
 * at, never a name (S29, S30). RFC 5321 §4.5.3.2; RFC 8314 §3; RFC 3207 §6.
 */

import { connect, isIP } from 'node:net'
import type { NetConnectOpts, Socket } from 'node:net'
import { isAbsolute } from 'node:path'
import { connect as connectTls, createSecureContext } from 'node:tls'
import type { SecureContext, TLSSocket } from 'node:tls'
import { concatBytes } from '../bytes/ascii.ts'
import { MailError } from '../contracts/index.ts'
import type { ClientConnection, ClientTls, Dialer, DialOptions, Endpoint, TlsFacts, TlsPeer } from '../contracts/index.ts'
import { tlsFacts } from '../engine/tls-facts.ts'
import { sharedDeadlines } from './deadlines.ts'
import type { Deadlined } from './deadlines.ts'
import { plainAddress } from './ip.ts'
import { SlowPeer } from './slow-peer.ts'

/** Options of {@link socketDialer}. */
export interface DialerOptions {
  /** Octets that may wait for a slow peer before `write` answers a promise. Default 262,144. */
  readonly writeLimit?: number
  /** A peer that takes nothing for so many milliseconds while something waits for it is cut off. Default 180,000 (RFC 5321 §4.5.3.2.5). */
  readonly writeTimeoutMs?: number
}

type Arrival = Uint8Array | undefined | 'timeout'

/** Octets that may lie unread before the peer is held back. */
const READ_LIMIT = 65_536
/** Certificates of a chain that are looked at. */
const CHAIN = 10

/**
 * Dials over TCP, or a Unix socket where a path is given. Connections keep no timer of their own while nothing is awaited.
 *
 * @example
 * ```ts
 * import { socketDialer } from 'mailwright/net'
 *
 * const connection = await socketDialer().dial({ address: '192.0.2.25', port: 25 })
 * console.log(await connection.read(300_000))
 * connection.destroy()
 * ```
 */
export function socketDialer(options: DialerOptions = {}): Dialer {
  const limits = { writeLimit: options.writeLimit ?? 262_144, writeTimeout: options.writeTimeoutMs ?? 180_000 }
  return { dial: async wanted => new SocketConnection(await connected(wanted), limits) }
}

async function connected(options: DialOptions): Promise<Socket> {
  const { signal, timeoutMs = 30_000 } = options
  signal?.throwIfAborted()
  const target = targetOf(options)
  const { promise, resolve, reject } = Promise.withResolvers<Socket>()
  const socket = connect(target.options)
  const onAbort = (): void => fail(signal?.reason)
  const deadline: Deadlined = { dueTick: 0, timeIsUp: () => fail(unavailable(target.name, `no answer within ${timeoutMs} ms`)) }
  const onError = (error: Error): void => fail(unavailable(target.name, error.message, error))
  const settle = (): void => {
    sharedDeadlines.cancel(deadline)
    signal?.removeEventListener('abort', onAbort)
    socket.off('error', onError)
    socket.on('error', ignore)
  }
  const fail = (reason: unknown): void => {
    settle()
    socket.destroy()
    reject(reason instanceof Error ? reason : new MailError('unavailable', 'the call was given up', { cause: reason }))
  }
  socket.once('connect', () => {
    settle()
    resolve(socket)
  })
  socket.on('error', onError)
  signal?.addEventListener('abort', onAbort, { once: true })
  sharedDeadlines.begin(deadline, timeoutMs)
  return promise
}

function targetOf({ address, port, path, localAddress }: DialOptions): { readonly name: string; readonly options: NetConnectOpts } {
  if (path !== undefined) {
    if (!isAbsolute(path) || path.includes('\0')) throw new MailError('invalid', `"${path}" is no absolute path of a Unix socket`)
    return { name: path, options: { path } }
  }
  if (isIP(address) === 0)
    throw new MailError('invalid', `"${address}" is no IP address: names are resolved and checked before they are dialled`)
  if (!Number.isInteger(port) || port < 1 || port > 65_535) throw new MailError('invalid', `${port} is no port`)
  const from = localAddress === undefined ? {} : { localAddress }
  return { name: `${address} port ${port}`, options: { host: address, port, noDelay: true, autoSelectFamily: false, ...from } }
}

function unavailable(name: string, why: string, cause?: unknown): MailError {
  return new MailError('unavailable', `connection to ${name}: ${why}`, { cause })
}

class SocketConnection implements ClientConnection, Deadlined {
  readonly remote: Endpoint
  readonly local: Endpoint
  readonly #limits: { readonly writeLimit: number; readonly writeTimeout: number }
  #socket: Socket
  #tls: TlsFacts | undefined
  #gone = false
  #ending = false
  #securing = false
  #abort: AbortController | undefined
  #reader: ((arrival: Arrival) => void) | undefined
  /** What came while nobody read. */
  #waiting: Uint8Array[] = []
  #unread = 0
  #ended = false
  #slow: SlowPeer | undefined
  dueTick = 0

  constructor(socket: Socket, limits: { readonly writeLimit: number; readonly writeTimeout: number }) {
    this.#limits = limits
    this.#socket = socket
    this.remote = { address: plainAddress(socket.remoteAddress), port: socket.remotePort ?? 0 }
    this.local = { address: plainAddress(socket.localAddress), port: socket.localPort ?? 0 }
    this.#own(socket)
  }

  get tls(): TlsFacts | undefined {
    return this.#tls
  }

  get signal(): AbortSignal {
    if (this.#abort === undefined) {
      this.#abort = new AbortController()
      if (this.#gone) this.#abort.abort()
    }
    return this.#abort.signal
  }

  get unread(): number {
    return this.#unread
  }

  read(within: number): Promise<Arrival> {
    if (this.#reader !== undefined) return Promise.reject(new Error('a read is under way already'))
    // What came before the end is read before the end: it may be the answer to a message.
    if (this.#unread > 0) return Promise.resolve(this.#taken())
    if (this.#gone || this.#ending || this.#ended) return Promise.resolve(undefined)
    const { promise, resolve } = Promise.withResolvers<Arrival>()
    this.#reader = resolve
    if (within !== Number.POSITIVE_INFINITY) sharedDeadlines.begin(this, within)
    return promise
  }

  write(octets: Uint8Array): Promise<void> | undefined {
    if (this.#gone || this.#ending) return undefined
    if (this.#socket.write(octets) || this.#socket.writableLength <= this.#limits.writeLimit) return undefined
    this.#slow ??= new SlowPeer(this.#socket, this.#limits.writeTimeout)
    return this.#slow.drained
  }

  async secure(tls: ClientTls): Promise<TlsPeer> {
    if (this.#tls !== undefined || this.#securing || this.#reader !== undefined)
      throw new MailError('invalid', 'TLS is on already, or a read is under way')
    const plain = this.#socket
    // RFC 3207 §6: octets behind the answer to STARTTLS came in the clear; whoever put them there wants them to be read as protected (S7).
    if (this.#unread > 0) {
      this.destroy()
      throw new MailError('invalid', 'octets came in the clear behind the answer to STARTTLS')
    }
    if (this.#gone || this.#ended) throw new MailError('unavailable', 'the peer left before the TLS handshake')
    this.#securing = true
    this.#disown(plain)
    try {
      const secure = await handshake(plain, tls)
      this.#socket = secure
      this.#tls = tlsFacts(secure)
      this.#own(secure)
      if (secure.destroyed) this.#closed()
      return { ...this.#tls, ...peerOf(secure) }
    } catch (error) {
      plain.destroy()
      this.#closed()
      throw error
    } finally {
      this.#securing = false
    }
  }

  end(): void {
    if (this.#gone || this.#ending) return
    this.#ending = true
    this.#forget()
    this.#arrived(undefined)
    const socket = this.#socket
    socket.end()
    // What the peer still sends is thrown away until it ends too. RFC 9293 §3.6.1.
    socket.off('data', this.#onData)
    socket.resume()
    sharedDeadlines.begin(this, 5000)
  }

  destroy(): void {
    this.#forget()
    this.#socket.destroy()
    this.#closed()
  }

  /** The deadline of a read, or of the peer's end after ours. */
  timeIsUp(): void {
    if (this.#ending) this.destroy()
    else this.#settle('timeout')
  }

  #own(socket: Socket): void {
    socket.on('data', this.#onData)
    socket.on('end', this.#onEnd)
    socket.on('close', this.#onClose)
    socket.on('drain', this.#onDrain)
    socket.on('error', ignore)
  }

  #disown(socket: Socket): void {
    socket.off('data', this.#onData)
    socket.pause()
    socket.off('end', this.#onEnd)
    socket.off('close', this.#onClose)
    socket.off('drain', this.#onDrain)
  }

  readonly #onData = (octets: Uint8Array): void => {
    if (this.#reader !== undefined) {
      this.#arrived(octets)
      return
    }
    this.#waiting.push(octets)
    this.#unread += octets.length
    // Nobody asks for more than a few replies: who sends on is held back.
    if (this.#unread > READ_LIMIT) this.#socket.pause()
  }

  #forget(): void {
    this.#waiting = []
    this.#unread = 0
  }

  #taken(): Uint8Array {
    const octets = concatBytes(this.#waiting)
    this.#waiting = []
    if (this.#unread > READ_LIMIT) this.#socket.resume()
    this.#unread = 0
    return octets
  }

  readonly #onEnd = (): void => {
    this.#ended = true
    this.#arrived(undefined)
  }

  readonly #onClose = (): void => this.#closed()

  readonly #onDrain = (): void => {
    this.#slow?.release()
    this.#slow = undefined
  }

  #closed(): void {
    if (this.#gone) return
    this.#gone = true
    sharedDeadlines.cancel(this)
    this.#settle(undefined)
    this.#slow?.release()
    this.#abort?.abort()
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
}

/** One context for each set of authorities: loading them anew for each connection would cost more than the handshake. */
const contexts: Map<string, SecureContext> = new Map()

function contextFor(ca: ClientTls['ca']): SecureContext {
  const key = ca === undefined ? '' : typeof ca === 'string' ? ca : ca.join('\n')
  let context = contexts.get(key)
  if (context === undefined) {
    // RFC 9325 §3.1.1: nothing older than TLS 1.2.
    context = createSecureContext({ minVersion: 'TLSv1.2', ...(ca === undefined ? {} : { ca: typeof ca === 'string' ? ca : [...ca] }) })
    if (contexts.size >= 100) contexts.clear()
    contexts.set(key, context)
  }
  return context
}

function handshake(plain: Socket, tls: ClientTls): Promise<TLSSocket> {
  const { promise, resolve, reject } = Promise.withResolvers<TLSSocket>()
  const within = tls.timeoutMs ?? 10_000
  // RFC 6066 §3: an IP address is no server name; the certificate is held against it all the same.
  const name = isIP(tls.serverName) === 0 ? { servername: tls.serverName } : { host: tls.serverName }
  const secure = connectTls({
    socket: plain,
    secureContext: contextFor(tls.ca),
    rejectUnauthorized: false,
    ...name,
    ...(tls.alpn === undefined ? {} : { ALPNProtocols: [...tls.alpn] }),
  })
  const fail = (reason: string, cause?: unknown): void => {
    settle()
    secure.destroy()
    reject(new MailError('unavailable', `TLS handshake with ${tls.serverName}: ${reason}`, { cause }))
  }
  const deadline: Deadlined = { dueTick: 0, timeIsUp: () => fail(`not over within ${within} ms`) }
  const onError = (error: Error): void => fail(error.message, error)
  const onClose = (): void => fail('the peer left')
  const settle = (): void => {
    sharedDeadlines.cancel(deadline)
    secure.off('error', onError)
    secure.off('close', onClose)
    secure.on('error', ignore)
  }
  secure.on('error', onError)
  secure.on('close', onClose)
  secure.once('secureConnect', () => {
    settle()
    resolve(secure)
  })
  sharedDeadlines.begin(deadline, within)
  return promise
}

function peerOf(secure: TLSSocket): Pick<TlsPeer, 'chain' | 'trusted' | 'fault'> {
  const chain: Uint8Array[] = []
  for (let certificate = secure.getPeerX509Certificate(); certificate !== undefined && chain.length < CHAIN;) {
    chain.push(new Uint8Array(certificate.raw))
    const issuer = certificate.issuerCertificate
    certificate = issuer?.fingerprint256 === certificate.fingerprint256 ? undefined : issuer
  }
  if (secure.authorized) return { chain, trusted: true }
  // Node documents an Error and keeps its code.
  const fault: unknown = secure.authorizationError
  return {
    chain,
    trusted: false,
    fault: typeof fault === 'string' ? fault : fault instanceof Error && 'code' in fault ? String(fault.code) : 'UNKNOWN',
  }
}

function ignore(): void {
  // Node closes the socket after an error; the close is what counts.
}
