/** UIDL: names of messages that stay the same over sessions. RFC 1939 §7. */

import { command } from '../command.ts'
import type { Command } from '../command.ts'
import { list } from '../listing.ts'
import { refusedNumber } from '../message.ts'
import { positive, replies } from '../replies.ts'
import { TRANSACTION } from '../state.ts'

/** UIDL. */
export const uidl: Command = command({
  name: 'UIDL',
  rfc: 'RFC 1939 §7',
  states: TRANSACTION,
  parse(p) {
    const number = p.optionalMessageNumber()
    p.end()
    return number
  },
  run(context, number) {
    const { maildrop } = context
    if (maildrop === undefined) return replies.logInFirst
    // UIDVALIDITY and UID together are never used again, and at most 21 of the 70 octets that a unique-id may have.
    const prefix = `${maildrop.uidValidity}.`
    if (number !== undefined) return refusedNumber(maildrop, number) ?? positive(`${number} ${prefix}${maildrop.uid(number)}`)
    return list(context, maildrop, 'Unique ids follow', (line, each) => line.latin1(prefix).number(maildrop.uid(each)))
  },
})
