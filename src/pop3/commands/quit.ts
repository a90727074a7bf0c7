/** QUIT: goodbye, and with a maildrop the UPDATE state: what was marked is removed. RFC 1939 §4, §6. */

import { command, noArguments } from '../command.ts'
import type { Command } from '../command.ts'
import { messages } from '../login.ts'
import { isWorthReporting, negative, positive } from '../replies.ts'
import { BOTH_STATES } from '../state.ts'

/** QUIT. */
export const quit: Command = command({
  name: 'QUIT',
  rfc: 'RFC 1939 §6',
  states: BOTH_STATES,
  parse: noArguments,
  async run(context) {
    const { host, maildrop, connection } = context
    context.isEnding = true
    if (maildrop === undefined) return positive(`${host.hostname} signing off`)
    const marked = maildrop.marked()
    if (marked.length > 0) {
      try {
        // One call, so that it happens as a whole; it is not called off when the client has gone: it said QUIT.
        await maildrop.mailbox.expunge(marked)
      } catch (error) {
        if (isWorthReporting(error)) host.report(error, 'pop3: QUIT', connection)
        return negative('[SYS/TEMP] The deleted messages could not be removed')
      }
    }
    return positive(`${host.hostname} signing off (${messages(maildrop.remaining)} left)`)
  },
})
