/** Asks the servers it is told, itself, and so learns what Node hides: whether an answer was validated. RFC 1035 §4; RFC 4035 §3.2; RFC 6891 §6. */

import { randomBytes } from 'node:crypto'
import { ConfigurationError, MailError } from '../contracts/index.ts'
import type { Answer, CallOptions, Dialer, Resolver } from '../contracts/index.ts'
import { askByDatagram } from './datagram.ts'
import { questionName, reverseName } from './names.ts'
import { association, hostName, ipv4Address, ipv6Address, joinedText, mailExchanger, service } from './rdata.ts'
import type { ReadRecord } from './rdata.ts'
import { readReply } from './reading.ts'
import { dnsServer } from './servers.ts'
import type { DnsServer } from './servers.ts'
import { askByStream } from './stream.ts'
import { encodeQuery, RCODES } from './wire.ts'
import type { QuestionType, Reply } from './wire.ts'

/** Options of {@link stubResolver}. */
export interface StubResolverOptions {
  /** Servers to ask, the first before the others: `192.0.2.1`, `192.0.2.1:5300`, `[2001:db8::1]:53`. They must answer for every name. */
  readonly servers: readonly string[]
  /** Opens the connection for an answer that does not fit a datagram. Default: none, and such answers are failures. */
  readonly dialer?: Dialer
  /** Milliseconds to wait for one server before the next is asked. Default 3,000. */
  readonly timeoutMs?: number
  /** How often all servers that gave no answer are asked again. Default 1. */
  readonly retries?: number
  /** Milliseconds after which a question has failed, whatever was tried. Default 12,000. */
  readonly deadlineMs?: number
  /**
   * Whether "validated" (the AD bit) is believed. Only right for servers that validate and that nobody can speak for: on this
   * machine, or behind a network that you trust like it. Default: believed of servers on loopback addresses, of no others.
   */
  readonly trustAuthenticData?: boolean
  /** Questions under way at a time; more wait. Default 200. */
  readonly concurrency?: number
}

/** Aliases in a row; a longer chain is a loop or a joke. */
const MAX_ALIASES = 10

/**
 * Makes a resolver that asks recursive servers over UDP, and over TCP what does not fit. Failing over: a server that is silent or
 * says that it failed is passed over for the next. When none answers: `MailError('unavailable')`; so it is for a name whose
 * signatures are wrong, which a validating server does not give out. Records that are malformed, and names that cannot be a
 * host's, are left out; an answer has at most 256 records. Throws `ConfigurationError` for servers that are none.
 *
 * @example
 * ```ts
 * import { cachingResolver, stubResolver } from 'mailwright/dns'
 *
 * const resolver = cachingResolver(stubResolver({ servers: ['127.0.0.1:53'] }))
 * const { records, authentic } = await resolver.tlsa('_25._tcp.mx.example.org')
 * ```
 */
export function stubResolver(options: StubResolverOptions): Required<Resolver> {
  const { dialer, timeoutMs = 3000, retries = 1, deadlineMs = 12_000, concurrency = 200 } = options
  const servers = options.servers.map(dnsServer)
  if (servers.length === 0) throw new ConfigurationError('MW_DNS_SERVER_INVALID', 'a stub resolver needs a server to ask')
  const gate = new Gate(concurrency)

  /** One server's word; throws when there is none, or when it says that it failed. */
  async function ask(server: DnsServer, name: string, type: QuestionType, plain: boolean, signal: AbortSignal): Promise<Reply> {
    const [high = 0, low = 0] = randomBytes(2)
    const query = { id: (high << 8) | low, name, type, plain, dnssec: !plain && isTrusted(server) }
    const octets = encodeQuery(query)
    let reply = await askByDatagram(server, query, octets, timeoutMs, signal)
    if (reply.truncated) {
      if (dialer === undefined) throw new Error('the answer does not fit a datagram, and there is no dialer for TCP')
      reply = await askByStream(dialer, server, query, octets, timeoutMs, signal)
    }
    if (reply.rcode === RCODES.noError || reply.rcode === RCODES.nameError) return reply
    const isConfused = CONFUSED.has(reply.rcode)
    if (isConfused && !plain) return ask(server, name, type, true, signal)
    throw new Refusal(`it answered ${RCODE_TEXTS.get(reply.rcode) ?? `code ${reply.rcode}`}`)
  }

  function isTrusted(server: DnsServer): boolean {
    return options.trustAuthenticData ?? server.isLoopback
  }

  /** The first word that counts, and whether it is vouched for. */
  async function askAround(name: string, type: QuestionType, signal: AbortSignal): Promise<{ reply: Reply; authentic: boolean }> {
    const failures = new Map<DnsServer, Error>()
    for (let round = 0; round <= retries; round++) {
      for (const server of servers) {
        if (failures.get(server) instanceof Refusal) continue
        try {
          const reply = await ask(server, name, type, false, signal)
          return { reply, authentic: reply.authenticData && isTrusted(server) }
        } catch (error) {
          signal.throwIfAborted()
          failures.set(server, error instanceof Error ? error : new Error(String(error)))
        }
      }
    }
    const told = [...failures].map(([server, error]) => `${server.text}: ${error.message}`)
    throw new MailError('unavailable', `no answer for ${type} of ${name} (${told.join('; ')})`)
  }

  async function answer<T>(
    text: string | undefined,
    type: QuestionType,
    call: CallOptions | undefined,
    read: ReadRecord<T>,
  ): Promise<Answer<T>> {
    call?.signal?.throwIfAborted()
    const question = text === undefined ? undefined : questionName(text)
    if (question === undefined) return { records: [], authentic: false, exists: false }
    const late = new MailError('unavailable', `no answer for ${type} of ${question} in ${deadlineMs} ms`)
    using deadline = deadlineSignal(deadlineMs, late, call?.signal)
    using _place = await gate.enter(deadline.signal)
    let [name, authentic, ttl, aliases] = [question, true, Number.POSITIVE_INFINITY, 0]
    for (;;) {
      const word = await askAround(name, type, deadline.signal)
      const found = readReply(word.reply, name, type, MAX_ALIASES - aliases, read)
      authentic &&= word.authentic
      ttl = Math.min(ttl, found.ttl ?? Number.POSITIVE_INFINITY)
      if (found.next === undefined) {
        const known = ttl === Number.POSITIVE_INFINITY ? {} : { ttl }
        return { records: found.records, authentic, ...(found.exists ? {} : { exists: false as const }), ...known }
      }
      name = found.next
      aliases += found.aliases
    }
  }

  return {
    a: (name, call) => answer(name, 'A', call, ipv4Address),
    aaaa: (name, call) => answer(name, 'AAAA', call, ipv6Address),
    mx: (name, call) => answer(name, 'MX', call, mailExchanger),
    txt: (name, call) => answer(name, 'TXT', call, joinedText),
    ptr: (address, call) => answer(reverseName(address), 'PTR', call, hostName),
    cname: (name, call) => answer(name, 'CNAME', call, hostName),
    tlsa: (name, call) => answer(name, 'TLSA', call, association),
    srv: (name, call) => answer(name, 'SRV', call, service),
  }
}

/** The server answered, and will not answer otherwise a moment later. */
class Refusal extends Error {
  override readonly name: string = 'Refusal'
}

/** What servers answer that stumble over EDNS. RFC 6891 §6.1.3, §7. */
const CONFUSED: ReadonlySet<number> = new Set([RCODES.formatError, RCODES.notImplemented, RCODES.badVersion])

const RCODE_TEXTS: ReadonlyMap<number, string> = new Map([
  [RCODES.formatError, 'FORMERR'],
  [RCODES.serverFailure, 'SERVFAIL: it could not find out, or the signatures are wrong'],
  [RCODES.notImplemented, 'NOTIMP'],
  [RCODES.refused, 'REFUSED: it does not serve us'],
])

/** Fires at the caller's wish, or when the time is up; both with their reason. */
function deadlineSignal(ms: number, late: Error, caller: AbortSignal | undefined): Disposable & { readonly signal: AbortSignal } {
  const controller = new AbortController()
  const timer = setTimeout(() => controller.abort(late), ms)
  const onAbort = (): void => controller.abort(caller?.reason)
  caller?.addEventListener('abort', onAbort, { once: true })
  return {
    signal: controller.signal,
    [Symbol.dispose]() {
      clearTimeout(timer)
      caller?.removeEventListener('abort', onAbort)
    },
  }
}

/** Lets so many in at a time. */
class Gate {
  #free: number
  readonly #waiting = new Set<() => void>()

  constructor(places: number) {
    this.#free = places
  }

  async enter(signal: AbortSignal): Promise<Disposable> {
    signal.throwIfAborted()
    if (this.#free > 0) this.#free--
    else {
      const { promise, resolve, reject } = Promise.withResolvers<void>()
      this.#waiting.add(resolve)
      const onAbort = (): void => {
        if (this.#waiting.delete(resolve)) reject(signal.reason)
      }
      signal.addEventListener('abort', onAbort, { once: true })
      try {
        await promise
      } finally {
        signal.removeEventListener('abort', onAbort)
      }
    }
    return { [Symbol.dispose]: () => this.#leave() }
  }

  #leave(): void {
    const [next] = this.#waiting
    if (next === undefined) {
      this.#free++
      return
    }
    this.#waiting.delete(next)
    next()
  }
}
