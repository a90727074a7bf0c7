/** The IMAP engine: a host and options in, sessions out. RFC 9051; RFC 3501. */

import type { Engine, Host } from '../contracts/host.ts'
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
  const house: House = { host, settings: settingsOf(options), hubs: new AccountHubs(host) }
  const sessions = new Set<Session>()
  let isDown = false
  return {
    protocol: 'imap',
    serve(transport, connection) {
      const session = new Session(house, transport, connection)
      if (isDown) session.stop()
      sessions.add(session)
      return session.serve(() => sessions.delete(session))
    },
    shutdown() {
      isDown = true
      for (const session of sessions) session.stop()
    },
  }
}
