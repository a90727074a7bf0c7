/** Ends leases, prolongs them, and queues what is to be said about them in the same step. RFC 5321 §4.5.4.1, §6.1. */

import { dueWithin } from '../../outbound/queue/times.ts'
import { repeatedOf, takeIn } from './queue-enqueue.ts'
import { closeRecipients, Pauses, wake } from './queue-lanes.ts'
import { HELD, WAITING } from './queue-schema.ts'
import type { QueueOutcomeInput, QueueSettlementInput, QueueTaskOf } from './queue-task.ts'
import type { StagedContent } from './segment-writer.ts'
import type { WriteContext } from './write-context.ts'

/** Ends leases; answers the tokens that were void. */
export function settle(context: WriteContext, task: QueueTaskOf<'settle'>, contents: readonly StagedContent[]): readonly number[] {
  const pauses = new Pauses(context.sql)
  const lost = task.settlements.filter(settlement => !settleOne(context, settlement, task.now, pauses))
  for (const { about, token, message } of task.notifications) {
    const unwanted = lost.some(one => (token === undefined ? one.message === about : one.token === token))
    if (unwanted || repeatedOf(context, message, task.forgotten) !== undefined) continue
    takeIn(context, message, contents, pauses)
  }
  return lost.map(({ token }) => token)
}

/** Whether the token was good. */
function settleOne(context: WriteContext, settlement: QueueSettlementInput, now: number, pauses: Pauses): boolean {
  const { sql } = context
  const { message, token, count, outcomes } = settlement
  let matched = 0
  let closed = 0
  for (const outcome of outcomes) {
    const found = outcome.state === WAITING ? waitAgain(context, settlement, outcome, now, pauses) : endOf(context, settlement, outcome)
    if (!found) continue
    matched++
    if (outcome.state !== WAITING) closed++
  }
  if (matched < count) {
    // The signs keep SQLite from looking for another index than that of the message.
    const left = sql.rows<[number, number, number]>(
      'SELECT place, lane, state FROM queue_recipient WHERE message = ? AND +token = ? AND +state < 4',
      message,
      token,
    )
    for (const [place, lane, state] of left) {
      const next = state === HELD ? HELD : pauses.stateIn(message, lane)
      sql.run('UPDATE queue_recipient SET state = ?, at = ?, token = NULL WHERE message = ? AND place = ?', next, now, message, place)
      if (next === WAITING) wake(sql, lane, now)
    }
    matched += left.length
  }
  closeRecipients(sql, message, closed, now)
  return matched > 0
}

function endOf({ sql }: WriteContext, { message, token }: QueueSettlementInput, { place, state, tried, last }: QueueOutcomeInput): boolean {
  return (
    sql.run(
      `UPDATE queue_recipient SET state = ?, attempts = attempts + ?, token = NULL, last = ?
       WHERE message = ? AND place = ? AND token = ? AND state < 4`,
      state,
      tried ? 1 : 0,
      last,
      message,
      place,
      token,
    ) > 0
  )
}

function waitAgain(
  { sql }: WriteContext,
  { message, token }: QueueSettlementInput,
  { place, due, tried, warned, last }: QueueOutcomeInput,
  now: number,
  pauses: Pauses,
): boolean {
  const row = sql.row<[number, number, number, number | null]>(
    `SELECT r.lane, r.state, m.expires_at, m.deliver_by FROM queue_recipient AS r JOIN queue_message AS m ON m.id = r.message
     WHERE r.message = ? AND r.place = ? AND r.token = ? AND r.state < 4`,
    message,
    place,
    token,
  )
  if (row === undefined) return false
  const [lane, before, expiresAt, deliverBy] = row
  const at = dueWithin(due, now, { expiresAt, ...(deliverBy === null ? {} : { deliverBy: { at: deliverBy, mode: 'return' } }) })
  const state = before === HELD ? HELD : pauses.stateIn(message, lane)
  sql.run(
    `UPDATE queue_recipient SET state = ?, at = ?, attempts = attempts + ?, warned = max(warned, ?), token = NULL, last = ?
     WHERE message = ? AND place = ?`,
    state,
    at,
    tried ? 1 : 0,
    warned ? 1 : 0,
    last,
    message,
    place,
  )
  if (state === WAITING) wake(sql, lane, at)
  return true
}

/** Prolongs leases; answers the tokens that are void. */
export function renew({ sql }: WriteContext, { leases, until }: QueueTaskOf<'renew'>): readonly number[] {
  return leases.flatMap(([message, token]) => {
    const renewed = sql.run(
      'UPDATE queue_recipient SET state = 1, at = ? WHERE message = ? AND +token = ? AND +state IN (0, 1, 3)',
      until,
      message,
      token,
    )
    return renewed === 0 ? [token] : []
  })
}
