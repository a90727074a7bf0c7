/** What TLS agreed on, from a socket. RFC 8446 §4; RFC 6066 §3. */

import type { TLSSocket } from 'node:tls'
import type { TlsFacts } from '../contracts/index.ts'

/** The facts for `LiveConnection.tls`. */
export function tlsFacts(socket: TLSSocket): TlsFacts {
  const name = (socket as { readonly servername?: unknown }).servername
  return {
    version: socket.getProtocol() ?? '',
    cipher: socket.getCipher().standardName,
    ...(typeof name === 'string' && name !== '' ? { serverName: name } : {}),
  }
}
