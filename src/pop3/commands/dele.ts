/** DELE: marks a message; it is removed by QUIT and by nothing else. RFC 1939 §5. */

import { command } from '../command.ts'
import type { Command } from '../command.ts'
import { refusedNumber } from '../message.ts'
import { positive, replies } from '../replies.ts'
import { TRANSACTION } from '../state.ts'

/** DELE. */
export const dele: Command = command({
  name: 'DELE',
  rfc: 'RFC 1939 §5',
  states: TRANSACTION,
  parse(p) {
    const number = p.messageNumber()
    p.end()
    return number
  },
  run({ maildrop }, number) {
    if (maildrop === undefined) return replies.logInFirst
    const refused = refusedNumber(maildrop, number)
    if (refused !== undefined) return refused
    maildrop.delete(number)
    return positive(`Message ${number} is marked as deleted`)
  },
})
