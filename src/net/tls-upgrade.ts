/** Turns an accepted socket into an encrypted one: for implicit TLS and for STARTTLS alike. RFC 8314 §3; RFC 3207 §4; RFC 9325 §3. */

import type { Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import type { TlsFacts } from '../contracts/index.ts'
import { tlsFacts } from '../engine/tls-facts.ts'
import type { Certificates } from './certificates.ts'
import { sharedDeadlines } from './deadlines.ts'

/** Options of {@link upgradeToTls}. */
export interface UpgradeOptions {
  readonly certificates: Certificates
  /** The ALPN name of the protocol; clients that offer names but not this one are refused (they took the wrong door). RFC 7301 §3.2. */
  readonly alpn?: string
  /** The handshake must be over after so many milliseconds. Default 10,000. */
  readonly handshakeTimeout?: number
}

/**
 * Does the handshake as the server. Whatever the socket has received and nobody has read yet counts as part of the handshake,
 * never as protocol. Rejects when it fails; the socket is destroyed then.
 */
export async function upgradeToTls(socket: Socket, options: UpgradeOptions): Promise<TLSSocket> {
  const { certificates, alpn } = options
  const secure = new TLSSocket(socket, {
    isServer: true,
    secureContext: certificates.contextFor(undefined),
    SNICallback: (name, done) => done(null, certificates.contextFor(name)),
    ...(alpn === undefined ? {} : { ALPNCallback: ({ protocols }) => (protocols.includes(alpn) ? alpn : undefined) }),
  })
  // RFC 9325 §3.5; a client that asks for another handshake within TLS 1.2 is cut off.
  secure.disableRenegotiation()
  secure.on('error', ignore)
  // Node tells of TLS errors on sockets made by hand with this event alone, also after the handshake.
  secure.on('_tlsError', destroyOnError)
  socket.on('error', ignore)
  await handshake(secure, options.handshakeTimeout ?? 10_000)
  return secure
}

/** What TLS agreed on, for a socket that may be in the clear: `undefined` then. */
export function tlsFactsOf(socket: Socket): TlsFacts | undefined {
  return socket instanceof TLSSocket ? tlsFacts(socket) : undefined
}

function handshake(secure: TLSSocket, within: number): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  let reason: Error | undefined
  const deadline = {
    dueTick: 0,
    timeIsUp: (): void => {
      reason = new Error(`TLS handshake did not end within ${within} ms`)
      secure.destroy()
    },
  }
  const onError = (error: Error): void => {
    reason ??= error
  }
  const onClose = (): void => {
    settle()
    reject(reason ?? new Error('the peer left during the TLS handshake'))
  }
  // A socket that is open by halves would wait here for its deadline, though nobody is left to shake hands with.
  const onEnd = (): void => {
    secure.destroy()
  }
  const onSecure = (): void => {
    settle()
    resolve()
  }
  const settle = (): void => {
    sharedDeadlines.cancel(deadline)
    secure.off('_tlsError', onError)
    secure.off('end', onEnd)
    secure.off('close', onClose)
    secure.off('secure', onSecure)
  }
  secure.prependListener('_tlsError', onError)
  secure.on('end', onEnd)
  secure.on('close', onClose)
  secure.on('secure', onSecure)
  sharedDeadlines.begin(deadline, within)
  return promise
}

function ignore(): void {
  // The close that follows an error is what counts.
}

function destroyOnError(this: TLSSocket): void {
  this.destroy()
}
