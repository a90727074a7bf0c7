/** What TLS agreed on, from a socket. RFC 8446 §4; RFC 6066 §3. */

import type { TlsFacts } from '../contracts/index.ts'

/** What is asked of a TLS socket; Node's `TLSSocket` is one. */
export interface SecureSocket {
  getProtocol(): string | null
  getCipher(): { readonly standardName: string }
}

/** What the handshake agreed on. */
export function tlsFacts(socket: SecureSocket): TlsFacts {
  // Node has it and leaves it out of its types.
  const name = (socket as { readonly servername?: unknown }).servername
  return {
    version: socket.getProtocol() ?? '',
    cipher: socket.getCipher().standardName,
    ...(typeof name === 'string' && name !== '' ? { serverName: name } : {}),
  }
}
