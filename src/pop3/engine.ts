/** The POP3 engine: a host and options in, sessions out. RFC 1939. */

import type { Engine, Host } from '../contracts/host.ts'
import { Bandwidths, MeteredTransport } from '../engine/bandwidth.ts'
import { sessionEngine } from '../engine/session-engine.ts'
import { settingsOf } from './options.ts'
import type { Pop3Options } from './options.ts'
import { Session } from './session.ts'

/**
 * An engine that speaks POP3.
 *
 * @example
 * ```ts
 * import { pop3Engine } from 'mailwright/pop3'
 * import type { Host } from 'mailwright/contracts'
 *
 * declare const host: Host
 *
 * const engine = pop3Engine(host, { autologout: 15 * 60_000 })
 * ```
 */
export function pop3Engine(host: Host, options: Pop3Options = {}): Engine {
  const settings = settingsOf(options)
  const bandwidths = new Bandwidths(host.clock, settings.bandwidth)
  return sessionEngine(
    'pop3',
    (transport, connection) => new Session(host, settings, new MeteredTransport(transport, bandwidths), connection),
  )
}
