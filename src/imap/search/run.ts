/** Runs a search: over what is known of every message first, then over summaries, then over the messages themselves. RFC 9051 §6.4.4. */

import { MailError } from '../../contracts/mail-error.ts'
import type { MessageRecord } from '../../contracts/message.ts'
import type { Uid, UidRange } from '../../contracts/numbers.ts'
import { rangesOf } from '../../bytes/uid-ranges.ts'
import { SummaryCursor } from '../../mime/index.ts'
import type { Context } from '../context.ts'
import { summaryOf } from '../fetch/summaries.ts'
import { DEEP_SEARCHES } from '../limits.ts'
import { isWorthPages, PageReader } from '../view/summary-pages.ts'
import type { Candidate } from './candidate.ts'
import { messageText } from './message-text.ts'
import type { SearchPlan } from './tests.ts'

/** Messages between two looks at the clock. */
const STRIDE = 1_024

/** UIDs of the messages that the search finds, in ascending order; `undefined` when the account searches too much already. */
export async function runSearch(plan: SearchPlan, context: Context): Promise<readonly number[] | undefined> {
  const { found, open } = await scan(plan, context)
  if (open.length === 0) return found
  const { hub } = context.mail
  if (hub.deepSearches >= DEEP_SEARCHES) return undefined
  hub.deepSearches++
  try {
    const more = await lookAll(plan, context, rangesOf(open))
    return found.length === 0 ? more : more.length === 0 ? found : [...found, ...more].sort((a, b) => a - b)
  } finally {
    hub.deepSearches--
  }
}

/** Asks of every message in the view; `open` are those of which more has to be read. */
async function scan({ test }: SearchPlan, context: Context): Promise<{ found: number[]; open: number[] }> {
  const { view } = context
  const { state } = view
  const found: number[] = []
  const open: number[] = []
  const candidate: Candidate = { seq: 0, uid: 0, at: 0, summary: undefined, text: undefined }
  for (let place = 0; place < view.count; place++) {
    const uid = view.uids[place] ?? 0
    const at = view.uids === state.uids ? place : state.placeOf(uid)
    if (at >= 0) {
      candidate.seq = place + 1
      candidate.uid = uid
      candidate.at = at
      const answer = test(candidate)
      if (answer === true) found.push(uid)
      else if (answer === undefined) open.push(uid)
    }
    if (place % STRIDE !== STRIDE - 1) continue
    const pause = context.pause()
    if (pause !== undefined) await pause
  }
  return { found, open }
}

function lookAll(plan: SearchPlan, context: Context, uids: readonly UidRange[]): Promise<number[]> {
  const needsMessage = plan.needs.header || plan.needs.body
  return !needsMessage && isWorthPages(uids, context.view) ? lookAtSummaries(plan, context, uids) : look(plan, context, uids)
}

/** Where summaries tell it all: looks at them page by page, without making anything of them. */
async function lookAtSummaries(plan: SearchPlan, context: Context, uids: readonly UidRange[]): Promise<number[]> {
  const { view, house } = context
  const { state } = view
  const cursor = new SummaryCursor()
  const candidate: Candidate = { seq: 0, uid: 0, at: 0, summary: cursor, text: undefined }
  const found: number[] = []
  const reader = new PageReader(house.hubs.summaries, state, view.mailbox)
  let since = 0
  for (const { first, last } of uids) {
    for (let place = view.lowerBound(first); place < view.count; place++) {
      const uid = view.uids[place] ?? 0
      if (uid > last) break
      const waiting = reader.to(uid)
      if (waiting !== undefined) await waiting
      candidate.seq = place + 1
      candidate.uid = uid
      candidate.at = view.uids === state.uids ? place : state.placeOf(uid)
      if (candidate.at >= 0 && reader.entry >= 0) {
        if (!reader.open(cursor)) found.push(...(await look(plan, context, [{ first: uid as Uid, last: uid as Uid }])))
        else if (plan.test(candidate) === true) found.push(uid)
      }
      if (++since % STRIDE !== 0) continue
      const pause = context.pause()
      if (pause !== undefined) await pause
    }
  }
  return found
}

async function look(plan: SearchPlan, context: Context, uids: readonly UidRange[]): Promise<number[]> {
  const { view, connection } = context
  const found: number[] = []
  const columns = plan.needs.header || plan.needs.body ? (['summary', 'source'] as const) : (['summary'] as const)
  for await (const page of view.mailbox.records(uids, columns, { signal: connection.signal })) {
    for (const record of page) {
      const candidate = candidateOf(context, record)
      if (candidate === undefined) continue
      const answer = lookAt(plan, context, record, candidate)
      if (answer === true || (answer instanceof Promise && (await answer))) found.push(record.uid)
      const pause = context.pause()
      if (pause !== undefined) await pause
    }
  }
  return found
}

function candidateOf({ view }: Context, { uid }: { readonly uid: Uid }): Candidate | undefined {
  const seq = view.seqOf(uid)
  const at = view.state.placeOf(uid)
  return seq === 0 || at < 0 ? undefined : { seq, uid, at, summary: undefined, text: undefined }
}

/** One message; a promise only when its octets have to be read. */
function lookAt(plan: SearchPlan, context: Context, record: MessageRecord, candidate: Candidate): boolean | Promise<boolean> {
  const summary = summaryOf(context.view.mailbox, record)
  if (summary instanceof Promise) return read(plan, context, record, candidate, summary)
  candidate.summary = summary
  return plan.test(candidate) ?? read(plan, context, record, candidate, summary)
}

async function read(
  { test, needs }: SearchPlan,
  context: Context,
  record: MessageRecord,
  candidate: Candidate,
  given: ReturnType<typeof summaryOf>,
): Promise<boolean> {
  try {
    const summary = await given
    candidate.summary = summary
    const answer = test(candidate)
    if (answer !== undefined) return answer
    if (record.source === undefined) return false
    candidate.text = await messageText(record.source, summary, needs, () => context.pause())
    return test(candidate) === true
  } catch (error) {
    // A message that went away in the meantime is not found; nor is one that cannot be read, but somebody should know.
    if (!(error instanceof MailError) || (error.kind !== 'no-such-message' && error.kind !== 'corrupt')) throw error
    if (error.kind === 'corrupt') context.host.report(error, 'imap: search', context.connection)
    return false
  } finally {
    candidate.text = undefined
  }
}
