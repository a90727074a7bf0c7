/** What an operator does with the queue: hold, release, retry, remove, pause, resume; and forgetting what is long settled. */

import type { QueueSelector } from '../../contracts/queue.ts'
import { destinationOf } from '../../outbound/queue/check.ts'
import { closeRecipients, endLeases, Pauses, tellNews, wake } from './queue-lanes.ts'
import { HELD, LEASED, PAUSED, REMOVED, WAITING } from './queue-schema.ts'
import type { QueueTaskOf } from './queue-task.ts'
import type { Cell } from './sql.ts'
import type { WriteContext } from './write-context.ts'

/** Recipients in memory at a time. */
const STEP = 20_000

type Row = readonly [message: number, place: number, lane: number, at: number]

/** Which states an action takes. */
const TAKES: Readonly<Record<'hold' | 'release' | 'retry' | 'remove', readonly number[]>> = {
  hold: [WAITING, PAUSED],
  release: [HELD],
  retry: [WAITING, PAUSED],
  remove: [WAITING, LEASED, HELD, PAUSED],
}

/** The id of the row behind the queue's id; -1 for what cannot be one. */
export function rowOfQueueId(id: string): number {
  return /^q[1-9][0-9]{0,14}$/.test(id) ? Number(id.slice(1)) : -1
}

function statesOf(wanted: QueueSelector['state'], taken: readonly number[]): readonly number[] {
  if (wanted === undefined) return taken
  const codes: Readonly<Record<string, readonly number[]>> = { waiting: [WAITING, PAUSED], leased: [LEASED], held: [HELD] }
  return taken.filter(state => codes[wanted]?.includes(state))
}

/** The FROM and WHERE of what a selector means: by message where it names one or a sender, else by lane. */
function meant(selector: QueueSelector, states: readonly number[]): { readonly text: string; readonly values: readonly Cell[] } {
  const { id, from, account, recipient } = selector
  const destination = selector.destination ?? (recipient === undefined ? undefined : destinationOf(recipient))
  const conditions: readonly (readonly [string, Cell | undefined])[] = [
    ['m.id = ?', id === undefined ? undefined : rowOfQueueId(id)],
    ['m.sender = ?', from],
    ['m.account = ?', account],
    ['l.destination = ?', destination],
    ['r.address = ?', recipient],
  ]
  const given = conditions.filter((condition): condition is readonly [string, Cell] => condition[1] !== undefined)
  const byMessage = id !== undefined || from !== undefined
  const tables = byMessage
    ? `queue_message AS m CROSS JOIN queue_recipient AS r ON r.message = m.id CROSS JOIN queue_lane AS l ON l.id = r.lane`
    : account === undefined
      ? `queue_lane AS l CROSS JOIN queue_recipient AS r ON r.lane = l.id CROSS JOIN queue_message AS m ON m.id = r.message`
      : `queue_share AS s CROSS JOIN queue_lane AS l ON l.share = s.id CROSS JOIN queue_recipient AS r ON r.lane = l.id
         CROSS JOIN queue_message AS m ON m.id = r.message`
  const clauses = given.map(([text]) => text)
  const values = given.map(([, value]) => value)
  if (!byMessage && account !== undefined) {
    clauses.push('s.account = ?')
    values.push(account)
  }
  return { text: `${tables} WHERE ${[...clauses, 'm.open > 0', 'r.state < 4', `r.state IN (${states.join(', ')})`].join(' AND ')}`, values }
}

/** Does something to all that a selector means, in steps; `change` must put each out of reach of the next step. */
function forEach(
  { sql }: WriteContext,
  selector: QueueSelector,
  states: readonly number[],
  extra: string,
  change: (row: Row) => void,
): number {
  if (states.length === 0) return 0
  const { text, values } = meant(selector, states)
  for (let count = 0; ;) {
    const rows = sql.rows<Row>(`SELECT r.message, r.place, r.lane, r.at FROM ${text}${extra} LIMIT ${STEP}`, ...values)
    for (const row of rows) change(row)
    count += rows.length
    if (rows.length < STEP) return count
  }
}

/** Holds, releases, retries or removes; answers how many recipients. */
export function steer(context: WriteContext, { kind, selector, now }: QueueTaskOf<'hold' | 'release' | 'retry' | 'remove'>): number {
  const { sql } = context
  const pauses = new Pauses(sql)
  endLeases(sql, now, pauses)
  const states = statesOf(selector.state, TAKES[kind])
  const waits = ([message, place, lane]: Row): void => {
    const state = pauses.stateIn(message, lane)
    sql.run('UPDATE queue_recipient SET state = ?, at = ? WHERE message = ? AND place = ?', state, now, message, place)
    if (state === WAITING) wake(sql, lane, now)
  }
  switch (kind) {
    case 'hold':
      return forEach(context, selector, states, '', ([message, place]) => {
        sql.run('UPDATE queue_recipient SET state = ? WHERE message = ? AND place = ?', HELD, message, place)
      })
    case 'release':
      tellNews(sql)
      return forEach(context, selector, states, '', waits)
    case 'retry': {
      tellNews(sql)
      if (states.length === 0) return 0
      const { text, values } = meant(selector, states)
      const count = sql.number(`SELECT count(*) FROM ${text}`, ...values)
      forEach(context, selector, states, ` AND r.at > ${Math.floor(now)}`, waits)
      return count
    }
    case 'remove': {
      const gone = new Map<number, number>()
      const count = forEach(context, selector, states, '', ([message, place]) => {
        sql.run('UPDATE queue_recipient SET state = ?, token = NULL WHERE message = ? AND place = ?', REMOVED, message, place)
        gone.set(message, (gone.get(message) ?? 0) + 1)
      })
      for (const [message, recipients] of gone) closeRecipients(sql, message, recipients, now)
      return count
    }
  }
}

/** Begins or ends a pause. */
export function setPause(context: WriteContext, { kind, rule, now }: QueueTaskOf<'pause' | 'resume'>): void {
  const { sql } = context
  const [what, value] = rule
  const selector: QueueSelector = what === 'destination' ? { destination: value } : what === 'from' ? { from: value } : { account: value }
  if (kind === 'pause') {
    sql.run('INSERT INTO queue_pause (kind, value) VALUES (?, ?) ON CONFLICT DO NOTHING', what, value)
    endLeases(sql, now, new Pauses(sql))
    forEach(context, selector, [WAITING], '', ([message, place]) => {
      sql.run('UPDATE queue_recipient SET state = ? WHERE message = ? AND place = ?', PAUSED, message, place)
    })
    return
  }
  sql.run('DELETE FROM queue_pause WHERE kind = ? AND value = ?', what, value)
  tellNews(sql)
  const free = ` AND NOT EXISTS (SELECT 1 FROM queue_pause AS p WHERE (p.kind = 'destination' AND p.value = l.destination)
    OR (p.kind = 'from' AND p.value = m.sender) OR (p.kind = 'account' AND p.value = m.account))`
  forEach(context, selector, [PAUSED], free, ([message, place, lane, at]) => {
    sql.run('UPDATE queue_recipient SET state = ? WHERE message = ? AND place = ?', WAITING, message, place)
    wake(sql, lane, at)
  })
}

/** Forgets messages settled until a moment, the oldest first, and lanes that are empty; answers how many messages. */
export function forget({ sql }: WriteContext, { settledUntil, most }: QueueTaskOf<'forget'>): number {
  const old = sql.rows<[number, string, string | null]>(
    'SELECT id, account, key FROM queue_message WHERE settled_at IS NOT NULL AND settled_at <= ? ORDER BY settled_at LIMIT +?',
    settledUntil,
    most,
  )
  for (const [id, account, key] of old) {
    sql.run('DELETE FROM queue_recipient WHERE message = ?', id)
    if (key !== null) sql.run('DELETE FROM queue_key WHERE account = ? AND key = ? AND message = ?', account, key, id)
    sql.run('DELETE FROM queue_message WHERE id = ?', id)
  }
  if (old.length === most) return old.length
  sql.run(
    `DELETE FROM queue_lane WHERE id IN (SELECT l.id FROM queue_lane AS l WHERE l.ready = 0 AND l.due IS NULL
       AND NOT EXISTS (SELECT 1 FROM queue_recipient AS r WHERE r.lane = l.id AND r.state < 4) LIMIT +?)`,
    most,
  )
  sql.run('DELETE FROM queue_share WHERE ready = 0 AND NOT EXISTS (SELECT 1 FROM queue_lane WHERE share = queue_share.id)')
  return old.length
}
