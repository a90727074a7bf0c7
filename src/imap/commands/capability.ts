/** CAPABILITY: what this server can do, now. RFC 9051 §6.1.1. */

import { ok } from '../codes.ts'
import { command, noArguments, type Command } from '../command.ts'
import { capabilities } from '../extensions/index.ts'
import { ANY_STATE } from '../state.ts'

/** CAPABILITY. RFC 9051 §6.1.1. */
export const capability: Command = command({
  name: 'CAPABILITY',
  rfc: 'RFC 9051 §6.1.1',
  states: ANY_STATE,
  parse: noArguments,
  run(context) {
    context.out.untagged(`CAPABILITY ${capabilities(context)}`)
    return ok('That is all')
  },
})
