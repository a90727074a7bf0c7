/**
 * HTTPS to where others told us to go: bounded in size and time, without redirects, connected to the very address that was
 * checked. RFC 9110 §9.3; RFC 8461 §3.3; RFC 8460 §3.
 */

import { request } from 'node:https'
import type { RequestOptions } from 'node:https'
import { isIP } from 'node:net'
import { isPublicAddress } from '../bytes/ip-address.ts'
import { MailError } from '../contracts/index.ts'
import type { CallOptions, Resolver } from '../contracts/index.ts'

/** Options of {@link safeFetch}. */
export interface SafeFetchOptions {
  readonly resolver: Pick<Resolver, 'a' | 'aaaa'>
  /** Which addresses may be connected to. Default: public ones only (S29). */
  readonly mayConnect?: (address: string) => boolean
  /** Trusted certificate authorities in PEM. Default: the system's. */
  readonly ca?: string | readonly string[]
  /** Connects to this port instead of the one in the address: for tests. */
  readonly port?: number
}

/** One request. */
export interface SafeRequest extends CallOptions {
  /** Default `GET`. */
  readonly method?: 'GET' | 'POST'
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Uint8Array
  /** Octets of the answer's body; more is a failure. Default 65,536. */
  readonly maxOctets?: number
  /** Milliseconds for all of it. Default 10,000. */
  readonly timeoutMs?: number
}

/** What came back. */
export interface SafeResponse {
  readonly status: number
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array
}

/** Asks for a page. Throws `MailError('invalid')` for an address that must not be asked, `unavailable` for everything else that fails. */
export type SafeFetch = (url: string, request?: SafeRequest) => Promise<SafeResponse>

/** Addresses of one host that are looked at. */
const ADDRESSES = 20

/**
 * Makes a fetch that goes to `https:` addresses on public hosts only. A redirect is answered as it is, never followed;
 * names are asked of the resolver, and the socket is opened to an address that was checked.
 */
export function safeFetch(options: SafeFetchOptions): SafeFetch {
  const mayConnect = options.mayConnect ?? isPublicAddress
  return async (text, wanted = {}) => {
    const signal = AbortSignal.any([
      AbortSignal.timeout(wanted.timeoutMs ?? 10_000),
      ...(wanted.signal === undefined ? [] : [wanted.signal]),
    ])
    const url = URL.parse(text)
    if (url === null || url.protocol !== 'https:' || url.username !== '' || url.password !== '')
      throw new MailError('invalid', `"${text.slice(0, 200)}" is no https address that may be asked`)
    const address = await checkedAddress(url, options.resolver, mayConnect, signal)
    try {
      return await exchange(url, address, options, wanted, signal)
    } catch (error) {
      if (error instanceof MailError || wanted.signal?.aborted === true) throw error
      throw new MailError('unavailable', `${url.host}: ${error instanceof Error ? error.message : String(error)}`, { cause: error })
    }
  }
}

async function checkedAddress(
  url: URL,
  resolver: Pick<Resolver, 'a' | 'aaaa'>,
  mayConnect: (address: string) => boolean,
  signal: AbortSignal,
): Promise<string> {
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1')
  const found = isIP(host) === 0 ? await addressesOf(host, resolver, signal) : [host]
  if (found.length === 0) throw new MailError('unavailable', `${host} has no address`)
  const allowed = found.slice(0, ADDRESSES).find(address => mayConnect(address))
  if (allowed === undefined) throw new MailError('invalid', `${host} lies at ${found[0] ?? ''}, which is no public address`)
  return allowed
}

async function addressesOf(host: string, resolver: Pick<Resolver, 'a' | 'aaaa'>, signal: AbortSignal): Promise<readonly string[]> {
  const [v4, v6] = await Promise.allSettled([resolver.a(host, { signal }), resolver.aaaa(host, { signal })])
  const found = [v4, v6].flatMap(answer => (answer.status === 'fulfilled' ? answer.value.records : []))
  if (found.length === 0) for (const answer of [v4, v6]) if (answer.status === 'rejected') throw answer.reason
  return found
}

function exchange(url: URL, address: string, options: SafeFetchOptions, wanted: SafeRequest, signal: AbortSignal): Promise<SafeResponse> {
  const { promise, resolve, reject } = Promise.withResolvers<SafeResponse>()
  const { method = 'GET', headers = {}, body, maxOctets = 65_536 } = wanted
  const name = url.hostname.replace(/^\[(.*)\]$/, '$1')
  const settings: RequestOptions = {
    method,
    host: address,
    port: options.port ?? (url.port === '' ? 443 : Number(url.port)),
    path: `${url.pathname}${url.search}`,
    headers: {
      host: url.host,
      'user-agent': 'mailwright',
      ...headers,
      ...(body === undefined ? {} : { 'content-length': String(body.length) }),
    },
    servername: isIP(name) === 0 ? name : '',
    agent: false,
    signal,
    minVersion: 'TLSv1.2',
    maxHeaderSize: 16_384,
    ...(options.ca === undefined ? {} : { ca: typeof options.ca === 'string' ? options.ca : [...options.ca] }),
  }
  const call = request(settings, response => {
    const pieces: Uint8Array[] = []
    let size = 0
    response.on('data', (piece: Uint8Array) => {
      size += piece.length
      if (size > maxOctets) response.destroy(new MailError('unavailable', `${url.host} sends more than ${maxOctets} octets`))
      else pieces.push(piece)
    })
    response.on('error', reject)
    response.on('aborted', () => reject(new Error('the answer ended early')))
    response.on('end', () => {
      const told: Record<string, string> = {}
      for (const [field, value] of Object.entries(response.headers)) told[field] = Array.isArray(value) ? value.join(', ') : (value ?? '')
      resolve({ status: response.statusCode ?? 0, headers: told, body: new Uint8Array(Buffer.concat(pieces)) })
    })
  })
  call.on('error', reject)
  call.end(body)
  return promise
}
