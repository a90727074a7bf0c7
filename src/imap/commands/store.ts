/** STORE and UID STORE: changes flags, atomically, and under a condition where asked. RFC 9051 §6.4.6, §6.4.9; RFC 7162 §3.1.3. */

import { rangesHave, rangesOf, uniteRanges } from '../../bytes/uid-ranges.ts'
import type { FlagChange } from '../../contracts/message.ts'
import type { ModSeq, UidRange } from '../../contracts/numbers.ts'
import { codes, no, ok, type Completion } from '../codes.ts'
import { command, type Command } from '../command.ts'
import type { Context, Numbering } from '../context.ts'
import { removableFlags, storableFlags } from '../flags.ts'
import { KEYWORDS } from '../limits.ts'
import { SELECTED } from '../state.ts'
import { printFlags, tellFlags } from '../updates.ts'
import type { Parser } from '../wire/parser.ts'
import { printSet, sequenceSet, type SequenceSet } from '../wire/sequence-set.ts'

interface StoreArguments {
  readonly set: SequenceSet
  readonly unchangedSince: number | undefined
  readonly kind: FlagChange['kind']
  readonly isSilent: boolean
  readonly flags: readonly string[]
}

function parse(p: Parser): StoreArguments {
  p.sp()
  const set = sequenceSet(p)
  p.sp()
  let unchangedSince: number | undefined
  if (p.isOpen()) {
    p.list(() => {
      if (!p.skipWord('unchangedsince')) p.fail('UNCHANGEDSINCE')
      p.sp()
      unchangedSince = p.number64()
    })
    p.sp()
  }
  const kind = p.skip(0x2b) ? 'add' : p.skip(0x2d) ? 'remove' : 'set'
  if (!p.skipWord('flags')) p.fail('FLAGS')
  const isSilent = p.skipWord('.silent')
  p.sp()
  return { set, unchangedSince, kind, isSilent, flags: flagArguments(p) }
}

/** `flag-list / (flag *(SP flag))`. */
function flagArguments(p: Parser): string[] {
  if (p.isOpen()) return p.flagList()
  const flags: string[] = []
  do flags.push(p.flag())
  while (p.skip(0x20))
  return flags
}

/** STORE. RFC 9051 §6.4.6. */
export const store: Command = command({
  name: 'STORE',
  rfc: 'RFC 9051 §6.4.6',
  states: SELECTED,
  expunge: 'keep',
  parse,
  run: (context, args) => run(context, args, 'seq'),
})

/** UID STORE. RFC 9051 §6.4.9. */
export const uidStore: Command = command({
  name: 'UID STORE',
  rfc: 'RFC 9051 §6.4.9',
  states: SELECTED,
  parse,
  run: (context, args) => run(context, args, 'uid'),
})

async function run(context: Context, args: StoreArguments, numbering: Numbering): Promise<Completion> {
  const { view } = context
  const uids = context.uidsOf(args.set, numbering)
  if (uids === undefined) return codes.noSuchSequence
  if (view.isReadOnly) return codes.readOnly
  if (args.unchangedSince !== undefined) context.enableCondstore()
  const { state } = view
  if (state.flags.keywords.length + args.flags.length > KEYWORDS && args.flags.some(flag => !state.flags.knows(flag)))
    return no('LIMIT', 'This mailbox has seen too many keywords')
  const flags = (args.kind === 'remove' ? removableFlags : storableFlags)(args.flags, state.flags)
  const change: FlagChange = { kind: args.kind, flags }
  const options = args.unchangedSince === undefined ? {} : { unchangedSince: args.unchangedSince as ModSeq }
  const { changed, refused, modSeq } = await view.mailbox.flag(uids, change, options)
  if (modSeq !== undefined) view.own(modSeq)
  // RFC 9051 §7.3.5: new keywords are announced before they show.
  if (view.keywordVersion !== state.flags.version) {
    view.keywordVersion = state.flags.version
    tellFlags(context.out, view)
  }
  const missing = await tellResult(context, args.isSilent ? 'silent' : 'loud', uids, changed, refused)
  const code = refused.length === 0 ? undefined : `MODIFIED ${printSet(numbering === 'uid' ? refused : seqsOf(context, refused))}`
  if (code !== undefined) return ok('Some were changed by somebody else', code)
  return missing && numbering === 'seq' ? codes.expungeIssued : ok('Stored')
}

/** Prints FETCH for the messages of the set; answers whether some of them are gone. */
async function tellResult(
  context: Context,
  how: 'silent' | 'loud',
  uids: readonly UidRange[],
  changed: readonly UidRange[],
  refused: readonly UidRange[],
): Promise<boolean> {
  const { view, out, enabled } = context
  const { state } = view
  // RFC 7162 §3.1.3: with CONDSTORE even a silent STORE tells the new MODSEQ of what it changed.
  const told = how === 'loud' ? uids : enabled.condstore ? uniteRanges(changed, refused) : undefined
  let isMissing = false
  let since = 0
  for (const { first, last } of told ?? uids) {
    for (let place = view.lowerBound(first); place < view.count; place++) {
      const uid = view.uids[place] ?? 0
      if (uid > last) break
      const at = view.uids === state.uids ? place : state.placeOf(uid)
      if (at < 0) isMissing = true
      else if (told !== undefined) {
        if (how === 'loud' || rangesHave(refused, uid)) printFlags(out, view, place + 1, at, enabled.condstore)
        else out.untagged(`${place + 1} FETCH (UID ${uid} MODSEQ (${state.modSeqs[at] ?? 0}))`)
      }
      if (++since % 512 !== 0) continue
      const pause = context.pause()
      if (pause !== undefined) await pause
    }
  }
  return isMissing
}

function seqsOf(context: Context, uids: readonly UidRange[]): readonly UidRange[] {
  const seqs: number[] = []
  for (const { first, last } of uids) {
    for (let place = context.view.lowerBound(first); place < context.view.count && (context.view.uids[place] ?? 0) <= last; place++)
      seqs.push(place + 1)
  }
  return rangesOf(seqs)
}
