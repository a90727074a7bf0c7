/** LIST: sizes, of one message or of all. RFC 1939 §5. */

import { command } from '../command.ts'
import type { Command } from '../command.ts'
import { list as listAll } from '../listing.ts'
import { messages } from '../login.ts'
import { refusedNumber } from '../message.ts'
import { positive, replies } from '../replies.ts'
import { TRANSACTION } from '../state.ts'

/** LIST. */
export const list: Command = command({
  name: 'LIST',
  rfc: 'RFC 1939 §5',
  states: TRANSACTION,
  parse(p) {
    const number = p.optionalMessageNumber()
    p.end()
    return number
  },
  run(context, number) {
    const { maildrop } = context
    if (maildrop === undefined) return replies.logInFirst
    if (number !== undefined) return refusedNumber(maildrop, number) ?? positive(`${number} ${maildrop.size(number)}`)
    const text = `${messages(maildrop.remaining)} (${maildrop.octets} octets)`
    return listAll(context, maildrop, text, (line, each) => line.number(maildrop.size(each)))
  },
})
