/** SUBSCRIBE and UNSUBSCRIBE: the names that LSUB lists. RFC 9051 §6.3.7, §6.3.8. */

import { codes, no, ok } from '../codes.ts'
import { command, type Command } from '../command.ts'
import { MAILBOXES } from '../limits.ts'
import { AUTHENTICATED } from '../state.ts'
import type { Parser } from '../wire/parser.ts'

function parse(p: Parser): string {
  p.sp()
  return p.mailbox()
}

/** SUBSCRIBE. RFC 9051 §6.3.7. */
export const subscribe: Command = command({
  name: 'SUBSCRIBE',
  rfc: 'RFC 9051 §6.3.7',
  states: AUTHENTICATED,
  parse,
  async run(context, name) {
    if (name === '') return codes.badName
    const { account } = context.mail
    // Names without a mailbox can be subscribed, so they are bounded here.
    if ((await account.subscriptions()).length >= MAILBOXES) return no('LIMIT', 'There are too many subscriptions')
    await account.subscribe(name)
    return ok('Subscribed')
  },
})

/** UNSUBSCRIBE. RFC 9051 §6.3.8. */
export const unsubscribe: Command = command({
  name: 'UNSUBSCRIBE',
  rfc: 'RFC 9051 §6.3.8',
  states: AUTHENTICATED,
  parse,
  async run(context, name) {
    if (name === '') return codes.badName
    await context.mail.account.unsubscribe(name)
    return ok('Unsubscribed')
  },
})
