/** Makes the queue in a copy of a store fit to go on from: nobody has its leases, and ids that were told are not told again. */

import type { Sql } from './sql.ts'

/** How far ids and tokens of a copy are ahead: more than are given between a backup and the day it is needed. */
const AHEAD = 1_000_000_000

/**
 * What was leased waits again. What left since the copy was made leaves once more when the copy is put to use: rather twice
 * than never (RFC 5321 §6.1); whoever knows better holds or removes it first.
 */
export function prepareQueueCopy(sql: Sql): void {
  sql.run('UPDATE queue_recipient SET token = NULL WHERE token IS NOT NULL')
  // It is as if every lease had run out at the moment of the copy; the next lease makes it so.
  sql.run('UPDATE queue_recipient SET at = 0 WHERE state = 1')
  sql.run("UPDATE counter SET value = value + ? WHERE name = 'queue-turn'", AHEAD)
  sql.run(
    "INSERT INTO sqlite_sequence (name, seq) SELECT 'queue_message', 0 WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = 'queue_message')",
  )
  sql.run("UPDATE sqlite_sequence SET seq = seq + ? WHERE name = 'queue_message'", AHEAD)
}
