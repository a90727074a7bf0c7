/** Opens a door: a TCP port or a Unix socket at which connections are accepted, counted and handed on. RFC 5321 §4.5.4.2; RFC 8314 §3. */

import { unlinkSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import type { AddressInfo, ListenOptions as NodeListenOptions, Server, Socket } from 'node:net'
import { MailError } from '../contracts/index.ts'
import type { Certificates } from './certificates.ts'
import { ConnectionCounter } from './connection-limits.ts'
import { networkList, plainAddress } from './ip.ts'
import type { NetworkList } from './ip.ts'
import { takeProxyHeader } from './proxied.ts'
import { upgradeToTls } from './tls-upgrade.ts'
import type { Ends } from './transport.ts'

/** A connection as a listener hands it on: encrypted already where the listener has implicit TLS. */
export interface AcceptedSocket extends Ends {
  readonly socket: Socket
}

/** Options of {@link listen}. */
export interface ListenOptions {
  /** Address to listen on. Default `127.0.0.1`; `::` for every address, IPv6 and IPv4. */
  readonly host?: string
  /** Port; 0 for any that is free. */
  readonly port?: number
  /** Path of a Unix socket, instead of host and port. A socket file that nobody listens on any more is replaced. */
  readonly path?: string
  /** Connections that the system holds until we take them. Default 511. */
  readonly backlog?: number
  /** Begin TLS at once on every connection, with these certificates. */
  readonly implicitTls?: { readonly certificates: Certificates; readonly alpn?: string; readonly handshakeTimeout?: number }
  /**
   * Networks of the proxies in front of this listener. Each connection must come from one of them and begin with a PROXY header
   * (version 1 or 2); every other is dropped. Default: no proxy, and a header is not understood.
   */
  readonly proxies?: readonly string[]
  /** Counts connections, usually together with other listeners. Default: a counter of its own with default limits. */
  readonly counter?: ConnectionCounter
  /** Told to a peer before it is cut off because there are too many connections; nothing is said on implicit TLS. */
  readonly tooMany?: Uint8Array
  /** Takes over a connection. */
  readonly onConnection: (accepted: AcceptedSocket) => void
  /** Told why a connection was dropped before it was handed on. */
  readonly onDrop?: (ends: Ends, reason: string) => void
  /** Told of errors of the listener itself while it runs. */
  readonly onError?: (error: unknown) => void
}

/** A door that is open. */
export interface Listener {
  /** The port, 0 for a Unix socket. */
  readonly port: number
  /** The address, or the path of a Unix socket. */
  readonly address: string
  /** Connections that are open now. */
  readonly open: number
  /** Accepts no more; connections that are open stay. */
  close(): void
  /** Cuts off the connections that are left. */
  destroy(): void
  /** Resolves once the listener is closed and its last connection is gone. */
  readonly done: Promise<void>
}

/**
 * Begins to listen. Throws `MailError` with kind `in-use` when the port or path is taken, `no-permission` when it is reserved,
 * `unavailable` for anything else.
 */
export async function listen(options: ListenOptions): Promise<Listener> {
  const door = new Door(options)
  await door.opened()
  return door
}

class Door implements Listener {
  readonly done: Promise<void>
  readonly #options: ListenOptions
  readonly #server: Server
  readonly #counter: ConnectionCounter
  readonly #proxies: NetworkList | undefined
  readonly #sockets = new Set<Socket>()

  constructor(options: ListenOptions) {
    this.#options = options
    this.#counter = options.counter ?? new ConnectionCounter()
    this.#proxies = options.proxies === undefined ? undefined : networkList(options.proxies)
    this.#server = createServer(
      // A peer that has said its last may still wait for our answer.
      { allowHalfOpen: true, pauseOnConnect: true, noDelay: true, keepAlive: true, keepAliveInitialDelay: 120_000 },
      socket => this.#connected(socket),
    )
    const { promise, resolve } = Promise.withResolvers<void>()
    this.done = promise
    this.#server.once('close', resolve)
  }

  get port(): number {
    const address = this.#server.address()
    return typeof address === 'object' && address !== null ? address.port : 0
  }

  get address(): string {
    const address: AddressInfo | string | null = this.#server.address()
    return typeof address === 'object' && address !== null ? plainAddress(address.address) : (address ?? '')
  }

  get open(): number {
    return this.#sockets.size
  }

  async opened(): Promise<void> {
    const { path, port = 0, host = '127.0.0.1', backlog = 511 } = this.#options
    const where: NodeListenOptions = path === undefined ? { host, port, backlog } : { path, backlog }
    try {
      await this.#listen(where)
    } catch (error) {
      if (path === undefined || codeOf(error) !== 'EADDRINUSE' || (await isAlive(path))) throw explained(error, this.#options)
      unlinkSync(path)
      await this.#listen(where).catch((again: unknown) => {
        throw explained(again, this.#options)
      })
    }
    this.#server.on('error', error => this.#options.onError?.(error))
  }

  close(): void {
    this.#server.close()
  }

  destroy(): void {
    for (const socket of this.#sockets) socket.destroy()
  }

  #listen(where: NodeListenOptions): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    this.#server.once('error', reject)
    this.#server.listen(where, () => {
      this.#server.off('error', reject)
      resolve()
    })
    return promise
  }

  #connected(socket: Socket): void {
    socket.on('error', ignore)
    const isUnix = this.#options.path !== undefined
    if (!isUnix && socket.remoteAddress === undefined) {
      socket.destroy()
      return
    }
    this.#sockets.add(socket)
    socket.once('close', () => this.#sockets.delete(socket))
    const ends: Ends = {
      remote: { address: plainAddress(socket.remoteAddress), port: socket.remotePort ?? 0 },
      local: { address: plainAddress(socket.localAddress), port: socket.localPort ?? 0 },
    }
    if (this.#proxies === undefined) this.#admit(socket, ends)
    else if (!isUnix && !this.#proxies.has(ends.remote.address)) this.#drop(socket, ends, 'not one of the proxies')
    else {
      takeProxyHeader(socket).then(
        header => {
          if (header === undefined) this.#drop(socket, ends, 'no PROXY header')
          else this.#admit(socket, header.kind === 'proxied' ? { remote: header.remote, local: header.local } : ends)
        },
        (error: unknown) => this.#options.onError?.(error),
      )
    }
  }

  #admit(socket: Socket, ends: Ends): void {
    const { implicitTls, tooMany, onConnection } = this.#options
    if (socket.destroyed) return
    const address = ends.remote.address
    if (!this.#counter.enter(address)) {
      // Without TLS the peer can be told; a handshake would cost more than the refusal is worth.
      if (implicitTls === undefined && tooMany !== undefined) socket.write(tooMany)
      this.#drop(socket, ends, 'too many connections')
      return
    }
    socket.once('close', () => this.#counter.leave(address))
    if (implicitTls === undefined) {
      onConnection({ socket, ...ends })
      return
    }
    upgradeToTls(socket, implicitTls).then(
      secure => {
        if (!secure.destroyed) onConnection({ socket: secure, ...ends })
      },
      (error: unknown) => this.#options.onDrop?.(ends, error instanceof Error ? error.message : String(error)),
    )
  }

  #drop(socket: Socket, ends: Ends, reason: string): void {
    socket.destroySoon()
    this.#options.onDrop?.(ends, reason)
  }
}

function ignore(): void {
  // The close that follows an error is what counts.
}

function codeOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  return typeof code === 'string' ? code : ''
}

/** Whether somebody answers at a Unix socket. */
function isAlive(path: string): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>()
  const probe = connect(path)
  probe.once('connect', () => {
    probe.destroy()
    resolve(true)
  })
  probe.once('error', () => resolve(false))
  return promise
}

function explained(error: unknown, options: ListenOptions): MailError {
  const where = options.path ?? `port ${options.port ?? 0} of ${options.host ?? '127.0.0.1'}`
  switch (codeOf(error)) {
    case 'EADDRINUSE':
      return new MailError('in-use', `${where} is in use by another program: stop that one, or choose another port`, { cause: error })
    case 'EACCES':
      return new MailError('no-permission', `${where} may not be opened by this user: choose a port above 1023, or grant the right to it`, {
        cause: error,
      })
    case 'EADDRNOTAVAIL':
      return new MailError('unavailable', `${where}: this machine does not have that address`, { cause: error })
    default:
      return new MailError('unavailable', `${where} cannot be opened: ${error instanceof Error ? error.message : String(error)}`, {
        cause: error,
      })
  }
}
