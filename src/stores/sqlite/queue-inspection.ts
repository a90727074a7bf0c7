/** Looks for damage in the queue: everything that must be so among its rows. */

import type { Sql } from './sql.ts'

/** Something in the queue that is not as it must be. */
export interface QueueProblem {
  readonly kind: 'counters' | 'dangling-row'
  readonly text: string
}

const CHECKS: readonly (readonly [kind: QueueProblem['kind'], what: string, text: string])[] = [
  [
    'dangling-row',
    'has no content',
    'SELECT id FROM queue_message WHERE open > 0 AND (content IS NULL OR content NOT IN (SELECT id FROM content))',
  ],
  ['dangling-row', 'is settled and keeps its content', 'SELECT id FROM queue_message WHERE open = 0 AND content IS NOT NULL'],
  [
    'counters',
    'counts its recipients wrongly',
    `SELECT m.id FROM queue_message AS m WHERE m.open <> (SELECT count(*) FROM queue_recipient AS r WHERE r.message = m.id AND r.state < 4)
       OR m.recipients <> (SELECT count(*) FROM queue_recipient AS r WHERE r.message = m.id) OR (m.open = 0) <> (m.settled_at IS NOT NULL)`,
  ],
  [
    'counters',
    'has a size that is not that of its octets',
    `SELECT m.id FROM queue_message AS m JOIN content AS c ON c.id = m.content WHERE m.size <> c.size + ifnull(length(m.prefix), 0)`,
  ],
  [
    'dangling-row',
    'has a recipient without a lane',
    'SELECT message FROM queue_recipient WHERE state < 4 AND lane NOT IN (SELECT id FROM queue_lane)',
  ],
  [
    'dangling-row',
    'has recipients and no row',
    'SELECT DISTINCT message FROM queue_recipient WHERE message NOT IN (SELECT id FROM queue_message)',
  ],
  [
    'dangling-row',
    'is remembered by a key and not there',
    'SELECT message FROM queue_key WHERE message NOT IN (SELECT id FROM queue_message)',
  ],
  // A lane that sleeps too long keeps its mail from being sent.
  [
    'counters',
    'waits in a lane that would oversleep',
    `SELECT r.message FROM queue_recipient AS r JOIN queue_lane AS l ON l.id = r.lane
     WHERE r.state < 4 AND r.state = 0 AND l.ready = 0 AND (l.due IS NULL OR l.due > r.at)`,
  ],
  [
    'counters',
    'waits in a lane that nobody looks at',
    `SELECT r.message FROM queue_lane AS l JOIN queue_share AS s ON s.id = l.share JOIN queue_recipient AS r ON r.lane = l.id AND r.state < 4
     WHERE l.ready = 1 AND s.ready = 0`,
  ],
]

/** What is wrong with the queue; at most 100 of each kind. */
export function* inspectQueue(sql: Sql): Generator<QueueProblem> {
  for (const [kind, what, text] of CHECKS) {
    for (const [id] of sql.rows<[number]>(`${text} LIMIT 100`)) yield { kind, text: `queued message q${id} ${what}` }
  }
  const told = sql.number("SELECT value FROM counter WHERE name = 'queue-messages'")
  const found = sql.number('SELECT count(*) FROM queue_message WHERE open > 0')
  if (told !== found) yield { kind: 'counters', text: `the queue holds ${found} messages, the counter says ${told}` }
}
