/** USER: the name, answered alike whether it is one or not. RFC 1939 §7, §13. */

import { strictUtf8Text } from '../../bytes/ascii.ts'
import { command } from '../command.ts'
import type { Command } from '../command.ts'
import { positive, replies } from '../replies.ts'
import { AUTHORIZATION } from '../state.ts'

/** USER. */
export const user: Command = command({
  name: 'USER',
  rfc: 'RFC 1939 §7',
  states: AUTHORIZATION,
  parse: p => p.rest('a name'),
  run(context, name) {
    if (!context.secretsAllowed) return replies.beginTls
    const username = strictUtf8Text(name)
    if (username === undefined) return replies.notUtf8
    context.username = username
    return positive('Now the password')
  },
})
