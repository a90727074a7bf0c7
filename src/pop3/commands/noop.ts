/** NOOP: nothing, but the clock of the autologout begins anew. RFC 1939 §5. */

import { command, noArguments } from '../command.ts'
import type { Command } from '../command.ts'
import { positive } from '../replies.ts'
import { TRANSACTION } from '../state.ts'

/** NOOP. */
export const noop: Command = command({
  name: 'NOOP',
  rfc: 'RFC 1939 §5',
  states: TRANSACTION,
  parse: noArguments,
  run: () => positive('Still here'),
})
