/** UNSELECT: leave the mailbox, expunge nothing. RFC 9051 §6.4.2; RFC 3691. */

import { ok } from '../codes.ts'
import { command, noArguments, type Command } from '../command.ts'
import { SELECTED } from '../state.ts'

/** UNSELECT. RFC 9051 §6.4.2. */
export const unselect: Command = command({
  name: 'UNSELECT',
  rfc: 'RFC 9051 §6.4.2',
  states: SELECTED,
  parse: noArguments,
  run(context) {
    context.deselect()
    return ok('Unselected')
  },
})
