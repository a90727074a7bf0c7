/** Our IMAP engine over a store in memory, without a socket. */

import { makeWorld } from '../../imap/world.ts'
import type { World } from '../../imap/world.ts'
import { rawClient } from '../../pop3/raw.ts'
import type { Session } from './dovecot.ts'

/** A mail account of ours. */
export class Ours {
  readonly world: World

  private constructor(world: World) {
    this.world = world
  }

  static async make(): Promise<Ours> {
    return new Ours(await makeWorld({}))
  }

  async open(): Promise<Session> {
    const { engine } = this.world
    const client = await rawClient({
      ...engine,
      serve: (transport, connection) => engine.serve(transport, { ...connection, protocol: 'imap' }),
    })
    const session: Session = {
      async say(tag, command) {
        const parts = [await client.say(Buffer.from(`${tag} ${command}\r\n`, 'latin1'))]
        // APPEND is answered when the message is durable, and the engine reads on before.
        while (!isComplete(parts, tag)) parts.push(await client.more())
        return Buffer.concat(parts).toString('latin1')
      },
      end: () => client.peer.end(),
    }
    await session.say('login', 'LOGIN ann secret')
    return session
  }
}

function isComplete(parts: readonly Uint8Array[], tag: string): boolean {
  return new RegExp(`^${tag} (?:OK|NO|BAD)[^\\n]*\\n`, 'm').test(Buffer.concat(parts).toString('latin1'))
}
