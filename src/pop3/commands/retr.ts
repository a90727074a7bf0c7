/** RETR: a message, whole. RFC 1939 §5. */

import { command } from '../command.ts'
import type { Command } from '../command.ts'
import { messageOf, sendMessage } from '../message.ts'
import { replies } from '../replies.ts'
import { TRANSACTION } from '../state.ts'

/** RETR. */
export const retr: Command = command({
  name: 'RETR',
  rfc: 'RFC 1939 §5',
  states: TRANSACTION,
  parse(p) {
    const number = p.messageNumber()
    p.end()
    return number
  },
  async run(context, number) {
    if (context.maildrop === undefined) return replies.logInFirst
    const source = await messageOf(context, context.maildrop, number)
    return 'ok' in source ? source : sendMessage(context, source, `${source.size} octets`)
  },
})
