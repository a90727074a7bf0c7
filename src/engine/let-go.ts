/** The end of a message in the spool. */

import type { ConnectionFacts } from '../contracts/middleware.ts'
import type { Host } from '../contracts/host.ts'
import type { SpooledMessage } from '../contracts/spool.ts'

/** Lets go of a message. What became of it is decided: a spool that fails now is told to the operator, and changes no reply. */
export function letGo(message: SpooledMessage, host: Pick<Host, 'report'>, connection: ConnectionFacts): void {
  try {
    message.dispose()
  } catch (error) {
    host.report(error, 'spool', connection)
  }
}
