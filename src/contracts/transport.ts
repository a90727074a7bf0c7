/** One connection as an engine sees it: octets in, octets out, TLS on demand. No sockets, no timers. */

/** One end of a connection. */
export interface Endpoint {
  /** IP address as text; empty for sockets that have none (Unix). */
  readonly address: string
  readonly port: number
}

/** What TLS agreed on. RFC 8446 §4; RFC 6066 §3. */
export interface TlsFacts {
  /** `TLSv1.3` ... */
  readonly version: string
  /** The cipher suite's IANA name. */
  readonly cipher: string
  /** The name the client asked for, where it did. */
  readonly serverName?: string
}

/**
 * A connection, accepted and ready. Pull-style: octets are taken from the peer only when the engine asks, so that an engine
 * that is busy holds the peer back. One `read` at a time.
 */
export interface Transport {
  /** The peer, as told by a trusted PROXY header where there was one. */
  readonly remote: Endpoint
  readonly local: Endpoint
  /** Present once the connection is encrypted. */
  readonly tls: TlsFacts | undefined
  /** Whether {@link Transport.startTls} can succeed: there is a certificate, and TLS is not on yet. */
  readonly canStartTls: boolean
  /** Fires when the peer is gone, or the connection was destroyed. */
  readonly signal: AbortSignal
  /**
   * The next octets: at least one; `undefined` when the peer has ended or is gone; `'timeout'` when `within` milliseconds
   * passed without any (the connection is still usable then). The array is the engine's to keep.
   */
  read(within: number): Promise<Uint8Array | undefined | 'timeout'>
  /**
   * Sends octets (the array is given away). Answers a promise only when the peer is slow and what waits for it passed the
   * buffer's limit: await it before sending more. After the connection is gone it does nothing.
   */
  write(octets: Uint8Array): Promise<void> | undefined
  /**
   * Whether everything given to {@link Transport.write} so far has left this process, so that the arrays may be used again.
   * Default, when left out: not known, they may not.
   */
  readonly isSent?: boolean
  /** Begins TLS as the server; what was written before is sent first. Octets received before are the caller's to drop. Rejects when the handshake fails; the connection is closed then. */
  startTls(): Promise<void>
  /** Sends what was written, then ends. */
  end(): void
  /** Ends at once. */
  destroy(): void
}
