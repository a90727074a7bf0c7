/** MOVE and UID MOVE: messages into another mailbox and out of this one. RFC 9051 §6.4.8, §6.4.9; RFC 6851. */

import { codes, ok, type Completion } from '../codes.ts'
import { command, type Command } from '../command.ts'
import type { Context, Numbering } from '../context.ts'
import { moveMessages } from '../move.ts'
import { SELECTED } from '../state.ts'
import { copyUid, destination, parseTransfer, type TransferArguments } from '../transfer.ts'

/** MOVE. RFC 9051 §6.4.8. */
export const move: Command = command({
  name: 'MOVE',
  rfc: 'RFC 9051 §6.4.8',
  states: SELECTED,
  parse: parseTransfer,
  run: (context, args) => run(context, args, 'seq'),
})

/** UID MOVE. RFC 9051 §6.4.9. */
export const uidMove: Command = command({
  name: 'UID MOVE',
  rfc: 'RFC 9051 §6.4.9',
  states: SELECTED,
  parse: parseTransfer,
  run: (context, args) => run(context, args, 'uid'),
})

async function run(context: Context, args: TransferArguments, numbering: Numbering): Promise<Completion> {
  const { view, out } = context
  if (view.isReadOnly) return codes.readOnly
  const uids = context.uidsOf(args.set, numbering)
  if (uids === undefined) return codes.noSuchSequence
  const target = await destination(context, args.name)
  if ('status' in target) return target
  const result = await moveMessages(view.mailbox, uids, target.id)
  if (numbering === 'seq' && result.from.length === 0) return codes.expungeIssued
  // RFC 6851 §4.3: COPYUID in an untagged OK, before the EXPUNGEs. Nothing to move is no failure.
  if (result.from.length > 0) out.untagged(`OK [${copyUid(result)}] Moved`)
  return ok('Moved')
}
