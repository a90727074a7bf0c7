/** EXPUNGE and UID EXPUNGE: messages with `\Deleted` go for good. RFC 9051 §6.4.3, §6.4.9; RFC 4315 §2.1. */

import { ALL_UIDS, type UidRange } from '../../contracts/numbers.ts'
import { codes, ok, type Completion } from '../codes.ts'
import { command, noArguments, type Command } from '../command.ts'
import type { Context } from '../context.ts'
import { SELECTED } from '../state.ts'
import { sequenceSet } from '../wire/sequence-set.ts'

/** EXPUNGE. RFC 9051 §6.4.3. */
export const expunge: Command = command({
  name: 'EXPUNGE',
  rfc: 'RFC 9051 §6.4.3',
  states: SELECTED,
  parse: noArguments,
  run: context => remove(context, ALL_UIDS),
})

/** UID EXPUNGE. RFC 9051 §6.4.9. */
export const uidExpunge: Command = command({
  name: 'UID EXPUNGE',
  rfc: 'RFC 9051 §6.4.9',
  states: SELECTED,
  parse(p) {
    p.sp()
    return sequenceSet(p)
  },
  run: (context, set) => remove(context, context.uidsOf(set, 'uid') ?? []),
})

async function remove(context: Context, uids: readonly UidRange[]): Promise<Completion> {
  const { view } = context
  if (view.isReadOnly) return codes.readOnly
  await view.mailbox.expunge(uids, { having: '\\Deleted' })
  return ok('Expunged')
}
