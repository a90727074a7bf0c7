/** STATUS: the counts of a mailbox without selecting it. RFC 9051 §6.3.11. */

import { codes, ok } from '../codes.ts'
import { command, type Command } from '../command.ts'
import { AUTHENTICATED } from '../state.ts'
import { statusItems, tellStatus } from '../status.ts'

/** STATUS. RFC 9051 §6.3.11. */
export const status: Command = command({
  name: 'STATUS',
  rfc: 'RFC 9051 §6.3.11',
  states: AUTHENTICATED,
  parse(p) {
    p.sp()
    const name = p.mailbox()
    p.sp()
    return { name, items: statusItems(p) }
  },
  async run(context, { name, items }) {
    const info = await context.find(name)
    if (info === undefined) return codes.noSuchMailbox
    await tellStatus(context, info, items)
    return ok('Told')
  },
})
