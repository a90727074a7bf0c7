/** Takes the PROXY header off the front of a socket, before anything else is read. HAProxy's `proxy-protocol.txt` §2, §4. */

import type { Socket } from 'node:net'
import { sharedDeadlines } from './deadlines.ts'
import { proxyHeader } from './proxy-header.ts'
import type { ProxyHeader } from './proxy-header.ts'

/** "the receiver may apply a short timeout"; a proxy sends its header at once. §2. */
const HEADER_TIMEOUT = 10_000

/** A header that is whole and right. */
export type GoodHeader = Extract<ProxyHeader, { readonly kind: 'proxied' | 'local' }>

/** Reads the header; what follows it stays in the socket. `undefined` when none came in time or it is wrong. */
export function takeProxyHeader(socket: Socket): Promise<GoodHeader | undefined> {
  const { promise, resolve } = Promise.withResolvers<GoodHeader | undefined>()
  let octets = new Uint8Array(0)
  const settle = (header: GoodHeader | undefined): void => {
    sharedDeadlines.cancel(deadline)
    socket.off('readable', onReadable)
    socket.off('close', onGone)
    socket.off('end', onGone)
    resolve(header)
  }
  const deadline = { dueTick: 0, timeIsUp: (): void => settle(undefined) }
  const onGone = (): void => settle(undefined)
  const onReadable = (): void => {
    const more = socket.read() as Uint8Array | null
    if (more === null) return
    const joined = new Uint8Array(octets.length + more.length)
    joined.set(octets)
    joined.set(more, octets.length)
    octets = joined
    const header = proxyHeader(octets)
    if (header.kind === 'incomplete') return
    if (header.kind === 'invalid') {
      settle(undefined)
      return
    }
    settle(header)
    if (octets.length > header.length) socket.unshift(octets.subarray(header.length))
  }
  sharedDeadlines.begin(deadline, HEADER_TIMEOUT)
  socket.on('close', onGone)
  socket.on('end', onGone)
  socket.on('readable', onReadable)
  return promise
}
