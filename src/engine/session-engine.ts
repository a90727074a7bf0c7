/** An engine made of sessions: it counts those that are open, and ends them when the server goes down. RFC 9051 §7.1.5; RFC 1939 §3. */

import type { Engine, LiveConnection } from '../contracts/host.ts'
import type { Transport } from '../contracts/transport.ts'

/** One connection, from greeting to end. */
export interface Session {
  /** Serves the connection, then calls `ended`. Never rejects. */
  serve(ended: () => void): Promise<void>
  /** Ends the session: at once when it waits for its client, after the running command otherwise. */
  stop(): void
}

/** An engine that opens a session for each connection. */
export function sessionEngine(protocol: Engine['protocol'], open: (transport: Transport, connection: LiveConnection) => Session): Engine {
  const sessions = new Set<Session>()
  let isDown = false
  return {
    protocol,
    serve(transport, connection) {
      const session = open(transport, connection)
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
