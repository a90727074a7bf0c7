/** RENAME: a mailbox and its inferiors get another name; of the inbox only the messages move. RFC 9051 §6.3.6. */

import { ALL_UIDS } from '../../contracts/numbers.ts'
import { codes, no, ok } from '../codes.ts'
import { command, type Command } from '../command.ts'
import { moveMessages } from '../move.ts'
import { DELIMITER, nameFrom } from '../names.ts'
import { AUTHENTICATED } from '../state.ts'
import { createSuperiors } from './create.ts'

/** RENAME. RFC 9051 §6.3.6. */
export const rename: Command = command({
  name: 'RENAME',
  rfc: 'RFC 9051 §6.3.6',
  states: AUTHENTICATED,
  parse(p) {
    p.sp()
    const from = p.mailbox()
    p.sp()
    return { from, to: nameFrom(p.astring().replace(/\/$/, ''), p.form) ?? '' }
  },
  async run(context, { from, to }) {
    const { account } = context.mail
    const info = await context.find(from)
    if (info === undefined) return codes.noSuchMailbox
    if (to === '') return codes.badName
    if ((await context.find(to)) !== undefined) return codes.alreadyExists
    if (from !== 'INBOX' && to.startsWith(from + DELIMITER)) return no('CANNOT', 'A mailbox cannot become its own inferior')
    await createSuperiors(context, to)
    if (from !== 'INBOX') {
      await account.rename(info.id, to)
      return ok('Renamed')
    }
    // RFC 9051 §6.3.6: the inbox stays, empty, and its inferiors stay with it.
    const target = await account.create(to)
    await moveMessages(account.mailbox(info.id), ALL_UIDS, target.id)
    return ok('The messages of the inbox were moved')
  },
})
