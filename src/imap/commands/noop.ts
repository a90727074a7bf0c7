/** NOOP: nothing, and with it whatever there is to tell. RFC 9051 §6.1.2. */

import { ok } from '../codes.ts'
import { command, noArguments, type Command } from '../command.ts'
import { ANY_STATE } from '../state.ts'

/** NOOP. RFC 9051 §6.1.2. */
export const noop: Command = command({
  name: 'NOOP',
  rfc: 'RFC 9051 §6.1.2',
  states: ANY_STATE,
  parse: noArguments,
  run: () => ok('Nothing done'),
})
