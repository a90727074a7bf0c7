/** Summaries are opaque: they come back octet for octet, each with its own message, however many travel together. */

import assert from 'node:assert/strict'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { ALL_UIDS, type Mailbox, type Uid, type UidRange } from 'mailwright/contracts'
import { folderOf, inboxOf, message, octetsOf, storeIn } from './sqlite-fixtures.ts'

/** Octets of every kind, NUL and broken UTF-8 among them; every seventh is empty. */
function summaryOf(n: number): Uint8Array {
  return Uint8Array.from({ length: n % 7 === 0 ? 0 : n }, (_, at) => (n * 31 + at * 7) & 0xff)
}

/** The same through the power that reads nothing else. */
async function aloneIn(box: Mailbox, uids: UidRange): Promise<ReadonlyMap<number, Uint8Array>> {
  const read = await box.summaries?.(uids)
  assert(read)
  const found = new Map<number, Uint8Array>()
  for (const [n, uid] of read.uids.entries()) found.set(uid, read.octets.slice(read.ends[n - 1] ?? 0, read.ends[n]))
  return found
}

async function summariesIn(box: Mailbox, uids: readonly UidRange[]): Promise<ReadonlyMap<number, Uint8Array>> {
  const found = new Map<number, Uint8Array>()
  for await (const page of box.records(uids, ['summary'])) {
    for (const { uid, summary } of page) if (summary !== undefined) found.set(uid, summary)
  }
  return found
}

test('summaries come back octet for octet over several pages', async t => {
  const store = storeIn(t, folderOf(t))
  const box = (await store.open('ann')).mailbox(await inboxOf(store))
  const octets = octetsOf('one')
  const { uids } = await box.append(Array.from({ length: 600 }, (_, n) => message(octets, { summary: summaryOf(n) })))
  const found = await summariesIn(box, ALL_UIDS)
  assert.equal(found.size, 600)
  for (const [n, uid] of uids.entries()) assert.deepEqual(found.get(uid), summaryOf(n), `message ${n}`)
  assert.deepEqual(await aloneIn(box, { first: 1 as Uid, last: 1000 as Uid }), found)
  assert.deepEqual((await aloneIn(box, { first: 1001 as Uid, last: 1002 as Uid })).size, 0)
})

test('summaries stay with their messages where UIDs have gaps', async t => {
  const store = storeIn(t, folderOf(t))
  const box = (await store.open('ann')).mailbox(await inboxOf(store))
  const octets = octetsOf('one')
  const { uids } = await box.append(Array.from({ length: 60 }, (_, n) => message(octets, { summary: summaryOf(n) })))
  const odd = uids.filter((_, n) => n % 2 === 1).map(uid => ({ first: uid, last: uid }))
  await box.expunge(odd.slice(0, 10))
  const found = await summariesIn(box, odd)
  assert.deepEqual(
    [...found.keys()],
    odd.slice(10).map(({ first }) => first),
  )
  for (const [uid, summary] of found) assert.deepEqual(summary, summaryOf(uids.indexOf(uid as Uid)))
  assert.deepEqual(await aloneIn(box, { first: 1 as Uid, last: 60 as Uid }), await summariesIn(box, ALL_UIDS))
})

test('a message whose row was lost leaves the summaries of its neighbours where they belong', async t => {
  const folder = folderOf(t)
  const store = storeIn(t, folder)
  const box = (await store.open('ann')).mailbox(await inboxOf(store))
  const { uids } = await box.append(Array.from({ length: 9 }, (_, n) => message(octetsOf(`m${n}`), { summary: summaryOf(n + 1) })))
  const database = new DatabaseSync(join(folder, 'mail.sqlite'))
  database.exec('DELETE FROM message WHERE id = (SELECT message FROM state ORDER BY uid LIMIT 1 OFFSET 3)')
  database.close()
  const found = await summariesIn(box, ALL_UIDS)
  assert.deepEqual(found.get(uids[2] ?? 0), summaryOf(3))
  assert.deepEqual(found.get(uids[3] ?? 0), new Uint8Array())
  assert.deepEqual(found.get(uids[4] ?? 0), summaryOf(5))
  assert.deepEqual(await aloneIn(box, { first: 1 as Uid, last: 60 as Uid }), found)
})
