/** What SEARCH answers, in the old form and the extended one, and what it saves. RFC 9051 §7.3.4; RFC 3501 §7.2.5; RFC 4731 §3; RFC 5182 §2.4. */

import { rangesOf } from '../../bytes/uid-ranges.ts'
import type { UidRange } from '../../contracts/numbers.ts'
import type { Context, Numbering } from '../context.ts'
import type { ReturnOption } from '../wire/search-key.ts'
import { printSet } from '../wire/sequence-set.ts'

/** What was found, and how to tell it. */
export interface Found {
  /** UIDs, ascending. */
  readonly uids: readonly number[]
  readonly numbering: Numbering
  readonly usesModSeq: boolean
}

/** Prints `* SEARCH`. RFC 3501 §7.2.5; RFC 7162 §3.1.5. */
export async function tellOld(context: Context, { uids, numbering, usesModSeq }: Found): Promise<void> {
  const { out, view } = context
  out.text('* SEARCH')
  for (const [i, uid] of uids.entries()) {
    out.builder.byte(0x20).number(numbering === 'uid' ? uid : view.seqOf(uid))
    if (i % 1_024 !== 1_023) continue
    const pause = context.pause()
    if (pause !== undefined) await pause
  }
  if (usesModSeq && uids.length > 0) out.text(` (MODSEQ ${highest(context, uids)})`)
  out.text('\r\n')
}

/** Prints `* ESEARCH`. RFC 9051 §7.3.4. */
export function tellExtended(context: Context, found: Found, options: readonly ReturnOption[]): void {
  const { uids, numbering, usesModSeq } = found
  const { out, tag, view } = context
  const numberOf = (uid: number): number => (numbering === 'uid' ? uid : view.seqOf(uid))
  const first = uids[0]
  const last = uids.at(-1)
  out.text('* ESEARCH (TAG ').string(tag).text(')')
  if (numbering === 'uid') out.text(' UID')
  if (first !== undefined && last !== undefined) {
    if (options.includes('MIN')) out.text(` MIN ${numberOf(first)}`)
    if (options.includes('MAX')) out.text(` MAX ${numberOf(last)}`)
    if (options.includes('ALL')) out.text(` ALL ${printSet(numbering === 'uid' ? rangesOf(uids) : rangesOf(uids.map(numberOf)))}`)
  }
  if (options.includes('COUNT')) out.text(` COUNT ${uids.length}`)
  // RFC 7162 §3.1.5: of the messages told when only MIN or MAX are, else of all that were found.
  if (usesModSeq && first !== undefined) out.text(` MODSEQ ${highest(context, endsOnly(uids, options))}`)
  out.text('\r\n')
}

/** What `$` is from now on. RFC 5182 §2.4: with only MIN or MAX these messages, else all. */
export function savedOf(uids: readonly number[], options: readonly ReturnOption[]): readonly UidRange[] {
  return rangesOf(endsOnly(uids, options))
}

function endsOnly(uids: readonly number[], options: readonly ReturnOption[]): readonly number[] {
  const hasEnds = options.includes('MIN') || options.includes('MAX')
  if (!hasEnds || options.includes('ALL') || options.includes('COUNT') || uids.length === 0) return uids
  const ends: number[] = []
  if (options.includes('MIN')) ends.push(uids[0] ?? 0)
  if (options.includes('MAX')) ends.push(uids.at(-1) ?? 0)
  return ends
}

function highest({ view }: Context, uids: readonly number[]): number {
  const { state } = view
  let modSeq = 1
  for (const uid of uids) modSeq = Math.max(modSeq, state.modSeqs[state.placeOf(uid)] ?? 0)
  return modSeq
}
