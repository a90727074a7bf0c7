/** FETCH of nothing but ENVELOPE, BODY, BODYSTRUCTURE and what is known of every message: octets are copied, not made. RFC 9051 §6.4.5. */

import { latin1Bytes } from '../../bytes/ascii.ts'
import type { Uid, UidRange } from '../../contracts/numbers.ts'
import { sectionPlace, SummaryCursor, type SummarySection } from '../../mime/index.ts'
import type { Context } from '../context.ts'
import { isWorthPages, PageReader } from '../view/summary-pages.ts'
import type { SummaryItem } from '../wire/fetch-att.ts'
import type { MessageFetch } from './messages.ts'
import { printPlain } from './plain.ts'
import type { FetchPlan } from './plan.ts'

/** Rows between two looks at the clock. */
const ROWS = 64

const SECTIONS: Readonly<Record<SummaryItem, SummarySection>> = { ENVELOPE: 'envelope', BODY: 'body', BODYSTRUCTURE: 'bodyStructure' }

interface Column {
  readonly label: Uint8Array
  readonly place: number
}

/** Whether {@link fetchKnown} can do it, and is the cheaper way. */
export function isKnown({ view }: Context, plan: FetchPlan, uids: readonly UidRange[]): boolean {
  return plan.rest.every(({ kind }) => kind === 'summary') && isWorthPages(uids, view)
}

/**
 * Prints a FETCH for each message of the runs. Messages without a summary that can be read are left to `others`, which also
 * notes what is missing.
 */
export async function fetchKnown(context: Context, plan: FetchPlan, uids: readonly UidRange[], others: MessageFetch): Promise<void> {
  const { view, out } = context
  const { state } = view
  const columns = columnsOf(plan)
  const since = plan.changedSince ?? -1
  const cursor = new SummaryCursor()
  const reader = new PageReader(context.house.hubs.summaries, state, view.mailbox)
  let rows = 0
  for (const { first, last } of uids) {
    for (let place = view.lowerBound(first); place < view.count; place++) {
      const uid = view.uids[place] ?? 0
      if (uid > last) break
      const waiting = reader.to(uid)
      if (waiting !== undefined) await waiting
      // Asked anew for each message: while we waited the mailbox may have changed.
      const at = view.uids === state.uids ? place : state.placeOf(uid)
      if (at >= 0 && (state.modSeqs[at] ?? 0) <= since) continue
      if (at < 0 || reader.entry < 0) {
        others.isMissing = true
        continue
      }
      if (!reader.open(cursor)) {
        await others.run([{ first: uid as Uid, last: uid as Uid }])
        continue
      }
      const { builder } = out
      builder
        .latin1('* ')
        .number(place + 1)
        .latin1(' FETCH (')
      printPlain(builder, plan.plain, state, at)
      for (const { label, place: section } of columns) {
        cursor.find(section)
        builder.bytes(label).slice(reader.octets, cursor.from, cursor.to)
      }
      builder.latin1(')\r\n')
      if (++rows % ROWS !== 0 && !out.isFull) continue
      const pause = context.pause()
      if (pause !== undefined) await pause
    }
  }
}

function columnsOf({ plain, rest }: FetchPlan): readonly Column[] {
  const columns: Column[] = []
  for (const item of rest) {
    if (item.kind !== 'summary') continue
    const space = plain.length === 0 && columns.length === 0 ? '' : ' '
    columns.push({ label: latin1Bytes(`${space}${item.label} `), place: sectionPlace(SECTIONS[item.label]) })
  }
  return columns
}
