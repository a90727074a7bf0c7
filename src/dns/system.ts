/** DNS by way of Node's own resolver, which asks the servers of the machine or those it is told. RFC 1035 §4; RFC 6698 §2.1. */

import { promises } from 'node:dns'
import { MailError } from '../contracts/index.ts'
import type { Answer, CallOptions, MxRecord, Resolver, TlsaRecord } from '../contracts/index.ts'

/** Options of {@link systemResolver}. */
export interface SystemResolverOptions {
  /** Servers to ask, as IP addresses with an optional port (`127.0.0.1:5300`, `[::1]:53`). Default: the machine's. */
  readonly servers?: readonly string[]
  /** Milliseconds for one try. Default 5,000. */
  readonly timeout?: number
  /** Tries before it is a failure. Default 2. */
  readonly tries?: number
}

/** No such name, or no such records of it: an answer, not a failure. RFC 2308 §2. */
const EMPTY: ReadonlySet<unknown> = new Set(['ENOTFOUND', 'ENODATA'])

/**
 * Asks DNS through Node. `authentic` is always `false`: Node does not tell whether an answer was validated (the AD bit), so
 * nothing that needs DNSSEC, such as DANE (RFC 7672), may rest on this resolver. An abandoned question (`signal`) throws the
 * signal's reason; what was sent to the server stays sent.
 *
 * @example
 * ```ts
 * import { systemResolver } from 'mailwright/dns'
 *
 * const resolver = systemResolver({ servers: ['127.0.0.1'] })
 * const { records } = await resolver.mx('example.org')
 * ```
 */
export function systemResolver(options: SystemResolverOptions = {}): Resolver {
  const dns = new promises.Resolver({ timeout: options.timeout ?? 5000, tries: options.tries ?? 2 })
  if (options.servers !== undefined) dns.setServers(options.servers)
  return {
    a: (name, call) => answer(name, call, () => dns.resolve4(name), same),
    aaaa: (name, call) => answer(name, call, () => dns.resolve6(name), same),
    mx: (name, call) => answer(name, call, () => dns.resolveMx(name), exchanger),
    txt: (name, call) =>
      answer(
        name,
        call,
        () => dns.resolveTxt(name),
        strings => strings.join(''),
      ),
    ptr: (address, call) => answer(address, call, () => dns.reverse(address), canonical),
    cname: (name, call) => answer(name, call, () => dns.resolveCname(name), canonical),
    tlsa: (name, call) => answer(name, call, () => dns.resolveTlsa(name), association),
  }
}

async function answer<Raw, T>(
  name: string,
  call: CallOptions | undefined,
  ask: () => Promise<readonly Raw[]>,
  read: (raw: Raw) => T,
): Promise<Answer<T>> {
  const signal = call?.signal
  signal?.throwIfAborted()
  try {
    const records = await (signal === undefined ? ask() : abandoned(ask(), signal))
    return { records: records.map(raw => read(raw)), authentic: false }
  } catch (error) {
    if (signal?.aborted === true) throw signal.reason
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    if (EMPTY.has(code)) return { records: [], authentic: false }
    throw new MailError('unavailable', `DNS has no answer for ${name}: ${String(code)}`, { cause: error })
  }
}

function abandoned<T>(asked: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise, resolve, reject } = Promise.withResolvers<T>()
  const onAbort = (): void => reject(signal.reason)
  signal.addEventListener('abort', onAbort, { once: true })
  asked.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort))
  return promise
}

function same(text: string): string {
  return text
}

function canonical(name: string): string {
  return name.toLowerCase().replace(/\.$/, '')
}

function exchanger(record: { readonly priority: number; readonly exchange: string }): MxRecord {
  return { preference: record.priority, exchange: canonical(record.exchange) }
}

function association(record: {
  readonly certUsage: number
  readonly selector: number
  readonly match: number
  readonly data: ArrayBuffer
}): TlsaRecord {
  return { usage: record.certUsage, selector: record.selector, matchingType: record.match, data: new Uint8Array(record.data) }
}
