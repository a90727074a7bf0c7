/** LSUB: the subscribed names that match, for clients of IMAP4rev1. RFC 3501 §6.3.9. */

import { ok } from '../codes.ts'
import { command, type Command } from '../command.ts'
import { matchesPattern } from '../list-match.ts'
import { mailboxTree } from '../mailbox-tree.ts'
import { patternFrom } from '../names.ts'
import { AUTHENTICATED } from '../state.ts'
import { attributesOf } from './list.ts'

/** LSUB. RFC 3501 §6.3.9. */
export const lsub: Command = command({
  name: 'LSUB',
  rfc: 'RFC 3501 §6.3.9',
  states: AUTHENTICATED,
  parse(p) {
    p.sp()
    const reference = p.astring()
    p.sp()
    return { reference, pattern: p.listMailbox() }
  },
  async run(context, { reference, pattern }) {
    const { hub, account } = context.mail
    const wanted = patternFrom(reference + pattern, context.nameForm) ?? ''
    const hasLevels = wanted.includes('%')
    for (const node of mailboxTree(await hub.mailboxes(), await account.subscriptions())) {
      // RFC 3501 §6.3.9: with "%", a level above a subscribed name is listed with \Noselect.
      const isLevel = !node.isSubscribed && node.hasSubscribedChild && hasLevels
      if ((!node.isSubscribed && !isLevel) || !matchesPattern(node.name, wanted)) continue
      // Outlook learns the special uses only here.
      const attributes = isLevel ? ['\\Noselect'] : attributesOf(node)
      context.out
        .text(`* LSUB (${attributes.join(' ')}) "/" `)
        .mailbox(node.name, context.nameForm)
        .text('\r\n')
    }
    return ok('Listed')
  },
})
