/** The IMAP engine: a host and options in, sessions out. RFC 9051; RFC 3501. */

import type { Engine, Host } from '../contracts/host.ts'
import { Bandwidths, MeteredTransport } from '../engine/bandwidth.ts'
import { sessionEngine } from '../engine/session-engine.ts'
import { settingsOf, type ImapOptions } from './options.ts'
import { Session } from './session.ts'
import { AccountHubs } from './view/account-hub.ts'
import type { House } from './context.ts'

/**
 * An engine that speaks IMAP4rev1 and, where the client enables it, IMAP4rev2.
 *
 * @example
 * ```ts
 * import { imapEngine } from 'mailwright/imap'
 * import type { Host } from 'mailwright/contracts'
 *
 * declare const host: Host
 *
 * const engine = imapEngine(host, { autologout: 30 * 60_000 })
 * ```
 */
export function imapEngine(host: Host, options: ImapOptions = {}): Engine {
  const settings = settingsOf(options)
  const bandwidths = new Bandwidths(host.clock, settings.bandwidth)
  const house: House = { host, settings, hubs: new AccountHubs(host) }
  return sessionEngine('imap', (transport, connection) => new Session(house, new MeteredTransport(transport, bandwidths), connection))
}
