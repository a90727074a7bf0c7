/** LOGIN: a name and a password as they are. RFC 9051 §6.2.3. */

import { codes } from '../codes.ts'
import { command, type Command } from '../command.ts'
import { logIn } from '../login.ts'
import { NOT_AUTHENTICATED } from '../state.ts'

/** LOGIN. RFC 9051 §6.2.3. */
export const login: Command = command({
  name: 'LOGIN',
  rfc: 'RFC 9051 §6.2.3',
  states: NOT_AUTHENTICATED,
  parse(p) {
    p.sp()
    const username = p.astring()
    p.sp()
    return { username, password: p.astring() }
  },
  run(context, { username, password }) {
    // RFC 9051 §6.2.3: with LOGINDISABLED, LOGIN fails even when the password is right.
    if (!context.isPrivate) return codes.privacyRequired
    return logIn(context, 'LOGIN', { kind: 'password', username, password })
  },
})
