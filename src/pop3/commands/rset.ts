/** RSET: takes every mark of deletion away. RFC 1939 §5. */

import { command, noArguments } from '../command.ts'
import type { Command } from '../command.ts'
import { messages } from '../login.ts'
import { positive, replies } from '../replies.ts'
import { TRANSACTION } from '../state.ts'

/** RSET. */
export const rset: Command = command({
  name: 'RSET',
  rfc: 'RFC 1939 §5',
  states: TRANSACTION,
  parse: noArguments,
  run({ maildrop }) {
    if (maildrop === undefined) return replies.logInFirst
    maildrop.reset()
    return positive(`The maildrop has ${messages(maildrop.count)} (${maildrop.octets} octets)`)
  },
})
