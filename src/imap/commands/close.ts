/** CLOSE: expunge in silence, then leave the mailbox. RFC 9051 §6.4.1. */

import { ALL_UIDS } from '../../contracts/numbers.ts'
import { ok } from '../codes.ts'
import { command, noArguments, type Command } from '../command.ts'
import { SELECTED } from '../state.ts'

/** CLOSE. RFC 9051 §6.4.1. */
export const close: Command = command({
  name: 'CLOSE',
  rfc: 'RFC 9051 §6.4.1',
  states: SELECTED,
  parse: noArguments,
  async run(context) {
    const { view } = context
    if (!view.isReadOnly) await view.mailbox.expunge(ALL_UIDS, { having: '\\Deleted' })
    context.deselect()
    return ok('Closed')
  },
})
