/** As much HTTP/1.1 as one request and its answer take: within limits, one connection each. RFC 9112 §2.1, §6. */

import { concatBytes, latin1Text } from '../../bytes/ascii.ts'
import { nonsense, readAll } from '../program.ts'
import type { Talk } from '../program.ts'

/** What is asked. */
export interface HttpRequest {
  readonly path: string
  readonly host: string
  /** Names as they are sent; values without control characters. */
  readonly fields: readonly (readonly [name: string, value: string])[]
  readonly size: number
  readonly body: AsyncIterable<Uint8Array>
}

/** What was answered. */
export interface HttpAnswer {
  readonly status: number
  readonly body: Uint8Array
}

const LONGEST_HEAD = 16_384
const BLANK = '\r\n\r\n'

/** Sends a POST and reads the answer, its body up to `limit` octets. Throws `MailError('unavailable')` for what is no answer. */
export async function post(talk: Talk, request: HttpRequest, limit: number): Promise<HttpAnswer> {
  const { path, host, fields, size, body } = request
  const lines = fields.map(([name, value]) => `${name}: ${value}\r\n`).join('')
  await talk.write(`POST ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\nContent-Length: ${size}\r\n${lines}\r\n`)
  for await (const piece of body) {
    // A server may refuse before it has read everything. RFC 9112 §9.5.
    if (talk.isAnswered) break
    await talk.write(piece)
  }
  return answerOf(await readAll(talk, LONGEST_HEAD + limit, completeness()), limit)
}

interface Head {
  readonly status: number
  readonly length: number | 'chunked' | 'close'
  readonly end: number
}

/** RFC 9112 §6.3: a transfer coding overrides a length; without either the end of the connection is the body's. */
function headOf(octets: Uint8Array): Head | undefined {
  const text = latin1Text(octets, 0, Math.min(octets.length, LONGEST_HEAD))
  const at = text.indexOf(BLANK)
  if (at < 0) {
    if (octets.length >= LONGEST_HEAD) throw nonsense('a header without an end')
    return undefined
  }
  const [first = '', ...lines] = text.slice(0, at).split('\r\n')
  const status = /^HTTP\/1\.[01] ([1-5]\d\d)(?: |$)/.exec(first)?.[1]
  if (status === undefined) throw nonsense(JSON.stringify(first.slice(0, 100)))
  const values = (name: string): readonly string[] =>
    lines.flatMap(line => (line.toLowerCase().startsWith(`${name}:`) ? [line.slice(name.length + 1).trim()] : []))
  const end = at + BLANK.length
  const [coding] = values('transfer-encoding')
  if (coding !== undefined) {
    if (coding.toLowerCase() !== 'chunked') throw nonsense('a transfer coding that was not asked for')
    return { status: Number(status), length: 'chunked', end }
  }
  const [length, ...others] = values('content-length')
  if (length === undefined) return { status: Number(status), length: 'close', end }
  if (!/^\d{1,9}$/.test(length) || others.some(other => other !== length)) throw nonsense('a length that is none')
  return { status: Number(status), length: Number(length), end }
}

/** Whether the whole answer has come; the header is read once. */
function completeness(): (octets: Uint8Array) => boolean {
  let head: Head | undefined
  return octets => {
    head ??= headOf(octets)
    if (head === undefined || head.length === 'close') return false
    if (head.length === 'chunked') return latin1Text(octets, Math.max(head.end, octets.length - 7)).endsWith(`0${BLANK}`)
    return octets.length >= head.end + head.length
  }
}

function answerOf(octets: Uint8Array, limit: number): HttpAnswer {
  const head = headOf(octets)
  if (head === undefined) throw nonsense('the connection ended within the header')
  const rest = octets.subarray(head.end)
  const body = head.length === 'chunked' ? unchunked(rest) : head.length === 'close' ? rest : rest.subarray(0, head.length)
  if (typeof head.length === 'number' && rest.length < head.length) throw nonsense('the connection ended within the body')
  if (body.length > limit) throw nonsense(`a body of more than ${limit} octets`)
  return { status: head.status, body }
}

/** RFC 9112 §7.1. */
function unchunked(octets: Uint8Array): Uint8Array {
  const pieces: Uint8Array[] = []
  let at = 0
  for (;;) {
    const line = octets.indexOf(10, at)
    const size = line < 0 ? undefined : /^([0-9a-fA-F]{1,7})[ \t]*(?:;.*)?\r$/.exec(latin1Text(octets, at, Math.min(line, at + 200)))?.[1]
    if (size === undefined) throw nonsense('a chunk without a size')
    const length = Number.parseInt(size, 16)
    if (length === 0) return concatBytes(pieces)
    at = line + 1
    if (at + length + 2 > octets.length) throw nonsense('the connection ended within a chunk')
    pieces.push(octets.subarray(at, at + length))
    at += length + 2
  }
}
