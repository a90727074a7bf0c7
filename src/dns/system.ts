/** DNS by way of Node's own resolver, which asks the servers of the machine or those it is told. RFC 1035 §4; RFC 6698 §2.1. */

import { promises } from 'node:dns'
import { MailError } from '../contracts/index.ts'
import type { Answer, CallOptions, MxRecord, Resolver, SrvRecord, TlsaRecord } from '../contracts/index.ts'
import { isHostName, questionName, reverseName } from './names.ts'
import { unlessAborted } from './unless-aborted.ts'

/** Options of {@link systemResolver}. */
export interface SystemResolverOptions {
  /** Servers to ask, as IP addresses with an optional port (`127.0.0.1:5300`, `[::1]:53`). Default: the machine's. */
  readonly servers?: readonly string[]
  /** Milliseconds for one try. Default 5,000. */
  readonly timeout?: number
  /** Tries before it is a failure. Default 2. */
  readonly tries?: number
}

/** No such name, or what no name can be; RFC 2308 §2.1. */
const ABSENT: ReadonlySet<unknown> = new Set(['ENOTFOUND', 'EBADNAME'])
/** No such records of a name: an answer, not a failure. RFC 2308 §2.2. */
const EMPTY = 'ENODATA'

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
export function systemResolver(options: SystemResolverOptions = {}): Required<Resolver> {
  const dns = new promises.Resolver({ timeout: options.timeout ?? 5000, tries: options.tries ?? 2 })
  if (options.servers !== undefined) dns.setServers(options.servers)
  return {
    a: (name, call) => answer(name, call, asked => dns.resolve4(asked, { ttl: true }), address, leastTtl),
    aaaa: (name, call) => answer(name, call, asked => dns.resolve6(asked, { ttl: true }), address, leastTtl),
    mx: (name, call) => exchangers(name, call, asked => dns.resolveMx(asked)),
    txt: (name, call) =>
      answer(
        name,
        call,
        asked => dns.resolveTxt(asked),
        strings => strings.join(''),
      ),
    ptr: (of, call) => answer(reverseName(of) === undefined ? '' : of, call, asked => dns.reverse(asked), host),
    cname: (name, call) => answer(name, call, asked => dns.resolveCname(asked), host),
    tlsa: (name, call) => answer(name, call, asked => dns.resolveTlsa(asked), association),
    srv: (name, call) => answer(name, call, asked => dns.resolveSrv(asked), service),
  }
}

async function answer<Raw, T>(
  name: string,
  call: CallOptions | undefined,
  ask: (name: string) => Promise<readonly Raw[]>,
  read: (raw: Raw) => T | undefined,
  ttlOf: (raw: readonly Raw[]) => number | undefined = () => undefined,
): Promise<Answer<T>> {
  const signal = call?.signal
  signal?.throwIfAborted()
  const asked = questionName(name)
  if (asked === undefined) return { records: [], authentic: false, exists: false }
  try {
    const records = await unlessAborted(ask(asked), signal)
    const ttl = ttlOf(records)
    const known = records.map(raw => read(raw)).filter(value => value !== undefined)
    return { records: known, authentic: false, ...(ttl === undefined ? {} : { ttl }) }
  } catch (error) {
    if (signal?.aborted === true) throw signal.reason
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    if (code === EMPTY) return { records: [], authentic: false }
    if (ABSENT.has(code)) return { records: [], authentic: false, exists: false }
    throw new MailError('unavailable', `DNS has no answer for ${asked}: ${String(code)}`, { cause: error })
  }
}

/** As of `stubResolver`: exchangers, none of which could be a host, are not "no exchangers" (RFC 5321 §5.1). */
async function exchangers(
  name: string,
  call: CallOptions | undefined,
  ask: (name: string) => Promise<readonly RawExchanger[]>,
): Promise<Answer<MxRecord>> {
  const found = await answer(name, call, ask, raw => raw)
  const records = found.records.map(exchanger).filter(record => record.exchange === '' || isHostName(record.exchange))
  if (found.records.length > 0 && records.length === 0) {
    throw new MailError('unavailable', `no mail exchanger of ${name} has a name that a host can have`)
  }
  return { ...found, records }
}

interface RawExchanger {
  readonly priority: number
  readonly exchange: string
}

interface RawAddress {
  readonly address: string
  readonly ttl: number
}

function address(record: RawAddress): string {
  return record.address
}

function leastTtl(records: readonly RawAddress[]): number | undefined {
  return records.length === 0 ? undefined : Math.min(...records.map(record => record.ttl))
}

function canonical(name: string): string {
  return name.toLowerCase().replace(/\.$/, '')
}

/** Names that no host has are left out: line ends and the like come from strangers (S30). */
function host(name: string): string | undefined {
  const found = canonical(name)
  return isHostName(found) ? found : undefined
}

function exchanger(record: RawExchanger): MxRecord {
  return { preference: record.priority, exchange: canonical(record.exchange) }
}

function service(record: { readonly priority: number; readonly weight: number; readonly port: number; readonly name: string }): SrvRecord {
  return { priority: record.priority, weight: record.weight, port: record.port, target: canonical(record.name) }
}

function association(record: {
  readonly certUsage: number
  readonly selector: number
  readonly match: number
  readonly data: ArrayBuffer
}): TlsaRecord {
  return { usage: record.certUsage, selector: record.selector, matchingType: record.match, data: new Uint8Array(record.data) }
}
