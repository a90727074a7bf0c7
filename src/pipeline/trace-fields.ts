/** What a server writes on top of a message it takes. RFC 5321 §4.4; RFC 6531 §4.3; RFC 3848; RFC 6409 §8. */

import type { MailAddress } from '../contracts/directory.ts'
import type { ConnectionFacts } from '../contracts/middleware.ts'
import type { TlsFacts } from '../contracts/transport.ts'
import { printAddress } from '../mime/index.ts'
import { printable } from './printable.ts'

/** A domain or an address literal, as far as a `Received` field may repeat what a peer calls itself. */
const EXTENDED_DOMAIN = /^(?:[\w\u0080-\uffff](?:[\w.\u0080-\uffff-]{0,253}[\w\u0080-\uffff])?|\[[\w.:-]{1,64}\])$/u
const TOKEN = /^[\w.-]{1,64}$/

/** What a `Received` field tells. */
export interface ReceivedFacts {
  readonly connection: ConnectionFacts
  readonly hostname: string
  readonly id: string
  /** Milliseconds since the epoch. */
  readonly at: number
  readonly smtpUtf8: boolean
  /** The client said HELO: plain SMTP without extensions. */
  readonly helo: boolean
  /** The only recipient; with several, none may learn of the others. RFC 5321 §7.2. */
  readonly recipient: MailAddress | undefined
}

/** The `Received` field of a message, folded, with its line end. */
export function receivedField(facts: ReceivedFacts): string {
  const { connection } = facts
  const name = connection.clientName
  const from = name !== undefined && EXTENDED_DOMAIN.test(name) ? name : 'unknown'
  const address = addressLiteral(connection.remote.address)
  const lines = [
    `Received: from ${from}${address === undefined ? '' : ` (${address})`}`,
    `by ${facts.hostname} with ${protocolName(facts)} id ${facts.id}`,
  ]
  if (connection.tls !== undefined) lines.push(tlsComment(connection.tls))
  if (facts.recipient !== undefined) lines.push(`for <${printAddress(facts.recipient)}>`)
  return `${lines.join('\r\n\t')}; ${mailDate(facts.at)}\r\n`
}

/** RFC 3848 and RFC 6531 §4.3: ESMTP, with S for TLS and A for authentication; UTF8SMTP and UTF8LMTP likewise. */
function protocolName(facts: ReceivedFacts): string {
  const { protocol, tls, principal } = facts.connection
  const family = protocol === 'lmtp' ? 'LMTP' : 'SMTP'
  if (facts.helo) return family
  const stem = facts.smtpUtf8 ? `UTF8${family}` : protocol === 'lmtp' ? 'LMTP' : 'ESMTP'
  return `${stem}${tls === undefined ? '' : 'S'}${principal === undefined ? '' : 'A'}`
}

/** RFC 5321 §4.1.3; `undefined` for connections that have no address. */
function addressLiteral(address: string): string | undefined {
  if (!/^[\da-f.:]{2,45}$/i.test(address)) return undefined
  return address.includes(':') ? `[IPv6:${address.toLowerCase()}]` : `[${address}]`
}

function tlsComment(tls: TlsFacts): string {
  const parts = [tls.version, tls.cipher].map(part => (TOKEN.test(part) ? part : 'unknown'))
  return `(version=${parts[0]} cipher=${parts[1]})`
}

let lastSecond = Number.NaN
let lastDate = ''

/** A moment as a message writes it, in UTC. RFC 5322 §3.3. */
function mailDate(at: number): string {
  const second = Math.floor(at / 1000)
  if (second !== lastSecond) {
    lastSecond = second
    lastDate = new Date(second * 1000).toUTCString().replace('GMT', '+0000')
  }
  return lastDate
}

/** What belongs to one recipient's copy alone, on top of all else. RFC 5321 §4.4: Return-Path first. */
export function copyFields(sender: MailAddress | undefined, deliveredTo: string): string {
  const path = sender === undefined ? '' : printAddress(sender)
  return `Return-Path: <${printable(path)}>\r\nDelivered-To: ${printable(deliveredTo)}\r\n`
}

/** The fields that a submitted message must have and lacks. RFC 6409 §8.2, §8.3. */
export function missingFields(has: (name: string) => boolean, facts: ReceivedFacts): string {
  let fields = ''
  if (!has('date')) fields += `Date: ${mailDate(facts.at)}\r\n`
  if (!has('message-id')) fields += `Message-ID: <${facts.id}@${facts.hostname}>\r\n`
  return fields
}
