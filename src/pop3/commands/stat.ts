/** STAT: the drop listing. RFC 1939 §5. */

import { command, noArguments } from '../command.ts'
import type { Command } from '../command.ts'
import { positive } from '../replies.ts'
import { TRANSACTION } from '../state.ts'

/** STAT. */
export const stat: Command = command({
  name: 'STAT',
  rfc: 'RFC 1939 §5',
  states: TRANSACTION,
  parse: noArguments,
  run({ maildrop }) {
    return positive(`${maildrop?.remaining ?? 0} ${maildrop?.octets ?? 0}`)
  },
})
