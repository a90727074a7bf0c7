/** A bounded memory in front of a resolver; one question under way is asked once, however many wait for it. RFC 2308 §5. */

import type { Answer, CallOptions, Resolver } from '../contracts/index.ts'
import { unlessAborted } from './unless-aborted.ts'

/** Options of {@link cachingResolver}. */
export interface CachingResolverOptions {
  /** Answers kept at a time; the oldest is forgotten first. Default 10,000. */
  readonly max?: number
  /** Octets that kept answers may take, roughly; the oldest is forgotten first. Default 16 MiB. */
  readonly maxOctets?: number
  /** Milliseconds for which an answer is kept that tells no time of its own. Default 60,000. */
  readonly ttlMs?: number
  /** Milliseconds for which an answer is kept at most, whatever it tells. Default one day. RFC 1035 §7.4 leaves this to us. */
  readonly maxTtlMs?: number
  /** The same for absences, so that a name just published is found soon. Default five minutes; RFC 2308 §5 allows one to three hours. */
  readonly maxNegativeTtlMs?: number
  /** Milliseconds since any fixed moment. Default: the machine's clock, which never goes back. */
  readonly now?: () => number
}

interface Kept {
  readonly answer: Promise<Answer<unknown>>
  /** Infinite while the question is under way. */
  until: number
  octets: number
}

/** What an entry costs beside its records. */
const OVERHEAD = 200

/**
 * Remembers answers, empty ones too, for as long as they say they may be (`Answer.ttl`). Failures are not remembered: the next who
 * asks tries again. The `ttl` of a remembered answer is the one it came with.
 *
 * @example
 * ```ts
 * import { cachingResolver, systemResolver } from 'mailwright/dns'
 *
 * const resolver = cachingResolver(systemResolver(), { max: 1000 })
 * ```
 */
export function cachingResolver(resolver: Resolver, options: CachingResolverOptions = {}): Resolver {
  const { max = 10_000, maxOctets = 16 * 2 ** 20, ttlMs = 60_000, now = () => performance.now() } = options
  const { maxTtlMs = 86_400_000, maxNegativeTtlMs = 300_000 } = options
  const kept = new Map<string, Kept>()
  const srv = resolver.srv?.bind(resolver)
  let octets = 0

  async function remembered<T>(key: string, call: CallOptions | undefined, ask: () => Promise<Answer<T>>): Promise<Answer<T>> {
    call?.signal?.throwIfAborted()
    let entry = kept.get(key)
    if (entry === undefined || entry.until <= now()) {
      // Asked without the caller's signal: others may be waiting for the same answer.
      entry = keep(key, ask())
      makeRoom()
    }
    const answer = (await unlessAborted(entry.answer, call?.signal)) as Answer<T>
    return answer
  }

  function keep(key: string, answer: Promise<Answer<unknown>>): Kept {
    forget(key)
    const entry: Kept = { answer, until: Number.POSITIVE_INFINITY, octets: OVERHEAD }
    kept.set(key, entry)
    octets += entry.octets
    answer.then(
      found => {
        entry.until = now() + lifeOf(found)
        if (kept.get(key) !== entry) return
        octets -= entry.octets
        entry.octets = OVERHEAD + sizeOf(found)
        octets += entry.octets
        makeRoom()
      },
      () => {
        if (kept.get(key) === entry) forget(key)
      },
    )
    return entry
  }

  function lifeOf(answer: Answer<unknown>): number {
    const told = answer.ttl === undefined ? ttlMs : answer.ttl * 1000
    return Math.min(told, answer.records.length === 0 ? maxNegativeTtlMs : maxTtlMs)
  }

  function forget(key: string): void {
    octets -= kept.get(key)?.octets ?? 0
    kept.delete(key)
  }

  function makeRoom(): void {
    for (const key of kept.keys()) {
      if (kept.size <= max && octets <= maxOctets) return
      forget(key)
    }
  }

  return {
    a: (name, call) => remembered(keyOf('a', name), call, () => resolver.a(name)),
    aaaa: (name, call) => remembered(keyOf('aaaa', name), call, () => resolver.aaaa(name)),
    mx: (name, call) => remembered(keyOf('mx', name), call, () => resolver.mx(name)),
    txt: (name, call) => remembered(keyOf('txt', name), call, () => resolver.txt(name)),
    ptr: (address, call) => remembered(keyOf('ptr', address), call, () => resolver.ptr(address)),
    cname: (name, call) => remembered(keyOf('cname', name), call, () => resolver.cname(name)),
    tlsa: (name, call) => remembered(keyOf('tlsa', name), call, () => resolver.tlsa(name)),
    ...(srv === undefined ? {} : { srv: (name, call) => remembered(keyOf('srv', name), call, () => srv(name)) }),
  }
}

/** Names are the same in either case. RFC 4343 §3. */
function keyOf(type: string, name: string): string {
  return `${type} ${name.toLowerCase().replace(/\.$/, '')}`
}

/** Octets of an answer's texts and data, with a little for each record. */
function sizeOf(answer: Answer<unknown>): number {
  let size = 0
  for (const record of answer.records) {
    const values: readonly unknown[] = typeof record === 'object' && record !== null ? Object.values(record) : [record]
    for (const value of values) size += 32 + (typeof value === 'string' ? value.length * 2 : value instanceof Uint8Array ? value.length : 8)
  }
  return size
}
