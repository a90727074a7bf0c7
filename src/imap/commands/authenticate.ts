/** AUTHENTICATE: a SASL exchange, with or without an initial response. RFC 9051 §6.2.2; RFC 4959 §3. */

import { latin1Bytes } from '../../bytes/ascii.ts'
import { SaslDialogue, type SaslTurn } from '../../sasl/dialogue.ts'
import { findMechanism, offeredMechanisms } from '../../sasl/mechanisms.ts'
import { Disconnected } from '../../engine/sliced-work.ts'
import { bad, codes, no, type Completion } from '../codes.ts'
import { command, type Command } from '../command.ts'
import type { Context } from '../context.ts'
import { logIn } from '../login.ts'
import { NOT_AUTHENTICATED } from '../state.ts'

const BASE64 = latin1Bytes('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=')
const base64Set: Uint8Array = new Uint8Array(256)
for (const octet of BASE64) base64Set[octet] = 1

/** AUTHENTICATE. RFC 9051 §6.2.2. */
export const authenticate: Command = command({
  name: 'AUTHENTICATE',
  rfc: 'RFC 9051 §6.2.2',
  states: NOT_AUTHENTICATED,
  parse(p) {
    p.sp()
    const mechanism = p.keyword()
    const initial = p.skip(0x20) ? p.takeWhile(base64Set) : undefined
    return { mechanism, initial }
  },
  async run(context, { mechanism, initial }) {
    const found = findMechanism(mechanism)
    if (found === undefined || !found.scopes.includes('imap')) return no('CANNOT', 'There is no such mechanism here')
    if (!offeredMechanisms({ scope: 'imap', secretsAllowed: context.isPrivate }).includes(found)) return codes.privacyRequired
    const dialogue = new SaslDialogue(found)
    let turn = dialogue.start(initial)
    while (turn.kind === 'challenge') {
      context.out.text(`+ ${turn.text}\r\n`)
      turn = await respond(context, dialogue)
    }
    return conclude(context, found.name, turn)
  },
})

async function respond(context: Context, dialogue: SaslDialogue): Promise<SaslTurn> {
  const line = await context.input.line(context.house.settings.loginTimeout)
  if (line === 'end') throw new Disconnected()
  if (line === 'timeout') return { kind: 'cancelled' }
  return line === undefined ? { kind: 'fault', fault: 'malformed' } : dialogue.respond(line)
}

function conclude(context: Context, mechanism: string, turn: Exclude<SaslTurn, { kind: 'challenge' }>): Completion | Promise<Completion> {
  switch (turn.kind) {
    case 'cancelled':
      return bad('Cancelled')
    case 'fault':
      context.failedLogins++
      return bad('That is no answer to the challenge')
    case 'credentials':
      return logIn(context, mechanism, turn.credentials)
  }
}
