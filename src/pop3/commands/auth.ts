/** AUTH: login by a SASL mechanism. RFC 5034 §4; RFC 1734 §2. */

import { SaslDialogue } from '../../sasl/dialogue.ts'
import { findMechanism, offeredMechanisms } from '../../sasl/mechanisms.ts'
import { Disconnected } from '../../engine/sliced-work.ts'
import { command } from '../command.ts'
import type { Command } from '../command.ts'
import type { Context } from '../context.ts'
import { COMMAND_LINE, RESPONSE_LINE } from '../limits.ts'
import { logIn } from '../login.ts'
import { negative, replies } from '../replies.ts'
import { AUTHORIZATION } from '../state.ts'

/** AUTH. */
export const auth: Command = command({
  name: 'AUTH',
  rfc: 'RFC 5034 §4',
  states: AUTHORIZATION,
  parse(p) {
    const name = p.param('a mechanism')
    const initialResponse = p.optionalParam('an initial response')
    p.end()
    return { name, initialResponse }
  },
  async run(context, { name, initialResponse }) {
    const mechanism = findMechanism(name)
    if (mechanism === undefined) return negative('That mechanism is not known here')
    const offered = offeredMechanisms({ scope: 'pop3', secretsAllowed: context.secretsAllowed })
    if (!offered.includes(mechanism)) return replies.beginTls
    const dialogue = new SaslDialogue(mechanism)
    for (let turn = dialogue.start(initialResponse); ;) {
      if (turn.kind === 'credentials') return logIn(context, mechanism.name, turn.credentials)
      if (turn.kind === 'cancelled') return replies.loginCancelled
      if (turn.kind === 'fault') return replies.badSasl
      context.out.text.latin1(`+ ${turn.text}\r\n`)
      const line = await answer(context)
      if (line === undefined) return replies.badSasl
      turn = dialogue.respond(line)
    }
  },
})

/** The client's next line; `undefined` for one that is none. */
async function answer(context: Context): Promise<Uint8Array | undefined> {
  const { framer } = context
  framer.line({ maxLength: RESPONSE_LINE })
  try {
    for (;;) {
      const frame = framer.next()
      if (frame?.kind === 'line') return frame.bytes
      if (frame !== undefined) return undefined
      if ((await context.more()) !== 'more') throw new Disconnected()
    }
  } finally {
    framer.line({ maxLength: COMMAND_LINE })
  }
}
