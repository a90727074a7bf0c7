/** PASS: the password, spaces and all. RFC 1939 §7; RFC 6856 §2.2. */

import { strictUtf8Text } from '../../bytes/ascii.ts'
import { prepareString } from '../../sasl/prepare.ts'
import { command } from '../command.ts'
import type { Command } from '../command.ts'
import { logIn } from '../login.ts'
import { negative, replies } from '../replies.ts'
import { AUTHORIZATION } from '../state.ts'

/** PASS. */
export const pass: Command = command({
  name: 'PASS',
  rfc: 'RFC 1939 §7',
  states: AUTHORIZATION,
  parse: p => p.rest('a password'),
  run(context, secret) {
    const name = context.username
    context.username = undefined
    if (!context.secretsAllowed) return replies.beginTls
    if (name === undefined) return negative('Give USER first')
    const password = strictUtf8Text(secret)
    if (password === undefined) return replies.notUtf8
    // What cannot be prepared cannot be right; it is asked about all the same, so that it takes as long as any wrong name.
    const username = prepareString(name) ?? name
    return logIn(context, 'USER', { kind: 'password', username, password: prepareString(password) ?? password })
  },
})
