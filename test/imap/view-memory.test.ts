/** What a session's view of a large mailbox costs: sequence numbers are places in an array of UIDs (RFC 9051 §2.3.1.2). */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Mailbox, MailboxInfo, MessageRecord, ModSeq, Uid } from 'mailwright/contracts'
import { MailboxState } from '../../src/imap/view/mailbox-state.ts'
import { Selected } from '../../src/imap/view/selected.ts'

const MESSAGES = 1_000_000
const PAGE = 10_000
const SESSIONS = 10

function page(first: number): MessageRecord[] {
  return Array.from({ length: PAGE }, (_, at) => ({
    uid: (first + at) as Uid,
    modSeq: (first + at) as ModSeq,
    flags: at % 3 === 0 ? ['\\Seen'] : [],
    size: 4096,
    internalDate: 0,
  }))
}

/** Octets a message and session, of arrays that are not the mailbox's own; one that several sessions share counts once. */
function octetsOf(views: readonly Selected[], state: MailboxState): number {
  const own = new Set(views.map(view => view.uids.buffer))
  own.delete(state.uids.buffer)
  return [...own].reduce((sum, { byteLength }) => sum + byteLength, 0) / MESSAGES / views.length
}

test('the view of a million messages costs at most 8 octets a message, also when it differs from the mailbox (RFC 9051 §7.5.1)', t => {
  const state = new MailboxState('m1')
  for (let first = 1; first <= MESSAGES; first += PAGE) state.load(page(first))
  // A view asks neither of the two for anything.
  const [info, mailbox] = [{} as MailboxInfo, {} as Mailbox]
  const views = Array.from({ length: SESSIONS }, () => new Selected(info, mailbox, state, 'read-write'))
  const shared = octetsOf(views, state)
  // A message goes, which must not be told yet, and another comes, which may: now every session needs numbers of its own.
  state.apply({ kind: 'expunged', mailbox: state.id, modSeq: (MESSAGES + 1) as ModSeq, uids: [{ first: 7 as Uid, last: 7 as Uid }] })
  const added = { uid: (MESSAGES + 1) as Uid, flags: [], size: 1, internalDate: 0 }
  state.apply({ kind: 'added', mailbox: state.id, modSeq: (MESSAGES + 2) as ModSeq, messages: [added] })
  for (const view of views) {
    assert.equal(view.update('keep')?.exists, MESSAGES + 1)
    assert.deepEqual([view.uidAt(7), view.uidAt(MESSAGES + 1)], [7, MESSAGES + 1])
  }
  const apart = octetsOf(views, state)
  t.diagnostic(`${shared.toFixed(2)} octets a message and session while shared, ${apart.toFixed(2)} apart`)
  assert.equal(shared, 0)
  assert.ok(apart > 0 && apart <= 8, `${apart} octets of its own`)
})
