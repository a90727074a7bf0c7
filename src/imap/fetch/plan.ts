/** What a FETCH needs for its items, worked out once for all its messages. RFC 9051 §6.4.5; RFC 7162 §3.1.4. */

import type { RecordColumn } from '../../contracts/message.ts'
import type { Enabled } from '../context.ts'
import type { DeepItem, FetchArguments, PlainItem } from '../wire/fetch-att.ts'

/** An item that needs more than what is known of every message. */
export type MessageItem = DeepItem

/** A FETCH, ready to be run. */
export interface FetchPlan {
  /** Told first, in this order. */
  readonly plain: readonly PlainItem[]
  readonly rest: readonly MessageItem[]
  /** What has to be read of each record; empty: nothing at all. */
  readonly columns: readonly RecordColumn[]
  /** Some item sets `\Seen`. RFC 9051 §6.4.5, BODY[<section>]. */
  readonly setsSeen: boolean
  readonly changedSince: number | undefined
}

/** Works out the plan. UID FETCH tells UIDs unasked (RFC 9051 §6.4.9), CHANGEDSINCE tells MODSEQ (RFC 7162 §3.1.4.1). */
export function planOf(
  { items, changedSince }: FetchArguments,
  numbering: 'seq' | 'uid',
  { condstore }: Pick<Enabled, 'condstore'>,
): FetchPlan {
  const plain = new Set<PlainItem>(numbering === 'uid' ? ['UID'] : [])
  const rest: MessageItem[] = []
  for (const item of items) {
    if (item.kind === 'plain') plain.add(item.label)
    else rest.push(item)
  }
  // RFC 7162 §3.1: a CONDSTORE-aware client is told the MODSEQ with all flags.
  if (changedSince !== undefined || (condstore && plain.has('FLAGS'))) plain.add('MODSEQ')
  return {
    plain: [...plain],
    rest,
    columns: columnsOf(rest),
    setsSeen: rest.some(item => 'peek' in item && !item.peek),
    changedSince,
  }
}

function columnsOf(items: readonly MessageItem[]): RecordColumn[] {
  const columns: RecordColumn[] = []
  if (items.some(needsSummary)) columns.push('summary')
  if (items.some(item => item.kind !== 'summary')) columns.push('source')
  return columns
}

/** Only for the whole message it does not matter what is where in it. */
function needsSummary(item: MessageItem): boolean {
  if (item.kind === 'section') return item.section.part.length > 0 || item.section.text !== ''
  return item.kind === 'summary' || item.part.length > 0
}
