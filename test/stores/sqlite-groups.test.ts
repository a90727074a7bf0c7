/** Operations that share one durable step: what befalls one of them changes nothing for the others. */

import assert from 'node:assert/strict'
import fs, { rmSync, writeFileSync } from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test, type TestContext } from 'node:test'
import { crc32 } from 'node:zlib'
import { ALL_UIDS } from 'mailwright/contracts'
import type { SqliteStore } from 'mailwright/stores/sqlite'
import { MAX_UID } from '../../src/contracts/numbers.ts'
import { armFailpoint } from '../../src/stores/sqlite/failpoints.ts'
import type { ContentInput, Operation, TargetInput } from '../../src/stores/sqlite/operation.ts'
import { segmentPath } from '../../src/stores/sqlite/segment-format.ts'
import { Writer } from '../../src/stores/sqlite/writer.ts'
import { folderOf, inboxOf, message, namesIn, octetsOf, problemsOf, storeIn } from './sqlite-fixtures.ts'
import { processorTime } from '../support/processor-time.ts'

const OPTIONS = { busyTimeout: 1000, segmentSize: 100_000_000, history: 100, minimumFree: 0, failpoint: undefined }

/** A writer of its own on the store's folder, on this thread. */
function writerIn(t: TestContext, folder: string, segmentSize: number = OPTIONS.segmentSize): Writer {
  const writer = new Writer({ ...OPTIONS, folder, segmentSize })
  t.after(() => writer.close())
  return writer
}

/** One step of all of these; answers which were done. */
function together(writer: Writer, operations: readonly Operation[]): readonly boolean[] {
  return writer.run(operations.map((operation, id) => ({ id, operation }))).map(({ outcome }) => outcome.ok)
}

function inMemory(octets: Uint8Array): ContentInput {
  return { pieces: [octets], size: octets.length }
}

function inFile(folder: string, octets: Uint8Array): ContentInput {
  const path = join(folder, `${crc32(octets)}.eml`)
  writeFileSync(path, octets)
  return { path, start: 0, size: octets.length }
}

function target(account: string): TargetInput {
  const message = { content: 0, prefix: undefined, summary: 'summary', flags: [], date: 1_700_000_000 }
  return { account, mailbox: undefined, quota: undefined, message }
}

function delivery(content: ContentInput, ...accounts: readonly string[]): Operation {
  return { kind: 'deliver', contents: [content], targets: accounts.map(target) }
}

async function opened(t: TestContext): Promise<{ readonly folder: string; readonly store: SqliteStore }> {
  const folder = folderOf(t)
  const store = storeIn(t, folder)
  await inboxOf(store)
  return { folder, store }
}

/** The next write of several pieces finds no room, once. */
function fullOnce(t: TestContext): void {
  const { writevSync } = fs
  const restore = (): void => {
    fs.writevSync = writevSync
    syncBuiltinESMExports()
  }
  t.after(restore)
  fs.writevSync = () => {
    restore()
    throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' })
  }
  syncBuiltinESMExports()
}

test('a disk that is full while a message in a file makes those before it be written refuses them, or has them: none is half there', async t => {
  const { folder, store } = await opened(t)
  const writer = writerIn(t, folder)
  assert.deepEqual(together(writer, [delivery(inMemory(octetsOf('first')), 'ann')]), [true])
  fullOnce(t)
  const done = together(writer, [
    delivery(inMemory(octetsOf('second')), 'ann'),
    delivery(inFile(folder, octetsOf('third', 300_000)), 'ann'),
    delivery(inMemory(octetsOf('fourth')), 'ann'),
  ])
  assert.deepEqual(done, [true, true, true])
  assert.deepEqual(await namesIn(store), ['first', 'second', 'third', 'fourth'])
  assert.deepEqual(await problemsOf(store), [])
})

test('the row of a content that was taken back with its operation is not used by the next operation with the same octets', async t => {
  const { folder, store } = await opened(t)
  await inboxOf(store, 'full')
  const writer = writerIn(t, folder)
  const content = inMemory(octetsOf('same'))
  const database = new DatabaseSync(join(folder, 'mail.sqlite'))
  database.exec(`UPDATE mailbox SET uid_next = ${MAX_UID} WHERE account = (SELECT id FROM account WHERE name = 'full')`)
  database.close()
  const done = together(writer, [delivery(content, 'ann', 'full'), delivery(content, 'bob')])
  assert.deepEqual(done, [false, true])
  assert.deepEqual(await namesIn(store, 'bob'), ['same'])
  assert.deepEqual(await problemsOf(store), [])
})

test('what is refused among others leaves no trace, whether it had made an account and a mailbox by then or nothing yet', async t => {
  const { folder, store } = await opened(t)
  const writer = writerIn(t, folder)
  const small = { octets: 10 }
  const toNew: TargetInput = { ...target('new'), mailbox: 'Lists', quota: small }
  const mailbox = await inboxOf(store)
  const content = inMemory(octetsOf('large'))
  const messages = [{ ...target('ann').message, flags: ['new-keyword'] }]
  const done = together(writer, [
    { kind: 'deliver', contents: [content], targets: [toNew] },
    { kind: 'append', account: 'ann', mailbox, quota: small, contents: [content], messages },
    { kind: 'deliver', contents: [content], targets: [{ ...target('ann'), quota: small }, toNew] },
    delivery(inMemory(octetsOf('first')), 'ann'),
    delivery(inMemory(octetsOf('second')), 'bob'),
  ])
  // A delivery has a result for each target.
  assert.deepEqual(done, [true, false, true, true, true])
  assert.deepEqual(await store.accounts(), ['ann', 'bob'])
  assert.deepEqual([await namesIn(store), await namesIn(store, 'bob')], [['first'], ['second']])
  const database = new DatabaseSync(join(folder, 'mail.sqlite'), { readOnly: true })
  t.after(() => database.close())
  const count = (table: string): unknown => database.prepare(`SELECT count(*) AS n FROM ${table}`).get()?.['n']
  assert.deepEqual(['content', 'message', 'state'].map(count), [2, 2, 2])
  assert.deepEqual(await problemsOf(store), [])
})

test('a mailbox that is gone is what an APPEND is told of, also where the account is full: only then does a client make it anew (RFC 9051 §6.3.12)', async t => {
  const { folder, store } = await opened(t)
  const writer = writerIn(t, folder)
  const content = inMemory(octetsOf('large'))
  const { message } = target('ann')
  const append = (mailbox: string): Operation => {
    return { kind: 'append', account: 'ann', mailbox, quota: { octets: 10 }, contents: [content], messages: [message] }
  }
  const operations = [append('m77'), append(await inboxOf(store))]
  const answers = writer.run(operations.map((operation, id) => ({ id, operation })))
  const kinds = answers.map(({ outcome }) => (outcome.ok ? 'done' : outcome.failure.kind))
  assert.deepEqual(kinds, ['no-such-mailbox', 'over-quota'])
})

test('the segment that a step filled and left is looked at too: another process may have retired it meanwhile', async t => {
  const { folder, store } = await opened(t)
  const writer = writerIn(t, folder, 1000)
  const other = writerIn(t, folder)
  let retired: readonly boolean[] = []
  armFailpoint('after-segment-create:2', () => {
    retired = together(other, [
      { kind: 'retire', segments: [1] },
      { kind: 'forget-segment', segment: 1 },
    ])
    rmSync(segmentPath(folder, 1))
  })
  t.after(() => armFailpoint(undefined))
  const done = together(
    writer,
    ['one', 'two', 'three'].map(name => delivery(inMemory(octetsOf(name)), 'ann')),
  )
  assert.deepEqual(retired, [true, true])
  assert.deepEqual(done, [true, true, true])
  assert.deepEqual(await namesIn(store), ['one', 'two', 'three'])
  assert.deepEqual(await problemsOf(store), [])
})

/** Contents of one length and one CRC-32, as many as one likes: a multiple of its polynomial changes nothing. */
function forgeries(count: number, size: number): readonly Uint8Array[] {
  const change = Buffer.alloc(8)
  change.writeBigUInt64LE(1n | (0xedb8_8320n << 1n))
  return Array.from({ length: count }, (_, number) => {
    const octets = Buffer.alloc(size, 'x')
    for (let bit = 0; 1 << bit <= number; bit++) {
      if ((number & (1 << bit)) === 0) continue
      const place = size - 160 + bit * 8
      for (let at = 0; at < 8; at++) octets.writeUInt8(octets.readUInt8(place + at) ^ change.readUInt8(at), place + at)
    }
    return octets
  })
}

test('who makes a step of many contents with one sum does not make each be compared with all', async t => {
  const { folder, store } = await opened(t)
  const writer = writerIn(t, folder)
  const contents = forgeries(2000, 4000)
  assert.equal(new Set(contents.map(octets => crc32(octets))).size, 1)
  assert.equal(new Set(contents.map(octets => Buffer.from(octets).toString('latin1'))).size, 2000)
  const began = processorTime()
  assert.deepEqual(together(writer, [{ kind: 'deliver', contents: contents.map(inMemory), targets: [target('ann')] }]), [true])
  const took = processorTime() - began
  // Two million comparisons take half a minute.
  assert.ok(took < 5000, `${took} ms`)
  assert.deepEqual(await problemsOf(store), [])
})

test('no small message can be written that has the email id of a large one (RFC 8474 §5.1)', async t => {
  const { folder, store } = await opened(t)
  const account = await store.open('ann')
  const inbox = account.mailbox(await inboxOf(store))
  const large = octetsOf('large', 100_000)
  await inbox.append([message(large)])
  const database = new DatabaseSync(join(folder, 'mail.sqlite'))
  const { id, sums } = database.prepare('SELECT id, sums FROM content').get() as { readonly id: number; readonly sums: Uint8Array }
  database.close()
  const forged = Buffer.concat([Buffer.from(`${id} ${large.length} `), sums])
  await inbox.append([message(forged)])
  const ids: (string | undefined)[] = []
  for await (const page of inbox.records(ALL_UIDS, ['emailId'])) for (const { emailId } of page) ids.push(emailId)
  assert.equal(new Set(ids).size, 2)
})
