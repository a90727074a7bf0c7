/** SMTP, submission and LMTP for our own server: sockets in, the package's connection with our policy around it. RFC 5321; RFC 6409; RFC 2033. */

import type { Socket } from 'node:net'
import { SMTPServer } from 'smtp-server'
import type { Host, LiveConnection } from '../contracts/index.ts'
import { BridgeConnection } from './connection.ts'
import type { StartTls } from './connection-parts.ts'
import { settingsOf } from './options.ts'
import type { SmtpFlavour, SmtpOptions } from './options.ts'

/** An engine that is given accepted sockets. */
export interface SmtpEngine {
  readonly protocol: SmtpFlavour
  /**
   * Serves one connection from greeting to end; resolves when it is over and never rejects. The socket was accepted, any
   * PROXY header taken off, and TLS begun where the listener has it (`connection.tls` says so). `startTls` makes STARTTLS
   * possible: it begins TLS on the socket as the server, and rejects with the socket destroyed when that fails.
   */
  connect(socket: Socket, connection: LiveConnection, startTls?: StartTls): Promise<void>
  /** Asks the sessions to end: a running command is finished first, idle ones are told goodbye at once. */
  shutdown(): void
}

/**
 * Makes an engine of one flavour on a host.
 *
 * @example
 * ```ts
 * import type { Socket } from 'node:net'
 * import { smtpEngine } from 'mailwright/smtp-server'
 * import type { Host, LiveConnection } from 'mailwright/contracts'
 *
 * async function serveOne(host: Host, socket: Socket, connection: LiveConnection) {
 *   const engine = smtpEngine(host, { flavour: 'smtp', maxSize: 10 * 1024 * 1024 })
 *   await engine.connect(socket, connection)
 * }
 * ```
 */
export function smtpEngine(host: Host, options: SmtpOptions): SmtpEngine {
  const settings = settingsOf(options)
  const sessions = new Set<BridgeConnection>()
  let isShuttingDown = false
  // Never listens: it stands for what the package's connections ask of their server.
  const server = new SMTPServer({
    name: host.hostname,
    lmtp: settings.flavour === 'lmtp',
    logger: false,
    hideSTARTTLS: true,
    disableReverseLookup: true,
    hideENHANCEDSTATUSCODES: false,
    disabledCommands: ['XCLIENT', 'XFORWARD', 'WIZ', 'SHELL', 'KILL'],
  })
  return {
    protocol: settings.flavour,
    connect(socket, live, startTls) {
      return new Promise(resolve => {
        const session = new BridgeConnection(server, socket, {
          host,
          settings,
          live,
          startTls,
          isShuttingDown: () => isShuttingDown,
          onOver() {
            sessions.delete(session)
            resolve()
          },
        })
        sessions.add(session)
        session.init()
        if (socket.destroyed) session._onClose()
      })
    },
    shutdown() {
      isShuttingDown = true
      for (const session of sessions) session.shutdown()
    },
  }
}
