/** Operations that work in the background: new summaries, sweeping what nothing refers to, moving contents together. */

import type { Operation } from './operation.ts'
import type { StagedContent } from './segment-writer.ts'
import type { WriteContext } from './write-context.ts'

type Of<Kind extends Operation['kind']> = Extract<Operation, { readonly kind: Kind }>

/** Replaces summaries that were made again from the octets. */
export function setSummaries(context: WriteContext, { summaries }: Of<'set-summaries'>): number {
  let changed = 0
  for (const [message, summary] of summaries) changed += context.sql.run('UPDATE message SET summary = ? WHERE id = ?', summary, message)
  return changed
}

/**
 * Takes away what a look at one moment showed to be unused. A message without a mailbox can never come back. A content can, by
 * the arrival of equal octets, which takes its doom away: so it is doomed first, and goes only if a later look finds it
 * unused and doomed still.
 */
export function sweep(context: WriteContext, { messages, contents, doom }: Of<'sweep'>): number {
  const { sql } = context
  for (const id of messages) sql.run('DELETE FROM message WHERE id = ?', id)
  for (const id of doom) sql.run('UPDATE content SET doomed = 1 WHERE id = ?', id)
  let gone = 0
  for (const id of contents) gone += sql.run('DELETE FROM content WHERE id = ? AND doomed = 1', id)
  return messages.length + gone
}

/** Where a content lies. */
export interface Place {
  readonly id: number
  readonly segment: number
  readonly start: number
  readonly size: number
}

/** The places of contents that are about to be moved. */
export function placesOf(context: WriteContext, contents: readonly number[]): readonly Place[] {
  return contents.flatMap(id => {
    const row = context.sql.row<[number, number, number]>('SELECT segment, start, size FROM content WHERE id = ?', id)
    return row === undefined ? [] : [{ id, segment: row[0], start: row[1], size: row[2] }]
  })
}

/** Points the rows to the copies. Nobody moves what somebody else moved meanwhile. */
export function moveContents(context: WriteContext, moves: readonly (readonly [Place, StagedContent])[]): number {
  let moved = 0
  for (const [{ id, segment, start }, copy] of moves) {
    moved += context.sql.run(
      'UPDATE content SET segment = ?, start = ? WHERE id = ? AND segment = ? AND start = ?',
      copy.segment,
      copy.start,
      id,
      segment,
      start,
    )
  }
  return moved
}

/** Marks segments that hold nothing any more; whoever still appends to one begins another. */
export function retire(context: WriteContext, { segments }: Of<'retire'>): readonly number[] {
  const { sql } = context
  return segments.filter(segment => {
    if (sql.row('SELECT 1 FROM content WHERE segment = ? LIMIT 1', segment) !== undefined) return false
    return sql.run('UPDATE segment SET retired = unixepoch() WHERE id = ? AND retired IS NULL', segment) === 1
  })
}

/** Forgets a retired segment whose file may go; answers whether it may. */
export function forgetSegment(context: WriteContext, { segment }: Of<'forget-segment'>): boolean {
  const { sql } = context
  sql.run('DELETE FROM hold WHERE until < unixepoch()')
  if (sql.row('SELECT 1 FROM hold LIMIT 1') !== undefined) return false
  if (sql.row('SELECT 1 FROM content WHERE segment = ? LIMIT 1', segment) !== undefined) return false
  return sql.run('DELETE FROM segment WHERE id = ? AND retired IS NOT NULL', segment) === 1
}

/** Keeps segment files from being removed until a moment, or lets go. Answers the number of the hold. */
export function hold(context: WriteContext, { id, until }: Of<'hold'>): number {
  const { sql } = context
  if (id === undefined) return sql.insert('INSERT INTO hold (until) VALUES (?)', until ?? 0)
  if (until === undefined) sql.run('DELETE FROM hold WHERE id = ?', id)
  else sql.run('INSERT INTO hold (id, until) VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET until = excluded.until', id, until)
  return id
}
