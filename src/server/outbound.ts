/** The way out of a server: what it is made of when the host says little. RFC 5321 §3.6, §5.1; RFC 8461 §3.3. */

import { ConfigurationError } from '../contracts/index.ts'
import type { Dialer, MailStore, Queue, Resolver } from '../contracts/index.ts'
import { cachingResolver, systemResolver } from '../dns/index.ts'
import { safeFetch, socketDialer } from '../net/index.ts'
import { outboundMail } from '../outbound/index.ts'
import type { OutboundMail, OutboundOptions, OutboundWorld } from '../outbound/index.ts'

/** How mail leaves a server; what is left out is made by the server. */
export interface ServerOutboundOptions extends Omit<OutboundOptions, 'queue' | 'resolver' | 'dialer'> {
  /** Default: the store's own. */
  readonly queue?: Queue
  /** Default: the system's, behind a cache. It vouches for nothing, so that DANE has no say: see `stubResolver` of `mailwright/dns`. */
  readonly resolver?: Resolver
  /** Default: sockets of this machine. */
  readonly dialer?: Dialer
}

/** Puts the way out together. Throws `MW_QUEUE_MISSING` when neither the options nor the store have a queue. */
export function serverOutbound(
  options: ServerOutboundOptions,
  store: Pick<MailStore, 'queue' | 'suppressions'>,
  world: OutboundWorld,
): OutboundMail {
  const queue = options.queue ?? store.queue
  if (queue === undefined)
    throw new ConfigurationError(
      'MW_QUEUE_MISSING',
      'the store keeps no queue: give one as `outbound.queue`, such as memoryQueue() of mailwright/outbound, or take a store that keeps one',
    )
  const resolver = options.resolver ?? cachingResolver(systemResolver())
  // Who lets mail into private networks reads policies there too.
  const anywhere = options.allowPrivateNetworks === true ? { mayConnect: () => true } : {}
  const fetch = safeFetch({ resolver, ...anywhere })
  const tls = { fetch, ...options.tls }
  const reports = options.tlsReports === undefined ? {} : { tlsReports: { post: fetch, ...options.tlsReports } }
  const suppressions = options.suppressions ?? store.suppressions
  return outboundMail(
    {
      ...options,
      ...reports,
      ...(suppressions === undefined ? {} : { suppressions }),
      queue,
      resolver,
      tls,
      dialer: options.dialer ?? socketDialer(),
    },
    world,
  )
}
