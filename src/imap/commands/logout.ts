/** LOGOUT: goodbye. RFC 9051 §6.1.3. */

import { ok } from '../codes.ts'
import { command, noArguments, type Command } from '../command.ts'
import { ANY_STATE } from '../state.ts'

/** LOGOUT. RFC 9051 §6.1.3. */
export const logout: Command = command({
  name: 'LOGOUT',
  rfc: 'RFC 9051 §6.1.3',
  states: ANY_STATE,
  parse: noArguments,
  run(context) {
    context.deselect()
    context.out.untagged('BYE Goodbye')
    context.isEnding = true
    return ok('Logged out')
  },
})
