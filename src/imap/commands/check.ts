/** CHECK: a checkpoint; every change is durable already. RFC 3501 §6.4.1. */

import { ok } from '../codes.ts'
import { command, noArguments, type Command } from '../command.ts'
import { SELECTED } from '../state.ts'

/** CHECK. RFC 3501 §6.4.1; IMAP4rev2 dropped it, old clients send it. */
export const check: Command = command({
  name: 'CHECK',
  rfc: 'RFC 3501 §6.4.1',
  states: SELECTED,
  parse: noArguments,
  run: () => ok('Everything is stored'),
})
