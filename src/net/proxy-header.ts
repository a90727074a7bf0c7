/**
 * The PROXY protocol's header, versions 1 and 2: what a load balancer says about the client before the client's own octets.
 * The specification is HAProxy's `proxy-protocol.txt`, §2.1 and §2.2.
 */

import { isIP } from 'node:net'
import { plainAddress } from './ip.ts'

/** What a header says. */
export type ProxyHeader =
  /** The client behind the proxy, and the address it connected to. */
  | {
      readonly kind: 'proxied'
      readonly length: number
      readonly remote: { readonly address: string; readonly port: number }
      readonly local: { readonly address: string; readonly port: number }
    }
  /** The proxy speaks for itself (a health check), or does not know: the socket's own addresses hold. */
  | { readonly kind: 'local'; readonly length: number }
  /** So far so good, but there is more to come. */
  | { readonly kind: 'incomplete' }
  /** No header, or one that is wrong. */
  | { readonly kind: 'invalid'; readonly reason: string }

const V2_SIGNATURE = Uint8Array.of(0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a)

/** "107 chars" with the line end is the longest line of version 1 that the specification knows. §2.1. */
const V1_LONGEST = 107

/** Version 2 leaves room for 64 KiB of extensions; nobody sends more than a few hundred octets. §2.2. */
const V2_LONGEST = 4096

/** Reads a header from the first octets of a connection. Looks at no more than {@link V2_LONGEST} of them. */
export function proxyHeader(octets: Uint8Array): ProxyHeader {
  if (octets.length === 0) return { kind: 'incomplete' }
  if (octets[0] === 0x50) return version1(octets)
  const known = Math.min(octets.length, V2_SIGNATURE.length)
  for (let index = 0; index < known; index++) {
    if (octets[index] !== V2_SIGNATURE[index]) return { kind: 'invalid', reason: 'no PROXY header' }
  }
  return version2(octets)
}

function version1(octets: Uint8Array): ProxyHeader {
  const head = octets.subarray(0, V1_LONGEST)
  const end = head.indexOf(0x0a)
  if (end === -1) {
    if (octets.length >= V1_LONGEST) return { kind: 'invalid', reason: 'version 1 line without an end' }
    return 'PROXY '.startsWith(latin1(head.subarray(0, 6))) ? { kind: 'incomplete' } : { kind: 'invalid', reason: 'no PROXY header' }
  }
  const line = latin1(head.subarray(0, end))
  if (!line.endsWith('\r')) return { kind: 'invalid', reason: 'version 1 line ends without CR' }
  const [word, family, source = '', destination = '', sourcePort = '', destinationPort = '', ...rest] = line.slice(0, -1).split(' ')
  if (word !== 'PROXY') return { kind: 'invalid', reason: 'no PROXY header' }
  // §2.1: for UNKNOWN "the receiver must ignore anything presented before the CRLF".
  if (family === 'UNKNOWN') return { kind: 'local', length: end + 1 }
  const wanted = family === 'TCP4' ? 4 : family === 'TCP6' ? 6 : 0
  const remotePort = portNumber(sourcePort)
  const localPort = portNumber(destinationPort)
  if (wanted === 0 || rest.length > 0 || isIP(source) !== wanted || isIP(destination) !== wanted || remotePort < 0 || localPort < 0)
    return { kind: 'invalid', reason: 'version 1 line that cannot be read' }
  return {
    kind: 'proxied',
    length: end + 1,
    remote: { address: plainAddress(source), port: remotePort },
    local: { address: plainAddress(destination), port: localPort },
  }
}

function portNumber(text: string): number {
  if (!/^(?:0|[1-9]\d{0,4})$/.test(text)) return -1
  const port = Number(text)
  return port <= 65_535 ? port : -1
}

function version2(octets: Uint8Array): ProxyHeader {
  if (octets.length < 16) return { kind: 'incomplete' }
  const view = new DataView(octets.buffer, octets.byteOffset, octets.byteLength)
  const versionAndCommand = view.getUint8(12)
  const family = view.getUint8(13)
  const length = 16 + view.getUint16(14)
  if (versionAndCommand >> 4 !== 2) return { kind: 'invalid', reason: 'unknown version' }
  if (length > V2_LONGEST) return { kind: 'invalid', reason: 'header is too long' }
  if (octets.length < length) return { kind: 'incomplete' }
  switch (versionAndCommand & 0x0f) {
    case 0:
      return { kind: 'local', length }
    case 1:
      return addresses(view, family, length)
    default:
      return { kind: 'invalid', reason: 'unknown command' }
  }
}

function addresses(view: DataView, family: number, length: number): ProxyHeader {
  switch (family) {
    // §2.2: AF_UNSPEC, "the receiver should ignore address information"; Unix sockets have no address either.
    case 0x00:
    case 0x31:
      return { kind: 'local', length }
    case 0x11:
      if (length < 28) return { kind: 'invalid', reason: 'addresses are cut off' }
      return {
        kind: 'proxied',
        length,
        remote: { address: ipv4(view, 16), port: view.getUint16(24) },
        local: { address: ipv4(view, 20), port: view.getUint16(26) },
      }
    case 0x21:
      if (length < 52) return { kind: 'invalid', reason: 'addresses are cut off' }
      return {
        kind: 'proxied',
        length,
        remote: { address: ipv6(view, 16), port: view.getUint16(48) },
        local: { address: ipv6(view, 32), port: view.getUint16(50) },
      }
    default:
      return { kind: 'invalid', reason: 'not a stream' }
  }
}

function ipv4(view: DataView, at: number): string {
  return `${view.getUint8(at)}.${view.getUint8(at + 1)}.${view.getUint8(at + 2)}.${view.getUint8(at + 3)}`
}

function ipv6(view: DataView, at: number): string {
  const groups = Array.from({ length: 8 }, (_, index) => view.getUint16(at + 2 * index))
  if (groups.slice(0, 5).every(group => group === 0) && groups[5] === 0xffff) return ipv4(view, at + 12)
  // RFC 5952 §4.2: the URL parser writes addresses in the recommended form.
  return new URL(`http://[${groups.map(group => group.toString(16)).join(':')}]`).hostname.slice(1, -1)
}

function latin1(octets: Uint8Array): string {
  return String.fromCharCode(...octets)
}
