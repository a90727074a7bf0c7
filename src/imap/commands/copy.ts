/** COPY and UID COPY: messages into another mailbox, all or none. RFC 9051 §6.4.7, §6.4.9. */

import { codes, ok, type Completion } from '../codes.ts'
import { command, type Command } from '../command.ts'
import type { Context, Numbering } from '../context.ts'
import { copyUid, destination, parseTransfer, type TransferArguments } from '../transfer.ts'
import { SELECTED } from '../state.ts'

/** COPY. RFC 9051 §6.4.7. */
export const copy: Command = command({
  name: 'COPY',
  rfc: 'RFC 9051 §6.4.7',
  states: SELECTED,
  parse: parseTransfer,
  run: (context, args) => run(context, args, 'seq'),
})

/** UID COPY. RFC 9051 §6.4.9. */
export const uidCopy: Command = command({
  name: 'UID COPY',
  rfc: 'RFC 9051 §6.4.9',
  states: SELECTED,
  parse: parseTransfer,
  run: (context, args) => run(context, args, 'uid'),
})

async function run(context: Context, args: TransferArguments, numbering: Numbering): Promise<Completion> {
  const uids = context.uidsOf(args.set, numbering)
  if (uids === undefined) return codes.noSuchSequence
  const target = await destination(context, args.name)
  if ('status' in target) return target
  // RFC 2180 §4.4.1: with sequence numbers the client meant these very messages. Some are gone, and all is not to be had.
  if (numbering === 'seq' && context.view.hasGone(uids)) return codes.expungeIssued
  const result = await context.view.mailbox.copy(uids, target.id)
  if (numbering === 'seq' && result.from.length === 0) return codes.expungeIssued
  return result.from.length === 0 ? ok('Nothing to copy') : ok('Copied', copyUid(result))
}
