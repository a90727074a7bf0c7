/** What the queue tells: entries, counts, what is due next. Reads only, on the callers' connection. */

import type { MessageSource } from '../../contracts/message.ts'
import type { AccountId } from '../../contracts/mailbox-info.ts'
import type {
  QueueCounts,
  QueueEntry,
  QueuePause,
  QueueSelector,
  QueueUsage,
  RecipientEntry,
  RecipientState,
} from '../../contracts/queue.ts'
import { ruleOf } from '../../outbound/queue/check.ts'
import { isSettled, listsMessage, meansMessage } from '../../outbound/queue/selector.ts'
import type { ContentReader } from './content-reader.ts'
import { contentOf, lastOf, recipientOf } from './queue-input.ts'
import { Pauses } from './queue-lanes.ts'
import { DELIVERED, FAILED, HELD, LEASED, PAUSED, REMOVED, WAITING } from './queue-schema.ts'
import { rowOfQueueId } from './queue-steer.ts'
import type { Sql } from './sql.ts'

/** Messages read at a time. */
const PAGE = 100

const NAMES: Readonly<Record<number, RecipientState>> = {
  [WAITING]: 'waiting',
  [LEASED]: 'leased',
  [HELD]: 'held',
  [PAUSED]: 'waiting',
  [DELIVERED]: 'delivered',
  [FAILED]: 'failed',
  [REMOVED]: 'removed',
}

type MessageRow = readonly [id: number, envelope: string, size: number]

/** The moment up to which settled messages are forgotten, and now. */
export interface Moments {
  readonly now: number
  readonly forgotten: number
}

const REMEMBERED = '(settled_at IS NULL OR settled_at > ?)'

/** One message. */
export function readEntry(sql: Sql, id: string, { now, forgotten }: Moments): QueueEntry | undefined {
  return sql.together(() => {
    const row = sql.row<MessageRow>(
      `SELECT id, envelope, size FROM queue_message WHERE id = ? AND ${REMEMBERED}`,
      rowOfQueueId(id),
      forgotten,
    )
    return row === undefined ? undefined : entryOf(sql, row, now)
  })
}

function entryOf(sql: Sql, [id, envelope, size]: MessageRow, now: number): QueueEntry {
  const rows = sql.rows<[number, number, number, number, string, string | null, string | null]>(
    'SELECT place, state, at, attempts, address, wishes, last FROM queue_recipient WHERE message = ? ORDER BY place',
    id,
  )
  const recipients = rows.map(([index, state, at, attempts, address, wishes, last]): RecipientEntry => ({
    ...recipientOf(address, wishes),
    index,
    // A lease that ran out is none, though nobody has looked yet.
    state: state === LEASED && at <= now ? 'waiting' : (NAMES[state] ?? 'held'),
    attempts,
    dueAt: at,
    ...lastOf(last),
  }))
  return { ...(JSON.parse(envelope) as Omit<QueueEntry, 'id' | 'size' | 'recipients'>), id: `q${id}`, size, recipients }
}

/** A page of a list. */
export interface EntryPage {
  readonly entries: readonly QueueEntry[]
  /** Where the next page begins; `undefined` after the last one. */
  readonly next: number | undefined
}

/** The page of what a selector means that begins after a message. */
export function readPage(sql: Sql, selector: QueueSelector, after: number, { now, forgotten }: Moments): EntryPage {
  return sql.together(() => {
    const settled = selector.state !== undefined && isSettled(selector.state)
    const rows = settled
      ? sql.rows<MessageRow>(
          `SELECT id, envelope, size FROM queue_message WHERE id > ? AND ${REMEMBERED} ORDER BY id LIMIT +?`,
          after,
          forgotten,
          PAGE,
        )
      : selector.from === undefined
        ? sql.rows<MessageRow>('SELECT id, envelope, size FROM queue_message WHERE open > 0 AND id > ? ORDER BY id LIMIT +?', after, PAGE)
        : sql.rows<MessageRow>(
            'SELECT id, envelope, size FROM queue_message WHERE open > 0 AND sender = ? AND id > ? ORDER BY id LIMIT +?',
            selector.from,
            after,
            PAGE,
          )
    const entries = rows.flatMap(row => {
      const entry = entryOf(sql, row, now)
      return meansMessage(selector, entry.id, entry) && listsMessage(selector, entry.recipients) ? [entry] : []
    })
    return { entries, next: rows.length < PAGE ? undefined : rows.at(-1)?.[0] }
  })
}

/** Octets of an unsettled message. */
export function readContent(sql: Sql, reader: ContentReader, id: string): MessageSource | undefined {
  const row = sql.row<[Uint8Array | null, number | null, number, number, number, Uint8Array]>(
    `SELECT m.prefix, c.id, c.segment, c.start, c.size, c.sums FROM queue_message AS m LEFT JOIN content AS c ON c.id = m.content
     WHERE m.id = ? AND m.open > 0`,
    rowOfQueueId(id),
  )
  if (row === undefined) return undefined
  const [prefix, content, segment, start, size, sums] = row
  return contentOf({ prefix, place: content === null ? undefined : { id: content, segment, start, size, sums } }, reader)
}

/** When something is due next: the next waiting recipient, or the end of the next lease. */
export function readNextDue(sql: Sql, now: number): number | undefined {
  return sql.together(() => {
    const pauses = new Pauses(sql)
    let next = Infinity
    for (const [message, lane, at] of sql.each<[number, number, number]>(
      'SELECT message, lane, at FROM queue_recipient WHERE state = 1 ORDER BY at',
    )) {
      // What ran out while it was paused waits for the end of the pause.
      if (at <= now && pauses.stateIn(message, lane) === PAUSED) continue
      next = at
      break
    }
    const waitingIn = (lane: number): number =>
      sql.row<[number]>(
        'SELECT at FROM queue_recipient INDEXED BY queue_recipient_lane WHERE lane = ? AND state < 4 AND state = 0 ORDER BY at LIMIT 1',
        lane,
      )?.[0] ?? Infinity
    for (const [lane] of sql.each<[number]>('SELECT id FROM queue_lane WHERE ready = 1')) {
      const due = waitingIn(lane)
      next = Math.min(next, due)
      // What is due by now is answer enough.
      if (due <= now) break
    }
    // Nothing in a lane is due before the lane is, so the first whose own time is later ends the search.
    for (const [lane, due] of sql.each<[number, number]>(
      'SELECT id, due FROM queue_lane WHERE ready = 0 AND due IS NOT NULL ORDER BY due',
    )) {
      if (due >= next) break
      next = Math.min(next, waitingIn(lane))
    }
    return next === Infinity ? undefined : next
  })
}

/** How much there is. */
export function readCounts(sql: Sql, now: number): QueueCounts {
  return sql.together(() => {
    const count: Record<RecipientState, number> = { waiting: 0, leased: 0, held: 0, delivered: 0, failed: 0, removed: 0 }
    for (const [state, recipients] of sql.rows<[number, number]>(
      `SELECT CASE WHEN state = 1 AND at <= ? THEN 0 ELSE state END AS now, count(*)
       FROM queue_recipient INDEXED BY queue_recipient_lane WHERE state < 4 GROUP BY now`,
      now,
    )) {
      count[NAMES[state] ?? 'held'] += recipients
    }
    const [messages = 0, octets = 0] =
      sql.row<[number, number]>('SELECT count(*), total(size) FROM queue_message INDEXED BY queue_message_open WHERE open > 0') ?? []
    const oldest = sql.row<[number]>('SELECT queued_at FROM queue_message WHERE open > 0 ORDER BY id LIMIT 1')?.[0]
    const destinations = sql
      .rows<[string, number]>(
        `SELECT l.destination, sum(n) FROM (SELECT lane, count(*) AS n FROM queue_recipient INDEXED BY queue_recipient_lane
           WHERE state < 4 GROUP BY lane) AS r CROSS JOIN queue_lane AS l ON l.id = r.lane
         GROUP BY l.destination ORDER BY 2 DESC, 1 LIMIT 100`,
      )
      .map(([destination, recipients]) => ({ destination, recipients }))
    const { waiting, leased, held } = count
    return { messages, waiting, leased, held, octets, ...(oldest === undefined ? {} : { oldest }), destinations }
  })
}

/** What an account has waiting, and what it queued lately. */
export function readUsage(sql: Sql, account: AccountId, { since, most }: { readonly since: number; readonly most: number }): QueueUsage {
  return sql.together(() => {
    const [messages = 0, recipients = 0] =
      sql.row<[number, number]>(
        `SELECT count(*), total(open) FROM
           (SELECT open FROM queue_message INDEXED BY queue_message_account WHERE account = ?1 AND account <> '' AND open > 0 LIMIT +?2)`,
        account,
        most,
      ) ?? []
    const [recent = 0, recentSince = null] =
      sql.row<[number, number | null]>(
        `SELECT total(recipients), min(queued_at) FROM
           (SELECT recipients, queued_at FROM queue_message INDEXED BY queue_message_recent
            WHERE account = ?1 AND account <> '' AND queued_at >= ?2 ORDER BY queued_at DESC LIMIT +?3)`,
        account,
        since,
        most,
      ) ?? []
    const all = sql.number("SELECT value FROM counter WHERE name = 'queue-messages'")
    return { messages, recipients, recent, ...(recentSince === null ? {} : { recentSince }), all }
  })
}

/** The pauses in force. */
export function readPauses(sql: Sql): readonly QueuePause[] {
  return sql.rows<[string, string]>('SELECT kind, value FROM queue_pause ORDER BY kind, value').map(([kind, value]) => ruleOf(kind, value))
}

/** Moves whenever something may have become due: by a new message, a release, a retry, a resume, here or elsewhere. */
export function readNews(sql: Sql): number {
  return sql.number(
    `SELECT value + ifnull((SELECT seq FROM sqlite_sequence WHERE name = 'queue_message'), 0) FROM counter WHERE name = 'queue-news'`,
  )
}
