/** CAPA: what this server can do, here and now. RFC 2449 §5, §6. */

import { offeredMechanisms } from '../../sasl/mechanisms.ts'
import { command, noArguments } from '../command.ts'
import type { Command } from '../command.ts'
import type { Context } from '../context.ts'
import { positive } from '../replies.ts'
import { BOTH_STATES } from '../state.ts'

/** CAPA. */
export const capa: Command = command({
  name: 'CAPA',
  rfc: 'RFC 2449 §5',
  states: BOTH_STATES,
  parse: noArguments,
  run(context) {
    context.out.reply(positive('This server can'))
    for (const line of capabilities(context)) context.out.text.latin1(line).latin1('\r\n')
    context.out.text.latin1('.\r\n')
    return undefined
  },
})

function capabilities(context: Context): string[] {
  const { transport, settings, secretsAllowed, maildrop, utf8 } = context
  const mechanisms = offeredMechanisms({ scope: 'pop3', secretsAllowed }).map(mechanism => mechanism.name)
  return [
    'TOP',
    'UIDL',
    'RESP-CODES',
    // RFC 3206 §6: login failures say whether the credentials or the system is at fault.
    'AUTH-RESP-CODE',
    'PIPELINING',
    // RFC 2449 §6.7: nothing is deleted but by its owner.
    'EXPIRE NEVER',
    'UTF8 USER',
    ...(secretsAllowed ? ['USER'] : []),
    ...(mechanisms.length > 0 ? [`SASL ${mechanisms.join(' ')}`] : []),
    // RFC 2595 §4: "present and permitted in the current state".
    ...(transport.canStartTls && maildrop === undefined && !utf8 ? ['STLS'] : []),
    `IMPLEMENTATION ${settings.implementation}`,
  ]
}
