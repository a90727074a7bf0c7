/** A resolver that notices when DNS as a whole is away, so that every message need not wait for it anew. RFC 1035 §7.2. */

import type { Answer, CallOptions, Clock, Resolver } from '../contracts/index.ts'
import { MailError } from '../contracts/mail-error.ts'

/** Options of {@link outageResolver}. */
export interface OutageResolverOptions {
  readonly clock: Pick<Clock, 'monotonic'>
  /** A name that any server of DNS can say something about. Default `a.root-servers.net`. */
  readonly probe?: string
  /** A question that failed sooner than this was answered by a server that is there. Milliseconds, default 1,000. */
  readonly slowMs?: number
  /** How long DNS counts as away before it is asked again. Milliseconds, default 30,000. */
  readonly restMs?: number
}

/**
 * Passes questions on. When one fails after a long wait, or because nobody listens, a neutral name is asked: only when that
 * fails too does DNS count as away, and for a while all questions fail at once with `unavailable`. A single domain whose servers
 * are slow or broken therefore switches nothing off.
 */
export function outageResolver(resolver: Resolver, options: OutageResolverOptions): Resolver {
  const { clock, probe = 'a.root-servers.net', slowMs = 1000, restMs = 30_000 } = options
  let awayUntil = 0
  let probing: Promise<void> | undefined

  async function look(): Promise<void> {
    try {
      await resolver.a(probe)
    } catch {
      awayUntil = clock.monotonic() + restMs
    } finally {
      probing = undefined
    }
  }

  function guarded<T>(
    ask: (name: string, call?: CallOptions) => Promise<Answer<T>>,
  ): (name: string, call?: CallOptions) => Promise<Answer<T>> {
    return async (name, call) => {
      const began = clock.monotonic()
      if (began < awayUntil) throw new MailError('unavailable', 'DNS is away at present')
      try {
        return await ask(name, call)
      } catch (error) {
        const nobody = error instanceof Error && /ECONNREFUSED|ENETUNREACH|EHOSTUNREACH/.test(`${error.message} ${String(error.cause)}`)
        if (nobody || clock.monotonic() - began >= slowMs) probing ??= look()
        throw error
      }
    }
  }

  const srv = resolver.srv?.bind(resolver)
  return {
    a: guarded((name, call) => resolver.a(name, call)),
    aaaa: guarded((name, call) => resolver.aaaa(name, call)),
    mx: guarded((name, call) => resolver.mx(name, call)),
    txt: guarded((name, call) => resolver.txt(name, call)),
    ptr: guarded((name, call) => resolver.ptr(name, call)),
    cname: guarded((name, call) => resolver.cname(name, call)),
    tlsa: guarded((name, call) => resolver.tlsa(name, call)),
    ...(srv === undefined ? {} : { srv: guarded(srv) }),
  }
}
