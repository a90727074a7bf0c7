/** TOP: the header, and so many lines of the body. RFC 1939 §7. */

import { command } from '../command.ts'
import type { Command } from '../command.ts'
import { messageOf, sendMessage } from '../message.ts'
import { replies } from '../replies.ts'
import { TRANSACTION } from '../state.ts'
import { TopLines } from '../wire/top-lines.ts'

/** TOP. */
export const top: Command = command({
  name: 'TOP',
  rfc: 'RFC 1939 §7',
  states: TRANSACTION,
  parse(p) {
    const number = p.messageNumber()
    const lines = p.lineCount()
    p.end()
    return { number, lines }
  },
  async run(context, { number, lines }) {
    if (context.maildrop === undefined) return replies.logInFirst
    const source = await messageOf(context, context.maildrop, number)
    return 'ok' in source ? source : sendMessage(context, source, 'Top of the message follows', new TopLines(lines))
  },
})
