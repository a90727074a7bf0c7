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
      say: async (tag, command) => Buffer.from(await client.say(Buffer.from(`${tag} ${command}\r\n`, 'latin1'))).toString('latin1'),
      end: () => client.peer.end(),
    }
    await session.say('login', 'LOGIN ann secret')
    return session
  }
}
