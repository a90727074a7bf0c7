import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ALL_UIDS, type MailboxChange, type MessageRecord, type NewMessage, type Uid } from 'mailwright/contracts'
import { memoryStore } from 'mailwright/stores/memory'

const octets = (text: string): Uint8Array => new TextEncoder().encode(text)
const letter = (text: string, flags: readonly string[] = []): NewMessage => ({
  content: { size: octets(text).length, read: (start, end) => octets(text).subarray(start, end) },
  summary: octets('summary'),
  flags,
  internalDate: 1_700_000_000_000,
})
const collect = async (pages: AsyncIterable<readonly MessageRecord[]>): Promise<MessageRecord[]> => {
  const records: MessageRecord[] = []
  for await (const page of pages) records.push(...page)
  return records
}

test('a message is appended, flagged, moved and expunged, and every change is told in order (RFC 7162 §3.1)', async () => {
  const store = memoryStore({ firstUidValidity: 100 })
  const ann = await store.open('ann')
  const changes: MailboxChange[] = []
  ann.watch(change => changes.push(change))
  const archive = await ann.create('Archive', { specialUse: 'Archive' })
  const [info] = await ann.mailboxes()
  const inbox = ann.mailbox(info?.id ?? '')
  assert.equal(info?.uidValidity, 100)
  assert.equal(archive.uidValidity, 101)
  assert.deepEqual((await inbox.append([letter('one'), letter('two', ['\\Seen'])])).uids, [1, 2])
  const flagged = await inbox.flag(ALL_UIDS, { kind: 'add', flags: ['\\Seen'] })
  assert.deepEqual(flagged.changed, [{ first: 1, last: 1 }])
  const moved = await inbox.move?.([{ first: 1 as Uid, last: 1 as Uid }], archive.id)
  assert.deepEqual(moved, { uidValidity: 101, from: [1], to: [1] })
  assert.deepEqual(await inbox.expunge(ALL_UIDS), [{ first: 2, last: 2 }])
  assert.deepEqual(
    changes.map(change => [change.kind, change.modSeq]),
    [
      ['mailbox-created', 2],
      ['added', 3],
      ['flagged', 4],
      ['added', 5],
      ['expunged', 5],
      ['expunged', 6],
    ],
  )
  assert.deepEqual(await ann.usage?.(), { octets: 3, messages: 1 })
  const [record] = await collect(ann.mailbox(archive.id).records(ALL_UIDS, ['source', 'summary', 'emailId']))
  assert.deepEqual(record?.flags, ['\\Seen'])
  assert.deepEqual(await record?.source?.read(0, 99), octets('one'))
  await store.close()
  await assert.rejects(inbox.status(), { kind: 'unavailable' })
})
