/** FETCH of what is known of every message without reading the store: UID, FLAGS, INTERNALDATE, RFC822.SIZE, MODSEQ. RFC 9051 §6.4.5. */

import type { ByteBuilder } from '../../bytes/byte-builder.ts'
import type { UidRange } from '../../contracts/numbers.ts'
import type { Context } from '../context.ts'
import type { MailboxState } from '../view/mailbox-state.ts'
import { printDateTime } from '../wire/date-time.ts'
import type { PlainItem } from '../wire/fetch-att.ts'
import type { FetchPlan } from './plan.ts'

/** Rows between two looks at the clock. */
const ROWS = 256

/** Prints the items of one message, a space between them. */
export function printPlain(builder: ByteBuilder, items: readonly PlainItem[], state: MailboxState, at: number): void {
  for (let i = 0; i < items.length; i++) {
    if (i > 0) builder.byte(0x20)
    switch (items[i]) {
      case 'UID':
        builder.latin1('UID ').number(state.uids[at] ?? 0)
        break
      case 'FLAGS':
        builder.latin1('FLAGS ').bytes(state.flags.set(state.flagIds[at] ?? 0).printed)
        break
      case 'INTERNALDATE':
        builder.latin1('INTERNALDATE ').latin1(printDateTime((state.dates[at] ?? 0) * 1000))
        break
      case 'RFC822.SIZE':
        builder.latin1('RFC822.SIZE ').number(state.sizes[at] ?? 0)
        break
      case 'MODSEQ':
        builder
          .latin1('MODSEQ (')
          .number(state.modSeqs[at] ?? 0)
          .byte(0x29)
        break
      case undefined:
        break
    }
  }
}

/** Prints a FETCH for each message of the runs: no read and no promise for any of them. Answers whether some are gone. */
export async function fetchPlain(context: Context, plan: FetchPlan, uids: readonly UidRange[]): Promise<boolean> {
  const { view, out } = context
  const { state } = view
  const since = plan.changedSince ?? -1
  let isMissing = false
  let rows = 0
  for (const { first, last } of uids) {
    for (let place = view.lowerBound(first); place < view.count; place++) {
      const uid = view.uids[place] ?? 0
      if (uid > last) break
      // Asked anew for each message: a pause may have let the mailbox change.
      const at = view.uids === state.uids ? place : state.placeOf(uid)
      if (at < 0) {
        isMissing = true
        continue
      }
      if ((state.modSeqs[at] ?? 0) <= since) continue
      const { builder } = out
      builder
        .latin1('* ')
        .number(place + 1)
        .latin1(' FETCH (')
      printPlain(builder, plan.plain, state, at)
      builder.latin1(')\r\n')
      if (++rows % ROWS !== 0) continue
      const pause = context.pause()
      if (pause !== undefined) await pause
    }
  }
  return isMissing
}
