/** Tells a client what changed in its mailbox without being asked. RFC 9051 §7.4.1, §7.5; RFC 7162 §3.1.4. */

import type { UidRange } from '../contracts/numbers.ts'
import type { Selected } from './view/selected.ts'
import type { Printer } from './wire/printer.ts'

/** Prints EXPUNGE, EXISTS, new keywords and FETCH for what changed in the view. */
export function tellUpdate(out: Printer, view: Selected, expunge: 'tell' | 'keep', condstore: boolean): void {
  const update = view.update(expunge)
  if (view.keywordVersion !== view.state.flags.version) {
    view.keywordVersion = view.state.flags.version
    tellFlags(out, view)
  }
  if (update === undefined) return
  for (const seq of update.expunged) out.builder.latin1('* ').number(seq).latin1(' EXPUNGE\r\n')
  if (update.exists !== undefined) out.builder.latin1('* ').number(update.exists).latin1(' EXISTS\r\n')
  tellFlagged(out, view, update.flagged, condstore)
}

/** Prints FETCH with UID and FLAGS for each message of the runs that is in the view and lives. */
function tellFlagged(out: Printer, view: Selected, uids: readonly UidRange[], condstore: boolean): void {
  const { state } = view
  for (const { first, last } of uids) {
    for (let place = view.lowerBound(first); place < view.count; place++) {
      const uid = view.uids[place] ?? 0
      if (uid > last) break
      const at = state.placeOf(uid)
      if (at >= 0) printFlags(out, view, place + 1, at, condstore)
    }
  }
}

/** Prints one message's flags: `* 3 FETCH (UID 17 FLAGS (\Seen) MODSEQ (12))`. */
export function printFlags(out: Printer, view: Selected, seq: number, at: number, condstore: boolean): void {
  const { state } = view
  const flags = state.flags.set(state.flagIds[at] ?? 0).printed
  const builder = out.builder
  builder
    .latin1('* ')
    .number(seq)
    .latin1(' FETCH (UID ')
    .number(state.uids[at] ?? 0)
  builder.latin1(' FLAGS ').bytes(flags)
  if (condstore)
    builder
      .latin1(' MODSEQ (')
      .number(state.modSeqs[at] ?? 0)
      .byte(0x29)
  builder.latin1(')\r\n')
}

const SYSTEM_FLAGS = '\\Answered \\Flagged \\Deleted \\Seen \\Draft'

/** Prints FLAGS and, in a mailbox that can be written to, PERMANENTFLAGS. RFC 9051 §7.3.5, §7.1. */
export function tellFlags(out: Printer, view: Selected): void {
  const flags = [SYSTEM_FLAGS, ...view.state.flags.keywords].join(' ')
  out.untagged(`FLAGS (${flags})`)
  out.untagged(view.isReadOnly ? 'OK [PERMANENTFLAGS ()] Read-only' : `OK [PERMANENTFLAGS (${flags} \\*)] Keywords can be made`)
}
