/** UTF8: from here on messages come as they are. RFC 6856 §2.1. */

import { command, noArguments } from '../command.ts'
import type { Command } from '../command.ts'
import { positive } from '../replies.ts'
import { AUTHORIZATION } from '../state.ts'

/** UTF8. */
export const utf8: Command = command({
  name: 'UTF8',
  rfc: 'RFC 6856 §2.1',
  states: AUTHORIZATION,
  parse: noArguments,
  run(context) {
    context.utf8 = true
    return positive('UTF-8 it is')
  },
})
