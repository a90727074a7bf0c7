/** A look at the rows and the writer's answer tell of the same changes: whichever comes first, each is told once, in the order of MODSEQ. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ALL_UIDS } from 'mailwright/contracts'
import type { MailboxChange } from 'mailwright/contracts'
import { ChangeFeed } from '../../src/stores/sqlite/change-feed.ts'
import { connect } from '../../src/stores/sqlite/database.ts'
import { KeywordSets } from '../../src/stores/sqlite/flag-bits.ts'
import { folderOf, inboxOf, message, octetsOf, storeIn } from './sqlite-fixtures.ts'

for (const deed of ['expunge', 'move'] as const) {
  for (const looks of ['before the answer', 'after it', 'never'] as const) {
    test(`what "${deed}" does is told once, with a look ${looks} (RFC 7162 §3.2.10)`, async t => {
      const folder = folderOf(t)
      const store = storeIn(t, folder)
      const account = await store.open('ann')
      const inbox = account.mailbox(await inboxOf(store))
      const { id: archive } = await account.create('Kept')
      await inbox.append([message(octetsOf('one'))])

      // The feed of the store does what this one is held back from.
      const sql = connect(folder, { busyTimeout: 1000, writable: false })
      t.after(() => sql.database.close())
      const feed = new ChangeFeed(sql, new KeywordSets(sql), 1_000_000)
      t.after(() => feed.close())
      const told: string[] = []
      feed.watch('ann', ({ kind, modSeq }) => void told.push(`${kind} ${modSeq}`))
      const answer: MailboxChange[] = []
      const unwatch = account.watch(change => void answer.push(change))
      if (deed === 'move') await inbox.move?.(ALL_UIDS, archive)
      else await inbox.expunge(ALL_UIDS)
      unwatch()

      if (looks === 'before the answer') feed.look()
      for (const change of answer) feed.tell({ account: 'ann', change })
      if (looks === 'after it') feed.look()
      assert.deepEqual(
        told,
        answer.map(({ kind, modSeq }) => `${kind} ${modSeq}`),
      )
      assert.equal(told.length, deed === 'move' ? 2 : 1)
    })
  }
}
