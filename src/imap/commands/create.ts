/** CREATE: a new mailbox, with its superiors and, where asked, a special use. RFC 9051 §6.3.4; RFC 6154 §3. */

import { MailError } from '../../contracts/mail-error.ts'
import type { SpecialUse } from '../../contracts/mailbox-info.ts'
import { codes, no, ok } from '../codes.ts'
import { command, type Command } from '../command.ts'
import type { Context } from '../context.ts'
import { MAILBOXES } from '../limits.ts'
import { DELIMITER, nameFrom } from '../names.ts'
import { AUTHENTICATED } from '../state.ts'
import type { Parser } from '../wire/parser.ts'

const USES: readonly SpecialUse[] = ['All', 'Archive', 'Drafts', 'Flagged', 'Junk', 'Sent', 'Trash', 'Important']

/** CREATE. RFC 9051 §6.3.4. */
export const create: Command = command({
  name: 'CREATE',
  rfc: 'RFC 9051 §6.3.4',
  states: AUTHENTICATED,
  parse(p) {
    p.sp()
    // RFC 9051 §6.3.4: a trailing delimiter only announces inferiors.
    const name = nameFrom(p.astring().replace(/\/$/, ''), p.form) ?? ''
    return { name, uses: p.skip(0x20) ? useParameters(p) : [] }
  },
  async run(context, { name, uses }) {
    if (name === '') return codes.badName
    const use = uses.length === 0 ? undefined : USES.find(known => known.toUpperCase() === uses[0])
    if (uses.length > 1 || (uses.length === 1 && use === undefined)) return no('USEATTR', 'A mailbox cannot be made with that use')
    const { hub, account } = context.mail
    const mailboxes = await hub.mailboxes()
    if (mailboxes.some(mailbox => mailbox.name === name)) return codes.alreadyExists
    if (use !== undefined && mailboxes.some(mailbox => mailbox.specialUse === use)) return no('USEATTR', 'Another mailbox has that use')
    if (mailboxes.length >= MAILBOXES) return no('LIMIT', 'There are too many mailboxes')
    await createSuperiors(context, name)
    await account.create(name, use === undefined ? {} : { specialUse: use })
    return ok('Created')
  },
})

function useParameters(p: Parser): string[] {
  const uses = p.list(() => {
    if (!p.skipWord('use')) p.fail('USE')
    p.sp()
    return p.list(() => p.flag().slice(1).toUpperCase(), { empty: true })
  })
  return uses.flat()
}

/** RFC 9051 §6.3.4: "the server SHOULD create any superior hierarchical names that are needed". */
export async function createSuperiors(context: Context, name: string): Promise<void> {
  const { hub, account } = context.mail
  const levels = name.split(DELIMITER)
  for (let depth = 1; depth < levels.length; depth++) {
    const superior = levels.slice(0, depth).join(DELIMITER)
    if ((await hub.find(superior)) !== undefined) continue
    try {
      await account.create(superior)
    } catch (error) {
      // Somebody else made it in the meantime: that is what was wanted.
      if (!(error instanceof MailError && error.kind === 'already-exists')) throw error
    }
  }
}
