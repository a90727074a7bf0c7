/** What the queue's operations share: lanes that are woken, pauses that keep from waking, leases that ran out, messages that end. */

import { LEASED, PAUSED, WAITING } from './queue-schema.ts'
import type { Sql } from './sql.ts'

/** The lane of a destination for an account and priority; made where it is not there. */
export function laneFor(sql: Sql, account: string, priority: number, destination: string): number {
  const known = sql.number(
    `SELECT l.id FROM queue_share AS s JOIN queue_lane AS l ON l.share = s.id WHERE s.account = ? AND s.priority = ? AND l.destination = ?`,
    account,
    priority,
    destination,
  )
  if (known > 0) return known
  sql.run('INSERT INTO queue_share (account, priority) VALUES (?, ?) ON CONFLICT DO NOTHING', account, priority)
  const share = sql.number('SELECT id FROM queue_share WHERE account = ? AND priority = ?', account, priority)
  return sql.number('INSERT INTO queue_lane (share, destination) VALUES (?, ?) RETURNING id', share, destination)
}

/** Sees to it that the lane is looked at when something in it falls due. One that is ready is looked at anyway. */
export function wake(sql: Sql, lane: number, due: number): void {
  sql.run('UPDATE queue_lane SET due = ?1 WHERE id = ?2 AND ready = 0 AND (due IS NULL OR due > ?1)', due, lane)
}

/** The pauses in force. */
export class Pauses {
  readonly #sql: Sql
  readonly #rules: ReadonlySet<string>

  constructor(sql: Sql) {
    this.#sql = sql
    this.#rules = new Set(sql.rows<[string, string]>('SELECT kind, value FROM queue_pause').map(([kind, value]) => `${kind} ${value}`))
  }

  /** How a recipient waits. */
  stateOf(account: string, sender: string, destination: string): number {
    if (this.#rules.size === 0) return WAITING
    const paused =
      this.#rules.has(`account ${account}`) || this.#rules.has(`from ${sender}`) || this.#rules.has(`destination ${destination}`)
    return paused ? PAUSED : WAITING
  }

  /** The same for one that is known by its message and lane. */
  stateIn(message: number, lane: number): number {
    if (this.#rules.size === 0) return WAITING
    const row = this.#sql.row<[string, string, string]>(
      `SELECT m.account, m.sender, l.destination FROM queue_message AS m CROSS JOIN queue_lane AS l WHERE m.id = ? AND l.id = ?`,
      message,
      lane,
    )
    return row === undefined ? WAITING : this.stateOf(...row)
  }
}

/** Lets recipients wait again whose lease ran out. The token stays good until somebody else leases. */
export function endLeases(sql: Sql, now: number, pauses: Pauses): void {
  const ended = sql.rows<[number, number, number, number]>(
    `SELECT message, place, lane, at FROM queue_recipient WHERE state = 1 AND at <= ?`,
    now,
  )
  for (const [message, place, lane, at] of ended) {
    const state = pauses.stateIn(message, lane)
    sql.run('UPDATE queue_recipient SET state = ? WHERE message = ? AND place = ? AND state = ?', state, message, place, LEASED)
    if (state === WAITING) wake(sql, lane, at)
  }
}

/** Counts recipients of a message as settled; with the last one, its octets go. */
export function closeRecipients(sql: Sql, message: number, count: number, now: number): void {
  if (count === 0) return
  const open = sql.row<[number]>(
    `UPDATE queue_message SET open = open - ?1, settled_at = CASE WHEN open = ?1 THEN ?2 END,
       content = CASE WHEN open = ?1 THEN NULL ELSE content END, prefix = CASE WHEN open = ?1 THEN NULL ELSE prefix END
     WHERE id = ?3 RETURNING open`,
    count,
    now,
    message,
  )
  if (open?.[0] === 0) sql.run("UPDATE counter SET value = value - 1 WHERE name = 'queue-messages'")
}

/** Tells the other processes that something may have become due. */
export function tellNews(sql: Sql): void {
  sql.run("UPDATE counter SET value = value + 1 WHERE name = 'queue-news'")
}
