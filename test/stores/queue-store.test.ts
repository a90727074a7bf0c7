/** What the queue and the mail of a SQLite store share: contents, sweeping, inspection, backup, processes (RFC 5321 §4.5.4, §6.1). */

import assert from 'node:assert/strict'
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Queue, QueuedMessage, QueueLease, Settlement } from 'mailwright/contracts'
import { sqliteStore, type SqliteStore } from 'mailwright/stores/sqlite'
import { fakeClock } from 'mailwright/testing'
import { folderOf, inboxOf, message, nameOf, namesIn, octetsOf, problemsOf, storeIn } from './sqlite-fixtures.ts'

const [, , role, folder = '', side = ''] = process.argv

if (role === 'lease') await leaseAsChild()
else if (role === 'enqueue') await enqueueAsChild()
else if (role === undefined) defineTests()

function queued(name: string, more: Partial<QueuedMessage> = {}): QueuedMessage {
  const { content } = message(octetsOf(name))
  return { from: 'ann@example.org', origin: 'api', envelopeId: name, recipients: [{ address: `${name}@example.net` }], content, ...more }
}

function delivered({ id, token, recipients }: QueueLease): Settlement {
  const status = { at: Date.now(), code: '2.0.0', text: 'fine' } as const
  return { id, token, outcomes: recipients.map(({ index }) => ({ index, outcome: { kind: 'delivered', status } })) }
}

async function nameOfContent(queue: Queue, id: string): Promise<string | undefined> {
  const content = await queue.content(id)
  return content === undefined ? undefined : nameOf(await content.read(0, content.size))
}

/** Leases all there is, together with others, and says what it got. */
async function leaseAsChild(): Promise<void> {
  const store = sqliteStore({ path: folder })
  const got: string[] = []
  for (;;) {
    const leases = await store.queue.lease({ limit: 7, leaseMs: 60_000 })
    if (leases.length === 0) break
    got.push(...leases.map(({ envelope }) => envelope.envelopeId ?? ''))
    await store.queue.settle(leases.map(delivered))
  }
  await store.close()
  process.send?.(got)
  process.disconnect()
}

async function enqueueAsChild(): Promise<void> {
  const store = sqliteStore({ path: folder })
  await Promise.all(Array.from({ length: 20 }, (_, at) => store.queue.enqueue(queued(`${side}-${at}`, { idempotencyKey: `key-${at}` }))))
  await store.close()
  process.disconnect()
}

function child(path: string, what: 'lease' | 'enqueue', name: string): ChildProcess {
  return fork(import.meta.filename, [what, path, name], { execArgv: ['--conditions=mailwright-source'] })
}

function octetsIn(path: string): number {
  const segments = join(path, 'segments')
  return readdirSync(segments).reduce((sum, name) => sum + statSync(join(segments, name)).size, 0)
}

function defineTests(): void {
  test('a message that is delivered here and queued is stored once, and queued with the next durable step', async t => {
    const path = folderOf(t)
    const store = storeIn(t, path)
    const content = message(octetsOf('both', 100_000)).content
    await store.deliver([{ account: 'ann', message: message(new Uint8Array(), { content }) }])
    const before = octetsIn(path)
    const { id } = await store.queue.enqueue(queued('x', { content }))
    await store.queue.enqueue(queued('x', { content, recipients: [{ address: 'cid@example.com' }] }))
    assert.equal(octetsIn(path), before)
    assert.equal(await nameOfContent(store.queue, id), 'both')
    const { groups } = store.counters
    await Promise.all(Array.from({ length: 100 }, (_, at) => store.queue.enqueue(queued(`together-${at}`))))
    const steps = store.counters.groups - groups
    t.diagnostic(`100 messages queued at once in ${steps} durable steps`)
    assert.ok(steps <= 10)
  })

  test('sweeping and compaction leave alone what is queued, and take what left', async t => {
    const path = folderOf(t)
    const store = storeIn(t, path, { segmentSize: 50_000 })
    const ids: string[] = []
    for (let at = 0; at < 60; at++) ids.push((await store.queue.enqueue(queued(`m${at}`))).id)
    const leases = await store.queue.lease({ limit: 50, leaseMs: 60_000 })
    const held = leases.slice(45)
    await store.queue.settle(leases.slice(0, 45).map(delivered))
    for (let round = 0; round < 3; round++) await store.compact({ grace: 0 })
    for (const [at, id] of ids.entries()) {
      const left = leases.slice(0, 45).some(lease => lease.id === id)
      assert.equal(await nameOfContent(store.queue, id), left ? undefined : `m${at}`)
    }
    for (const { content, envelope } of held) {
      assert.equal(nameOf(await content.read(0, content.size)), envelope.envelopeId, 'a lease reads what was moved meanwhile')
    }
    assert.ok(octetsIn(path) < 40_000, 'what left is gone')
    assert.deepEqual(await problemsOf(store), [])
  })

  test('what was settled long ago is forgotten with its lanes, in the background', async t => {
    const clock = fakeClock()
    const path = folderOf(t)
    const store = storeIn(t, path, { queue: { clock, limits: { rememberMs: 1000 } } })
    for (let at = 0; at < 30; at++) {
      await store.queue.enqueue(queued(`m${at}`, { recipients: [{ address: `r@d${at}.example` }], idempotencyKey: `k${at}` }))
    }
    const leases = await store.queue.lease({ limit: 29, leaseMs: 60_000 })
    await store.queue.settle(leases.map(delivered))
    clock.advance(1000)
    // The background looks once in rememberMs here, by real time.
    const database = new DatabaseSync(join(path, 'mail.sqlite'), { readOnly: true })
    t.after(() => database.close())
    const rows = (table: string): number => Number(Object.values(database.prepare(`SELECT count(*) FROM ${table}`).get() ?? {})[0])
    for (let wait = 0; rows('queue_message') > 1 && wait < 1000; wait++) await sleep(50)
    await store.compact()
    assert.deepEqual(['queue_message', 'queue_recipient', 'queue_key', 'queue_share'].map(rows), [1, 1, 1, 1])
    assert.deepEqual(await problemsOf(store), [])
    assert.equal((await store.queue.lease({ limit: 9, leaseMs: 1 })).length, 1)
  })

  test('an inspection finds damage among the rows of the queue', async t => {
    const damages: readonly (readonly [string, RegExp])[] = [
      ['UPDATE queue_message SET content = 4711 WHERE id = 1', /q1 has no content/],
      ['UPDATE queue_message SET open = 2 WHERE id = 1', /q1 counts its recipients wrongly/],
      ['UPDATE queue_message SET size = 1 WHERE id = 1', /q1 has a size/],
      ['DELETE FROM queue_lane', /q1 has a recipient without a lane/],
      ['DELETE FROM queue_message WHERE id = 1', /q1 has recipients and no row/],
      ['UPDATE queue_lane SET due = 9007199254740991, ready = 0', /q1 waits in a lane that would oversleep/],
      ['UPDATE queue_lane SET ready = 1', /q1 waits in a lane that nobody looks at/],
      ["UPDATE counter SET value = 7 WHERE name = 'queue-messages'", /the queue holds 1 messages, the counter says 7/],
    ]
    for (const [statement, expected] of damages) {
      const path = folderOf(t)
      const store = sqliteStore({ path })
      await store.queue.enqueue(queued('m', { idempotencyKey: 'k' }))
      assert.deepEqual(await problemsOf(store), [])
      await store.close()
      const database = new DatabaseSync(join(path, 'mail.sqlite'))
      database.exec(statement)
      database.close()
      const found = await problemsOf(storeIn(t, path))
      assert.ok(
        found.some(({ text }) => expected.test(text)),
        `${statement}: ${JSON.stringify(found)}`,
      )
    }
  })

  test('a backup holds the queue: what was leased waits there, and ids and tokens go on beyond those that were told', async t => {
    const store = storeIn(t, folderOf(t))
    const first = await store.queue.enqueue(queued('waits'))
    const second = await store.queue.enqueue(queued('leased', { recipients: [{ address: 'bob@example.com' }] }))
    await store.queue.pause({ destination: 'paused.example' })
    await store.suppressions.suppress({ address: 'gone@example.org', reason: 'hard-bounce', since: 1 })
    const [lease] = (await store.queue.lease({ limit: 9, leaseMs: 3_600_000, except: ['example.net'] })).values()
    assert.equal(lease?.id, second.id)
    const copy = join(folderOf(t), 'copy')
    await store.backup(copy)
    const later = await store.queue.enqueue(queued('later'))
    const restored = storeIn(t, copy)
    assert.deepEqual(await problemsOf(restored), [])
    assert.deepEqual(await restored.queue.paused(), [{ destination: 'paused.example' }])
    assert.equal((await restored.suppressions.suppressed(['gone@example.org'])).length, 1)
    const leases = await restored.queue.lease({ limit: 9, leaseMs: 60_000 })
    assert.deepEqual(leases.map(({ id }) => id).sort(), [first.id, second.id])
    assert.ok(leases.every(({ token }) => token !== lease?.token))
    assert.equal(await nameOfContent(restored.queue, first.id), 'waits')
    assert.notEqual((await restored.queue.enqueue(queued('new'))).id, later.id)
    assert.deepEqual(
      await restored.queue.settle([delivered(lease ?? leases[0] ?? assert.fail())]),
      [lease?.token],
      'tokens of before are void',
    )
  })

  test('making all summaries again leaves the queue alone', async t => {
    const store = storeIn(t, folderOf(t))
    await store.deliver([{ account: 'ann', message: message(octetsOf('mail')) }])
    const { id } = await store.queue.enqueue(queued('queued'))
    assert.equal(await store.rebuild({ summarise: () => new TextEncoder().encode('new') }), 1)
    assert.equal(await nameOfContent(store.queue, id), 'queued')
    assert.deepEqual(await namesIn(store), ['mail'])
    assert.ok(await inboxOf(store))
  })

  test('several processes lease from one queue: each message goes to one of them', async t => {
    const path = folderOf(t)
    const store = storeIn(t, path)
    const names = Array.from({ length: 400 }, (_, at) => `m${at}`)
    await Promise.all(
      names.map((name, at) =>
        store.queue.enqueue(queued(name, { account: `a${at % 5}`, recipients: [{ address: `${name}@d${at % 11}.example` }] })),
      ),
    )
    const children = ['A', 'B', 'C'].map(name => child(path, 'lease', name))
    const got = await Promise.all(children.map(async process => ((await once(process, 'message')) as [readonly string[]])[0]))
    assert.deepEqual(got.flat().sort(), [...names].sort())
    t.diagnostic(`three processes leased ${got.map(({ length }) => length).join(', ')}`)
    assert.equal((await store.queue.counts()).messages, 0)
    assert.deepEqual(await problemsOf(store), [])
  })

  test('of the same message queued by two processes under one key, one is there; and this process is told of it', async t => {
    const path = folderOf(t)
    const store: SqliteStore = storeIn(t, path, { pollInterval: 20 })
    const told = Promise.withResolvers<void>()
    t.after(store.queue.watch(told.resolve))
    const children = ['A', 'B'].map(name => child(path, 'enqueue', name))
    await Promise.all([told.promise, ...children.map(process => once(process, 'exit'))])
    const { messages } = await store.queue.counts()
    assert.equal(messages, 20)
  })

  test('a full disk refuses new mail with no-space, while what is queued is leased, settled and removed (RFC 5321 §4.2.3)', async t => {
    const path = folderOf(t)
    const roomy = sqliteStore({ path })
    for (const name of ['a', 'b', 'c']) await roomy.queue.enqueue(queued(name))
    await roomy.close()
    const { queue } = storeIn(t, path, { minimumFree: Number.MAX_SAFE_INTEGER })
    const noSpace = { name: 'MailError', kind: 'no-space' }
    await assert.rejects(queue.enqueue(queued('d')), noSpace)
    const [one, two, three] = await queue.lease({ limit: 9, leaseMs: 60_000 })
    assert.ok(one !== undefined && two !== undefined && three !== undefined)
    assert.deepEqual(await queue.settle([delivered(one)]), [])
    const bounce = queued('bounce', { from: '', origin: 'notification' })
    await assert.rejects(queue.settle([delivered(two)], { notifications: [{ about: two.id, message: bounce }] }), noSpace)
    assert.deepEqual(await queue.settle([delivered(two)]), [], 'nothing of it had happened')
    assert.equal(await queue.remove({}), 1)
  })

  test('who asks in vain costs no durable step', async t => {
    const store = storeIn(t, folderOf(t))
    await store.queue.enqueue(queued('m', { notBefore: Date.now() + 3_600_000 }))
    const { groups } = store.counters
    for (let at = 0; at < 20; at++) assert.deepEqual(await store.queue.lease({ limit: 9, leaseMs: 1 }), [])
    assert.equal(store.counters.groups, groups)
  })
}
