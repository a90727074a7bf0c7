/** DELETE: a mailbox and its messages go; its inferiors stay. RFC 9051 §6.3.5. */

import { codes, no, ok } from '../codes.ts'
import { command, type Command } from '../command.ts'
import { AUTHENTICATED } from '../state.ts'

/** DELETE. RFC 9051 §6.3.5. */
export const remove: Command = command({
  name: 'DELETE',
  rfc: 'RFC 9051 §6.3.5',
  states: AUTHENTICATED,
  parse(p) {
    p.sp()
    return p.mailbox()
  },
  async run(context, name) {
    if (name === 'INBOX') return no('CANNOT', 'The inbox stays')
    const info = await context.find(name)
    if (info === undefined) return codes.noSuchMailbox
    await context.mail.account.remove(info.id)
    return ok('Deleted')
  },
})
