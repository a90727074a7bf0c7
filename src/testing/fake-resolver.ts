/** A resolver that answers from a plain object: names, aliases, failures and delays as a test wants them. RFC 1035 §3.3; RFC 2308 §2. */

import { MailError } from '../contracts/index.ts'
import type { Answer, CallOptions, Clock, MxRecord, Resolver, SrvRecord, TlsaRecord } from '../contracts/index.ts'

/** What is known of one name; of an IP address (the name to look up backwards), only `ptr` counts. */
export interface FakeRecords {
  readonly a?: readonly string[]
  readonly aaaa?: readonly string[]
  /** `'mx.example'` stands for preference 10; `''` is a null MX. */
  readonly mx?: readonly (MxRecord | string)[]
  readonly txt?: readonly string[]
  readonly ptr?: readonly string[]
  /** The name is an alias: everything but `cname` is looked up there. */
  readonly cname?: string
  readonly tlsa?: readonly TlsaRecord[]
  readonly srv?: readonly SrvRecord[]
  /** Whether its answers are DNSSEC-authentic. Default: {@link FakeResolverOptions.authentic}. */
  readonly authentic?: boolean
  /** Seconds, told with every answer. Default: none told. */
  readonly ttl?: number
  /** Every question about the name fails with this; `true` for `MailError('unavailable')`, or only questions of some types. */
  readonly fails?: boolean | Error | readonly RecordType[]
  /** Milliseconds until an answer comes, by the clock of {@link FakeResolverOptions.clock}. */
  readonly delayMs?: number
}

/** The questions of the contract. */
export type RecordType = 'a' | 'aaaa' | 'mx' | 'txt' | 'ptr' | 'cname' | 'tlsa' | 'srv'

/** Options of {@link fakeResolver}. */
export interface FakeResolverOptions {
  /** Whether answers are DNSSEC-authentic where a name says nothing. Default `false`. */
  readonly authentic?: boolean
  /** Needed for `delayMs`. */
  readonly clock?: Clock
}

/** A {@link Resolver} whose world can be changed while it is used. */
export interface FakeResolver extends Required<Resolver> {
  /** Everything that was asked, in order, as `mx example.org`. */
  readonly asked: readonly string[]
  /** Replaces what is known of a name; `undefined` makes it vanish. */
  set(name: string, records: FakeRecords | undefined): void
}

/** Longer chains of aliases are a loop. */
const MAX_ALIASES = 8

/**
 * Makes a resolver that knows what `zone` says and nothing else. A name that is not there does not exist (`exists: false`), unless
 * another one lies below it.
 *
 * @example
 * ```ts
 * import { fakeResolver } from 'mailwright/testing'
 *
 * const resolver = fakeResolver({
 *   'example.org': { mx: ['mx.example.org'], txt: ['v=spf1 mx -all'] },
 *   'mx.example.org': { a: ['192.0.2.1'], authentic: true },
 *   '192.0.2.1': { ptr: ['mx.example.org'] },
 *   'broken.example': { fails: true },
 *   'slow.example': { a: ['192.0.2.2'], fails: ['aaaa'] },
 * })
 * const { records } = await resolver.mx('example.org') // [{ preference: 10, exchange: 'mx.example.org' }]
 * ```
 */
export function fakeResolver(zone: Readonly<Record<string, FakeRecords>> = {}, options: FakeResolverOptions = {}): FakeResolver {
  const known = new Map<string, FakeRecords>()
  const asked: string[] = []
  for (const [name, records] of Object.entries(zone)) known.set(plain(name), records)

  async function look<T>(
    type: RecordType,
    question: string,
    call: CallOptions | undefined,
    pick: (records: FakeRecords) => readonly T[] | undefined,
  ): Promise<Answer<T>> {
    let name = plain(question)
    asked.push(`${type} ${name}`)
    let authentic = true
    for (let aliases = 0; aliases <= MAX_ALIASES; aliases++) {
      const records = known.get(name) ?? {}
      await delay(records.delayMs, call)
      fail(type, name, records.fails)
      authentic &&= records.authentic ?? options.authentic ?? false
      if (records.cname === undefined || type === 'cname') {
        const ttl = records.ttl === undefined ? {} : { ttl: records.ttl }
        return { records: pick(records) ?? [], authentic, ...(exists(name) ? {} : { exists: false }), ...ttl }
      }
      name = plain(records.cname)
    }
    throw new MailError('unavailable', `${question} is an alias of an alias without end`)
  }

  function exists(name: string): boolean {
    if (known.has(name)) return true
    for (const other of known.keys()) if (other.endsWith(`.${name}`)) return true
    return false
  }

  async function delay(ms: number | undefined, call: CallOptions | undefined): Promise<void> {
    call?.signal?.throwIfAborted()
    if (ms === undefined) return
    if (options.clock === undefined) throw new Error('a name with delayMs needs a clock: fakeResolver(zone, { clock })')
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const cancel = options.clock.after(ms, resolve)
    const onAbort = (): void => reject(call?.signal?.reason)
    call?.signal?.addEventListener('abort', onAbort, { once: true })
    try {
      await promise
    } finally {
      cancel()
      call?.signal?.removeEventListener('abort', onAbort)
    }
  }

  return {
    asked,
    set(name, records) {
      if (records === undefined) known.delete(plain(name))
      else known.set(plain(name), records)
    },
    a: (name, call) => look('a', name, call, records => records.a),
    aaaa: (name, call) => look('aaaa', name, call, records => records.aaaa),
    mx: (name, call) => look('mx', name, call, records => records.mx?.map(exchanger)),
    txt: (name, call) => look('txt', name, call, records => records.txt),
    ptr: (address, call) => look('ptr', address, call, records => records.ptr),
    cname: (name, call) => look('cname', name, call, ({ cname }) => (cname === undefined ? [] : [plain(cname)])),
    tlsa: (name, call) => look('tlsa', name, call, records => records.tlsa),
    srv: (name, call) => look('srv', name, call, records => records.srv),
  }
}

function fail(type: RecordType, name: string, fails: FakeRecords['fails']): void {
  if (fails === undefined || fails === false) return
  if (fails instanceof Error) throw fails
  if (fails === true || fails.includes(type)) throw new MailError('unavailable', `no answer for ${type} ${name}`)
}

function exchanger(record: MxRecord | string): MxRecord {
  return typeof record === 'string' ? { preference: record === '' ? 0 : 10, exchange: plain(record) } : record
}

/** Names are the same in either case, and with or without the dot at the end. RFC 4343 §3. */
function plain(name: string): string {
  return name.toLowerCase().replace(/\.$/, '')
}
