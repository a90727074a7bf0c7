/** Finds the servers that mail for a domain goes to: by static routes, by a smarthost, or by DNS. RFC 5321 §5; RFC 7505 §4; RFC 3463 §3.2, §3.5. */

import { canonicalIpAddress, isPublicAddress, parseIpAddress } from '../../bytes/ip-address.ts'
import { ConfigurationError, MailError } from '../../contracts/index.ts'
import type { CallOptions, DeliveryStatus, EnhancedCode } from '../../contracts/index.ts'
import { addressesOf, literalAddress } from './addresses.ts'
import { beforeUs, dice, exchangersOf } from './exchangers.ts'
import type { Exchanger } from './exchangers.ts'
import type { Hop, NextServer, Route, Router, RouteRequest, RouterOptions, SourceIdentity, StaticRoute } from './options.ts'

/** Servers and addresses of a route that are tried at most. RFC 5321 §5.1 allows a limit and wants two at least. */
const HOPS = 20

/**
 * Makes a router. Throws `ConfigurationError` (`MW_ROUTE_INVALID`) for a route without servers, and for two routes of one domain.
 *
 * @example
 * ```ts
 * import { router } from 'mailwright/outbound'
 * import { systemResolver } from 'mailwright/dns'
 * import { systemRandom } from 'mailwright/net'
 *
 * const ways = router({
 *   resolver: systemResolver(),
 *   random: systemRandom,
 *   ehloName: 'mx.example.org',
 *   now: () => Date.now(),
 *   routes: [{ domain: 'intern.example.org', to: { host: '10.0.0.5', flavour: 'lmtp' } }],
 * })
 * const route = await ways.route('example.net')
 * ```
 */
export function router(options: RouterOptions): Router {
  return new DomainRouter(options)
}

interface Candidate {
  readonly host: string
  readonly preference: number
  readonly address: string
  readonly addressAuthentic: boolean
}

class DomainRouter implements Router {
  readonly #options: RouterOptions
  readonly #routes: ReadonlyMap<string, StaticRoute>
  readonly #ourNames: ReadonlySet<string>
  readonly #ourAddresses: ReadonlySet<string>

  constructor(options: RouterOptions) {
    this.#options = options
    const routes = new Map<string, StaticRoute>()
    for (const route of options.routes ?? []) {
      const domain = route.domain.toLowerCase()
      if (routes.has(domain)) throw new ConfigurationError('MW_ROUTE_INVALID', `two routes for ${domain}`)
      if (route.to !== 'mx' && listOf(route.to).length === 0)
        throw new ConfigurationError('MW_ROUTE_INVALID', `the route for ${domain} names no server`)
      routes.set(domain, route)
    }
    this.#routes = routes
    this.#ourNames = new Set((options.ourNames ?? [options.ehloName]).map(name => name.toLowerCase()))
    this.#ourAddresses = new Set((options.ourAddresses ?? []).map(address => canonicalIpAddress(address) ?? address))
  }

  async route(domain: string, request: RouteRequest = {}): Promise<Route> {
    const route = this.#staticRoute(domain)
    try {
      if (route !== undefined && route.to !== 'mx') return await this.#named('route', domain, listOf(route.to), request)
      const { smarthost } = this.#options
      if (smarthost !== undefined && route === undefined) return await this.#named('smarthost', domain, listOf(smarthost), request)
      return domain.startsWith('[') ? this.#literal(domain, request) : await this.#byDns(domain, request)
    } catch (error) {
      request.signal?.throwIfAborted()
      if (!(error instanceof MailError)) throw error
      return this.#deferred('4.4.3', error.message)
    }
  }

  /** The domain itself, then what it lies below, then everything. */
  #staticRoute(domain: string): StaticRoute | undefined {
    const name = domain.toLowerCase()
    const exact = this.#routes.get(name)
    if (exact !== undefined) return exact
    for (let dot = name.indexOf('.'); dot >= 0; dot = name.indexOf('.', dot + 1)) {
      const above = this.#routes.get(name.slice(dot))
      if (above !== undefined) return above
    }
    return this.#routes.get('*')
  }

  async #byDns(domain: string, request: RouteRequest): Promise<Route> {
    const { resolver, random } = this.#options
    const call = request.signal === undefined ? {} : { signal: request.signal }
    const found = await exchangersOf(domain, resolver, random, call)
    if (found.kind === 'no-domain') return this.#failed('5.1.2', `there is no domain ${domain}`)
    // RFC 7505 §4.1: the message fails at once.
    if (found.kind === 'null') return this.#failed('5.1.10', `${domain} does not take mail (null MX)`)
    const hosts = beforeUs(found.hosts, host => this.#ourNames.has(host.host.toLowerCase()))
    if (hosts.length === 0) return this.#failed('5.4.6', `mail for ${domain} leads back to us`)
    const { candidates, failure } = await this.#candidates(hosts, call)
    const ahead = beforeUs(candidates, candidate => this.#ourAddresses.has(canonicalIpAddress(candidate.address) ?? candidate.address))
    if (ahead.length === 0 && candidates.length > 0) return this.#failed('5.4.6', `mail for ${domain} leads back to us`)
    const allowed = ahead.filter(candidate => this.#mayReach(candidate.address))
    const hops = this.#hops(request, allowed.slice(0, HOPS), candidate => ({
      kind: found.implicit ? 'implicit-mx' : 'mx',
      domain,
      host: candidate.host,
      port: this.#options.port ?? 25,
      flavour: 'smtp',
      preference: candidate.preference,
      mxAuthentic: found.authentic,
    }))
    if (hops !== undefined) return { kind: 'hops', hops }
    if (failure !== undefined) throw failure
    const [forbidden] = ahead
    if (forbidden !== undefined) return this.#failed('5.4.4', `${forbidden.host} lies at ${forbidden.address}, which is no public address`)
    if (found.implicit) return this.#failed('5.1.2', `${domain} has no mail server`)
    return this.#failed('5.4.4', `none of the mail servers of ${domain} has an address`)
  }

  #literal(domain: string, request: RouteRequest): Route {
    const address = literalAddress(domain)
    if (address === undefined) return this.#failed('5.1.2', `${domain} is no address`)
    if (this.#ourAddresses.has(canonicalIpAddress(address) ?? address)) return this.#failed('5.4.6', `mail for ${domain} leads back to us`)
    if (!this.#mayReach(address)) return this.#failed('5.4.4', `${domain} is no public address`)
    const hops = this.#hops(request, [{ host: domain, preference: 0, address, addressAuthentic: false }], () => ({
      kind: 'literal',
      domain,
      host: domain,
      port: this.#options.port ?? 25,
      flavour: 'smtp',
      preference: 0,
      mxAuthentic: true,
    }))
    return hops === undefined ? this.#deferred('4.4.4', `no local address can reach ${domain}`) : { kind: 'hops', hops }
  }

  /** Servers that the host named itself: their addresses are its own affair. */
  async #named(kind: 'route' | 'smarthost', domain: string, servers: readonly NextServer[], request: RouteRequest): Promise<Route> {
    const call = request.signal === undefined ? {} : { signal: request.signal }
    const hops: Hop[] = []
    let failure: Error | undefined
    for (const [preference, server] of servers.entries()) {
      const found = await this.#candidates([{ host: server.host, preference }], call, true)
      failure ??= found.failure
      const { port = server.flavour === 'lmtp' ? 24 : server.implicitTls === true ? 465 : 25, flavour = 'smtp' } = server
      const made = this.#hops(request, found.candidates, () => ({
        kind,
        domain,
        host: server.host,
        port,
        flavour,
        preference,
        mxAuthentic: true,
        tls: server.tls ?? (flavour === 'lmtp' ? 'none' : server.credentials === undefined ? 'opportunistic' : 'verified'),
        ...(server.implicitTls === undefined ? {} : { implicitTls: server.implicitTls }),
        ...(server.ca === undefined ? {} : { ca: server.ca }),
        ...(server.credentials === undefined ? {} : { credentials: server.credentials }),
      }))
      hops.push(...(made ?? []))
    }
    const [first, ...others] = hops.slice(0, HOPS)
    if (first !== undefined) return { kind: 'hops', hops: [first, ...others] }
    // What the host set wrong, the host sets right: mail waits meanwhile.
    if (failure !== undefined) throw failure
    return this.#deferred('4.4.4', `${servers.map(server => server.host).join(', ')}: no address`)
  }

  /** Every address of every host, by preference. Only hosts that the host of this library `named` may be addresses themselves. */
  async #candidates(
    hosts: readonly Exchanger[],
    call: CallOptions,
    named: boolean = false,
  ): Promise<{ readonly candidates: Candidate[]; readonly failure?: Error }> {
    const { resolver, families = ['ipv6', 'ipv4'] } = this.#options
    const all = await Promise.all(
      hosts.map(async ({ host, preference }) => {
        if (named && parseIpAddress(host) !== undefined)
          return { addresses: [{ host, preference, address: host, addressAuthentic: true }], failure: undefined }
        const { addresses, failure } = await addressesOf(host, resolver, families, call)
        return {
          addresses: addresses.map(({ address, authentic }) => ({ host, preference, address, addressAuthentic: authentic })),
          failure,
        }
      }),
    )
    const failure = all.map(one => one.failure).find(one => one !== undefined)
    const candidates = all.flatMap(one => one.addresses)
    return failure === undefined ? { candidates } : { candidates, failure }
  }

  #mayReach(address: string): boolean {
    return this.#options.allowPrivateNetworks === true || isPublicAddress(address)
  }

  #hops(
    request: RouteRequest,
    candidates: readonly Candidate[],
    make: (candidate: Candidate) => Omit<Hop, 'address' | 'addressAuthentic' | 'ehloName' | 'localAddress'>,
  ): readonly [Hop, ...Hop[]] | undefined {
    const identities = this.#identities(request)
    const [first, ...others] = candidates.flatMap((candidate): Hop[] => {
      const identity = identities.find(one => one.address === undefined || isSix(one.address) === isSix(candidate.address))
      if (identity === undefined) return []
      const { address, addressAuthentic } = candidate
      return [
        {
          ...make(candidate),
          address,
          addressAuthentic,
          ehloName: identity.ehloName,
          ...(identity.address === undefined ? {} : { localAddress: identity.address }),
        },
      ]
    })
    return first === undefined ? undefined : [first, ...others]
  }

  /** The faces that this mail may have, in random order. */
  #identities(request: RouteRequest): readonly SourceIdentity[] {
    const { sources = [], ehloName, random } = this.#options
    const domain = request.from?.slice(request.from.lastIndexOf('@') + 1).toLowerCase()
    const rule = sources.find(
      one =>
        (one.senderDomain === undefined || one.senderDomain.toLowerCase() === domain) &&
        (one.account === undefined || one.account === request.account),
    )
    if (rule === undefined) return [{ ehloName }]
    return rule.identities
      .map(identity => ({ identity, dice: dice(random) }))
      .sort((a, b) => a.dice - b.dice)
      .map(({ identity }) => identity)
  }

  #failed(code: EnhancedCode, text: string): Route {
    return { kind: 'failed', status: this.#status(code, text) }
  }

  #deferred(code: EnhancedCode, text: string): Route {
    return { kind: 'deferred', status: this.#status(code, text) }
  }

  #status(code: EnhancedCode, text: string): DeliveryStatus {
    return { at: this.#options.now(), code, text }
  }
}

function listOf(servers: NextServer | readonly NextServer[]): readonly NextServer[] {
  return 'host' in servers ? [servers] : servers
}

function isSix(address: string): boolean {
  return address.includes(':')
}
