/** What changed and what vanished since a MODSEQ, from the rows of `change`. RFC 7162 §3.1.4, §3.2.5. */

import { intersectRanges, normaliseRanges, subtractRanges, uniteRanges } from '../../bytes/uid-ranges.ts'
import type { Uid, UidRange } from '../../contracts/numbers.ts'
import type { Sql } from './sql.ts'

/** Changes after which reading the mailbox itself is cheaper than going through them. */
const MOST_CHANGES = 2000

function uidsOf(rows: readonly (readonly [string])[]): readonly UidRange[] {
  const ranges = rows.flatMap(([detail]) => (JSON.parse(detail) as { readonly u: readonly (readonly [number, number])[] }).u)
  return normaliseRanges(ranges.map(([first, last]) => ({ first: first as Uid, last: last as Uid })))
}

function accountOf(sql: Sql, mailbox: number): readonly [account: number, floor: number] {
  return (
    sql.row<[number, number]>('SELECT a.id, a.floor FROM mailbox AS b JOIN account AS a ON a.id = b.account WHERE b.id = ?', mailbox) ?? [
      0, 0,
    ]
  )
}

/** The part of the ranges that can hold what changed after a MODSEQ. */
export function changedSince(sql: Sql, mailbox: number, modSeq: number, ranges: readonly UidRange[]): readonly UidRange[] {
  const [account, floor] = accountOf(sql, mailbox)
  if (modSeq < floor) return ranges
  const rows = sql.rows<[string]>(
    `SELECT detail FROM change WHERE account = ? AND modseq > ? AND mailbox = ? AND kind IN ('added', 'flagged') LIMIT +?`,
    account,
    modSeq,
    mailbox,
    MOST_CHANGES + 1,
  )
  return rows.length > MOST_CHANGES ? ranges : intersectRanges(ranges, uidsOf(rows))
}

/**
 * The UIDs that vanished after a MODSEQ. Where the rows were cut, every UID that was ever given and does not live: more than
 * was asked for, never fewer, and never one that lives.
 */
export function vanishedSince(sql: Sql, mailbox: number, modSeq: number): readonly UidRange[] {
  return sql.together(() => {
    const [account, floor] = accountOf(sql, mailbox)
    if (modSeq >= floor) {
      const rows = sql.rows<[string]>(
        `SELECT detail FROM change WHERE account = ? AND modseq > ? AND mailbox = ? AND kind = 'expunged'`,
        account,
        modSeq,
        mailbox,
      )
      return uidsOf(rows)
    }
    const last = sql.number('SELECT uid_next FROM mailbox WHERE id = ?', mailbox) - 1
    if (last < 1) return []
    return subtractRanges([{ first: 1 as Uid, last: last as Uid }], livingUids(sql, mailbox))
  })
}

function livingUids(sql: Sql, mailbox: number): readonly UidRange[] {
  const runs: UidRange[] = []
  let first = 0
  let last = 0
  for (const [uid] of sql.each<[number]>('SELECT uid FROM state WHERE mailbox = ? ORDER BY uid', mailbox)) {
    if (first === 0 || uid !== last + 1) {
      if (first > 0) runs.push({ first: first as Uid, last: last as Uid })
      first = uid
    }
    last = uid
  }
  if (first > 0) runs.push({ first: first as Uid, last: last as Uid })
  return uniteRanges(runs, [])
}
