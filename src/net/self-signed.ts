/**
 * A certificate that signs itself, for development: Node can read certificates but not write them, so the few structures that
 * one needs are written here in DER. RFC 5280 §4.1, §4.2; RFC 5480 §2.1.1; RFC 5758 §3.2.
 */

import { generateKeyPairSync, randomBytes, sign } from 'node:crypto'
import { isIP } from 'node:net'

/** Stands as the organisation in every certificate made here, so that nobody takes one for a real one. */
export const DEVELOPMENT_LABEL = 'mailwright development certificate'

/** A certificate and its private key, both in PEM. */
export interface PemPair {
  readonly cert: string
  readonly key: string
}

/** What {@link selfSigned} is told. */
export interface SelfSignedOptions {
  /** DNS names and IP addresses that it vouches for; the first is its subject. */
  readonly names: readonly string[]
  /** Beginning of its validity, in milliseconds since the epoch. */
  readonly notBefore: number
  /** End of its validity. */
  readonly notAfter: number
}

/** Makes an ECDSA P-256 key and a certificate for it, good for TLS servers and nothing else. */
export function selfSigned(options: SelfSignedOptions): PemPair {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const name = sequence(attribute('2.5.4.10', DEVELOPMENT_LABEL), attribute('2.5.4.3', (options.names[0] ?? 'localhost').slice(0, 64)))
  const algorithm = sequence(oid('1.2.840.10045.4.3.2'))
  const serial = randomBytes(16)
  // RFC 5280 §4.1.2.2: the serial number is positive and not zero.
  serial[0] = ((serial[0] ?? 0) & 0x7f) | 0x40
  const body = sequence(
    explicit(0, integer(Uint8Array.of(2))),
    integer(serial),
    algorithm,
    name,
    sequence(time(options.notBefore), time(options.notAfter)),
    name,
    publicKey.export({ type: 'spki', format: 'der' }),
    explicit(
      3,
      sequence(
        extension('2.5.29.19', true, sequence()), // basic constraints: not an authority
        extension('2.5.29.15', true, element(0x03, Uint8Array.of(7, 0x80))), // key usage: digital signature
        extension('2.5.29.37', false, sequence(oid('1.3.6.1.5.5.7.3.1'))), // extended key usage: server
        extension('2.5.29.17', false, sequence(...options.names.map(alternativeName))),
      ),
    ),
  )
  const signature = sign('sha256', body, privateKey)
  return {
    cert: pem('CERTIFICATE', sequence(body, algorithm, bitString(signature))),
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  }
}

function element(tag: number, ...contents: readonly Uint8Array[]): Uint8Array {
  const length = contents.reduce((sum, content) => sum + content.length, 0)
  const head = length < 0x80 ? [tag, length] : length < 0x100 ? [tag, 0x81, length] : [tag, 0x82, length >> 8, length & 0xff]
  const octets = new Uint8Array(head.length + length)
  octets.set(head)
  let at = head.length
  for (const content of contents) {
    octets.set(content, at)
    at += content.length
  }
  return octets
}

function sequence(...contents: readonly Uint8Array[]): Uint8Array {
  return element(0x30, ...contents)
}

function explicit(tag: number, content: Uint8Array): Uint8Array {
  return element(0xa0 | tag, content)
}

function integer(octets: Uint8Array): Uint8Array {
  return element(0x02, octets)
}

function bitString(octets: Uint8Array): Uint8Array {
  return element(0x03, Uint8Array.of(0), octets)
}

function text(tag: number, value: string): Uint8Array {
  return element(tag, new TextEncoder().encode(value))
}

function oid(dotted: string): Uint8Array {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number)
  const octets = [40 * first + second]
  for (const arc of rest) {
    const groups = [arc & 0x7f]
    for (let high = arc >>> 7; high > 0; high >>>= 7) groups.unshift((high & 0x7f) | 0x80)
    octets.push(...groups)
  }
  return element(0x06, Uint8Array.from(octets))
}

function attribute(type: string, value: string): Uint8Array {
  return element(0x31, sequence(oid(type), text(0x0c, value)))
}

function extension(type: string, critical: boolean, value: Uint8Array): Uint8Array {
  const octets = element(0x04, value)
  return critical ? sequence(oid(type), element(0x01, Uint8Array.of(0xff)), octets) : sequence(oid(type), octets)
}

/** RFC 5280 §4.1.2.5: UTCTime through 2049, GeneralizedTime from 2050 on. */
function time(at: number): Uint8Array {
  const digits = new Date(at).toISOString().replaceAll(/[-:T]|\.\d+/g, '')
  return digits < '2050' ? text(0x17, digits.slice(2)) : text(0x18, digits)
}

/** RFC 5280 §4.2.1.6: a DNS name is an IA5String, an IP address its octets. */
function alternativeName(name: string): Uint8Array {
  switch (isIP(name)) {
    case 4:
      return element(0x87, Uint8Array.from(name.split('.').map(Number)))
    case 6:
      return element(0x87, ipv6Octets(name))
    default:
      return text(0x82, name)
  }
}

function ipv6Octets(address: string): Uint8Array {
  const [head = '', tail = ''] = new URL(`http://[${address}]`).hostname.slice(1, -1).split('::')
  const before = head === '' ? [] : head.split(':')
  const after = tail === '' ? [] : tail.split(':')
  const zeros = Array.from({ length: 8 - before.length - after.length }, () => '0')
  const groups = [...before, ...zeros, ...after].map(group => Number.parseInt(group, 16))
  return Uint8Array.from(groups.flatMap(group => [group >> 8, group & 0xff]))
}

function pem(label: string, der: Uint8Array): string {
  const lines =
    Buffer.from(der)
      .toString('base64')
      .match(/.{1,64}/g) ?? []
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`
}
