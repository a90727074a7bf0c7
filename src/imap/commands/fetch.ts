/** FETCH and UID FETCH: data of messages. RFC 9051 §6.4.5, §6.4.9; RFC 7162 §3.1.4. */

import { codes, ok, type Completion } from '../codes.ts'
import { command, type Command } from '../command.ts'
import type { Context, Numbering } from '../context.ts'
import { fetchKnown, isKnown } from '../fetch/known.ts'
import { MessageFetch } from '../fetch/messages.ts'
import { fetchPlain } from '../fetch/plain.ts'
import { planOf } from '../fetch/plan.ts'
import { SELECTED } from '../state.ts'
import { fetchArguments, type FetchArguments } from '../wire/fetch-att.ts'
import type { Parser } from '../wire/parser.ts'
import { sequenceSet, type SequenceSet } from '../wire/sequence-set.ts'

interface Arguments extends FetchArguments {
  readonly set: SequenceSet
}

function parse(p: Parser): Arguments {
  p.sp()
  const set = sequenceSet(p)
  p.sp()
  return { set, ...fetchArguments(p) }
}

/** FETCH. RFC 9051 §6.4.5. */
export const fetch: Command = command({
  name: 'FETCH',
  rfc: 'RFC 9051 §6.4.5',
  states: SELECTED,
  expunge: 'keep',
  parse,
  run: (context, args) => run(context, args, 'seq'),
})

/** UID FETCH. RFC 9051 §6.4.9. */
export const uidFetch: Command = command({
  name: 'UID FETCH',
  rfc: 'RFC 9051 §6.4.9',
  states: SELECTED,
  parse,
  run: (context, args) => run(context, args, 'uid'),
})

async function run(context: Context, args: Arguments, numbering: Numbering): Promise<Completion> {
  const { view } = context
  const uids = context.uidsOf(args.set, numbering)
  if (uids === undefined) return codes.noSuchSequence
  const plan = planOf(args, numbering, context.enabled)
  if (plan.plain.includes('MODSEQ')) context.enableCondstore()
  if (plan.rest.length === 0) return concluded(await fetchPlain(context, plan, uids), numbering)
  const messages = new MessageFetch(context, plan)
  if (isKnown(context, plan, uids)) await fetchKnown(context, plan, uids, messages)
  else await messages.run(uids)
  if (messages.failure !== undefined) return messages.failure
  return concluded(messages.isMissing || view.hasExpunged(uids), numbering)
}

/** RFC 2180 §4.1.2: whoever asks by sequence number for a message that is gone is told so; with UIDs it is no failure. */
function concluded(isMissing: boolean, numbering: Numbering): Completion {
  return isMissing && numbering === 'seq' ? codes.expungeIssued : ok('Fetched')
}
