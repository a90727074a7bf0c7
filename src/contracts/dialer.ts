/** Connections that we begin: sockets behind a contract, so that the client's engine and its policies see none. RFC 5321 §4.5.3.2; RFC 8314. */

import type { CallOptions } from './call.ts'
import type { Endpoint, TlsFacts } from './transport.ts'

/** Where to connect. */
export interface DialOptions extends CallOptions {
  /** An IP address that policy has already looked at, never a name: what was checked is what is connected to (S29, S30). */
  readonly address: string
  readonly port: number
  /**
   * The absolute path of a Unix socket of this machine: for programs beside the server, never for what a peer has named. `address` is
   * then empty and `port` 0; a dialer that knows no such sockets throws `invalid`.
   */
  readonly path?: string
  /** The address to connect from. Default: the system's choice. */
  readonly localAddress?: string
  /** Milliseconds. Default 30,000. */
  readonly timeoutMs?: number
}

/** What TLS must be like as a client. */
export interface ClientTls {
  /** Sent as SNI, and the name that the certificate is held against. */
  readonly serverName: string
  /** Trusted certificate authorities in PEM. Default: the system's. */
  readonly ca?: string | readonly string[]
  readonly alpn?: readonly string[]
  /** Milliseconds for the handshake. Default 10,000. */
  readonly timeoutMs?: number
}

/** Whom we are talking to. The handshake succeeds with any certificate: policy decides from these facts. */
export interface TlsPeer extends TlsFacts {
  /** The chain as shown, the server's own first, in DER. */
  readonly chain: readonly Uint8Array[]
  /** The chain leads to a trusted authority and the name matches. RFC 5280 §6; RFC 9525 §6. */
  readonly trusted: boolean
  /** Why it is not trusted: Node's code (`ERR_TLS_CERT_ALTNAME_INVALID`, `DEPTH_ZERO_SELF_SIGNED_CERT`, `CERT_HAS_EXPIRED` ...). */
  readonly fault?: string
}

/** A connection that we began. Reading and writing as in `Transport`. */
export interface ClientConnection {
  readonly remote: Endpoint
  readonly local: Endpoint
  readonly tls: TlsFacts | undefined
  /** Fires when the peer is gone, or the connection was destroyed. */
  readonly signal: AbortSignal
  /** Octets that came and were not read yet, where the connection can tell: an answer before its question is seen by them. */
  readonly unread?: number
  /** The next octets; `undefined` at the end; `'timeout'` when `within` milliseconds (`Infinity`: for ever) passed without any. */
  read(within: number): Promise<Uint8Array | undefined | 'timeout'>
  /** Sends octets (the array is given away); a promise means: the peer is slow, wait. */
  write(octets: Uint8Array): Promise<void> | undefined
  /**
   * Begins TLS as the client. Throws `MailError('invalid')` when octets lie unread: they came in the clear and must not count as
   * protected (RFC 3207 §6; S7). Throws `unavailable` when the handshake fails; the connection is closed then.
   */
  secure(tls: ClientTls): Promise<TlsPeer>
  /** Sends what was written, then ends. */
  end(): void
  /** Ends at once. */
  destroy(): void
}

/** Begins connections. */
export interface Dialer {
  /** Throws `MailError('unavailable')` when nobody answers in time, the connection is refused, or the network is not reachable. */
  dial(options: DialOptions): Promise<ClientConnection>
}
