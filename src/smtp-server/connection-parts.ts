/** What a connection of the bridge is made of. */

import type { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import type { Host, LiveConnection } from '../contracts/index.ts'
import type { SmtpSettings } from './options.ts'

/** Begins TLS as the server on a socket of ours; rejects, with the socket destroyed, when the handshake fails. */
export type StartTls = (socket: Socket) => Promise<TLSSocket>

/** What a connection is made of. */
export interface ConnectionParts {
  readonly host: Host
  readonly settings: SmtpSettings
  readonly live: LiveConnection
  readonly startTls: StartTls | undefined
  readonly isShuttingDown: () => boolean
  /** Called once, when the connection is over. */
  readonly onOver: () => void
}
