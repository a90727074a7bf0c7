/** A bounded memory in front of a resolver; one question under way is asked once, however many wait for it. RFC 2308 §5. */

import type { Answer, CallOptions, Resolver } from '../contracts/index.ts'

/** Options of {@link cachingResolver}. */
export interface CachingResolverOptions {
  /** Answers kept at a time; the oldest is forgotten first. Default 10,000. */
  readonly max?: number
  /** Milliseconds for which an answer is kept: the contract carries no TTL, so one time serves for all. Default 60,000. */
  readonly ttlMs?: number
  /** Milliseconds since any fixed moment. Default: the machine's clock, which never goes back. */
  readonly now?: () => number
}

interface Kept {
  readonly answer: Promise<Answer<unknown>>
  /** Infinite while the question is under way. */
  until: number
}

/**
 * Remembers answers, empty ones too. Failures are not remembered: the next who asks tries again.
 *
 * @example
 * ```ts
 * import { cachingResolver, systemResolver } from 'mailwright/dns'
 *
 * const resolver = cachingResolver(systemResolver(), { max: 1000, ttlMs: 30_000 })
 * ```
 */
export function cachingResolver(resolver: Resolver, options: CachingResolverOptions = {}): Resolver {
  const { max = 10_000, ttlMs = 60_000, now = () => performance.now() } = options
  const kept = new Map<string, Kept>()

  async function remembered<T>(key: string, call: CallOptions | undefined, ask: () => Promise<Answer<T>>): Promise<Answer<T>> {
    call?.signal?.throwIfAborted()
    let entry = kept.get(key)
    if (entry === undefined || entry.until <= now()) {
      kept.delete(key)
      // Asked without the caller's signal: others may be waiting for the same answer.
      const asked: Kept = { answer: ask(), until: Number.POSITIVE_INFINITY }
      entry = asked
      kept.set(key, asked)
      asked.answer.then(
        () => {
          asked.until = now() + ttlMs
        },
        () => {
          if (kept.get(key) === asked) kept.delete(key)
        },
      )
      const oldest = kept.size > max ? kept.keys().next().value : undefined
      if (oldest !== undefined) kept.delete(oldest)
    }
    const answer = (await unlessAborted(entry.answer, call?.signal)) as Answer<T>
    return answer
  }

  return {
    a: (name, call) => remembered(keyOf('a', name), call, () => resolver.a(name)),
    aaaa: (name, call) => remembered(keyOf('aaaa', name), call, () => resolver.aaaa(name)),
    mx: (name, call) => remembered(keyOf('mx', name), call, () => resolver.mx(name)),
    txt: (name, call) => remembered(keyOf('txt', name), call, () => resolver.txt(name)),
    ptr: (address, call) => remembered(keyOf('ptr', address), call, () => resolver.ptr(address)),
    cname: (name, call) => remembered(keyOf('cname', name), call, () => resolver.cname(name)),
    tlsa: (name, call) => remembered(keyOf('tlsa', name), call, () => resolver.tlsa(name)),
  }
}

/** Names are the same in either case. RFC 4343 §3. */
function keyOf(type: string, name: string): string {
  return `${type} ${name.toLowerCase()}`
}

function unlessAborted<T>(asked: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return asked
  const { promise, resolve, reject } = Promise.withResolvers<T>()
  const onAbort = (): void => reject(signal.reason)
  signal.addEventListener('abort', onAbort, { once: true })
  asked.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort))
  return promise
}
