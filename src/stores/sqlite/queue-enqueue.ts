/** Takes messages into the queue. RFC 5321 §4.5.4.1. */

import { MailError } from '../../contracts/mail-error.ts'
import { unpackedRecipients } from './queue-input.ts'
import { laneFor, Pauses, wake } from './queue-lanes.ts'
import { WAITING } from './queue-schema.ts'
import type { QueueMessageInput, QueueTaskOf } from './queue-task.ts'
import type { StagedContent } from './segment-writer.ts'
import type { WriteContext } from './write-context.ts'

/** What became of a message. */
export interface Enqueued {
  readonly message: number
  readonly repeated: boolean
}

/** Takes one message, unless its key is known. */
export function enqueue(context: WriteContext, task: QueueTaskOf<'enqueue'>, contents: readonly StagedContent[]): Enqueued {
  const known = repeatedOf(context, task.message, task.forgotten)
  if (known !== undefined) return { message: known, repeated: true }
  const message = takeIn(context, task.message, contents, new Pauses(context.sql))
  const count = context.sql.number("SELECT value FROM counter WHERE name = 'queue-messages'")
  if (count > task.maxMessages) throw new MailError('no-space', `the queue is full: ${count - 1} messages wait`)
  return { message, repeated: false }
}

/** The message that was queued under the same key, while it is remembered. */
export function repeatedOf({ sql }: WriteContext, { account, key }: QueueMessageInput, forgotten: number): number | undefined {
  if (key === undefined) return undefined
  const row = sql.row<[number]>(
    `SELECT k.message FROM queue_key AS k JOIN queue_message AS m ON m.id = k.message
     WHERE k.account = ? AND k.key = ? AND (m.settled_at IS NULL OR m.settled_at > ?)`,
    account,
    key,
    forgotten,
  )
  return row?.[0]
}

/** Makes the rows of a message. */
export function takeIn(context: WriteContext, input: QueueMessageInput, contents: readonly StagedContent[], pauses: Pauses): number {
  const { sql } = context
  const content = contents[input.content]
  if (content === undefined) throw new MailError('invalid', 'a message without content')
  const { sender, account, priority, due, key } = input
  const recipients = unpackedRecipients(input.recipients)
  const message = sql.number(
    `INSERT INTO queue_message (sender, account, queued_at, expires_at, deliver_by, size, recipients, open, content, key, envelope, prefix)
     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?7, ?8, ?9, ?10, ?11) RETURNING id`,
    sender,
    account,
    input.queuedAt,
    input.expiresAt,
    input.deliverBy ?? null,
    input.size,
    recipients.length,
    context.contentRow(content),
    key ?? null,
    input.envelope,
    input.prefix ?? null,
  )
  if (key !== undefined) sql.run('INSERT OR REPLACE INTO queue_key (account, key, message) VALUES (?, ?, ?)', account, key, message)
  const lanes = new Map<string, readonly [lane: number, state: number]>()
  for (const [place, [address, destination, wishes]] of recipients.entries()) {
    let known = lanes.get(destination)
    if (known === undefined) {
      known = [laneFor(sql, account, priority, destination), pauses.stateOf(account, sender, destination)]
      lanes.set(destination, known)
      if (known[1] === WAITING) wake(sql, known[0], due)
    }
    sql.run(
      'INSERT INTO queue_recipient (message, place, lane, state, at, address, wishes) VALUES (?, ?, ?, ?, ?, ?, ?)',
      message,
      place,
      known[0],
      known[1],
      due,
      address,
      wishes,
    )
  }
  sql.run("UPDATE counter SET value = value + 1 WHERE name = 'queue-messages'")
  return message
}
