/** NAMESPACE: where whose mailboxes are. RFC 9051 §6.3.10; RFC 2342. */

import { ok } from '../codes.ts'
import { command, noArguments, type Command } from '../command.ts'
import { AUTHENTICATED } from '../state.ts'

/** NAMESPACE. RFC 9051 §6.3.10. */
export const namespace: Command = command({
  name: 'NAMESPACE',
  rfc: 'RFC 9051 §6.3.10',
  states: AUTHENTICATED,
  parse: noArguments,
  run(context) {
    context.out.untagged('NAMESPACE (("" "/")) NIL NIL')
    return ok('One namespace')
  },
})
