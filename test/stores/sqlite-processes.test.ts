/** Several at once: many callers share a sync, several processes share a folder, and nobody's event loop stands still. */

import assert from 'node:assert/strict'
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { test } from 'node:test'
import { sqliteStore } from 'mailwright/stores/sqlite'
import { ALL_UIDS, type MailboxChange } from 'mailwright/contracts'
import { folderOf, inboxOf, message, namesIn, octetsOf, problemsOf, storeIn } from './sqlite-fixtures.ts'
import { longestTurn } from '../support/processor-time.ts'

const [, , role, folder = '', side = '', count = '0'] = process.argv

if (role === 'deliver') await deliverAsChild()
else if (role === undefined) defineTests()

async function deliverAsChild(): Promise<void> {
  const store = sqliteStore({ path: folder, pollInterval: 50 })
  const inbox = (await store.open('ann')).mailbox(await inboxOf(store))
  await Promise.all(
    Array.from({ length: 5 }, async (_, lane) => {
      for (let at = 0; at < Number(count) / 5; at++) await inbox.append([message(octetsOf(`${side}-${lane}-${at}`))])
    }),
  )
  await inbox.flag(ALL_UIDS, { kind: 'add', flags: [`$From${side}`] })
  await store.close()
  process.disconnect()
}

function child(path: string, name: string, messages: number): ChildProcess {
  return fork(import.meta.filename, ['deliver', path, name, String(messages)], { execArgv: ['--conditions=mailwright-source'] })
}

function defineTests(): void {
  test('operations that arrive while one is synced share the next sync', async t => {
    const store = storeIn(t, folderOf(t))
    await store.open('ann')
    const { groups } = store.counters
    for (let at = 0; at < 10; at++) await store.deliver([{ account: 'ann', message: message(octetsOf(`alone-${at}`)) }])
    const alone = store.counters.groups - groups
    assert.equal(alone, 10, 'one after the other, each has its own')
    const { groups: before, segmentSyncs } = store.counters
    await Promise.all(
      Array.from({ length: 500 }, (_, at) => store.deliver([{ account: `user${at % 7}`, message: message(octetsOf(`together-${at}`)) }])),
    )
    const together = store.counters.groups - before
    t.diagnostic(`500 deliveries at once in ${together} transactions and ${store.counters.segmentSyncs - segmentSyncs} segment syncs`)
    assert.ok(together <= 20)
  })

  test('two processes and this one deliver into one mailbox: nothing lost, UIDs ascend, every change is told in order', async t => {
    const path = folderOf(t)
    const store = storeIn(t, path, { pollInterval: 20 })
    const account = await store.open('ann')
    const told: MailboxChange[] = []
    account.watch(change => told.push(change))
    const children = [child(path, 'A', 100), child(path, 'B', 100)]
    const ended = Promise.all(children.map(process => once(process, 'exit')))
    const inbox = account.mailbox(await inboxOf(store))
    for (let at = 0; at < 50; at++) await inbox.append([message(octetsOf(`C-${at}`))])
    for (const [code] of await ended) assert.equal(code, 0)
    // One more, so that everything before it is told by now.
    await inbox.append([message(octetsOf('last'))])
    assert.equal(new Set(await namesIn(store)).size, 251)
    assert.deepEqual(await problemsOf(store), [])

    const modSeqs = told.map(({ modSeq }) => modSeq)
    assert.deepEqual(
      modSeqs,
      [...modSeqs].sort((a, b) => a - b),
      'in order of MODSEQ',
    )
    assert.equal(new Set(modSeqs).size, modSeqs.length, 'each once')
    const uids = told.flatMap(change => (change.kind === 'added' ? change.messages.map(({ uid }) => uid) : []))
    assert.deepEqual(
      uids,
      Array.from({ length: 251 }, (_, at) => at + 1),
      'each message once, in order of UID',
    )
    assert.equal(told.filter(({ kind }) => kind === 'flagged').length, 2)
    assert.ok(!told.some(({ kind }) => kind === 'resync'))
  })

  test('what another process does is told without asking, within a second', async t => {
    const path = folderOf(t)
    const store = storeIn(t, path, { pollInterval: 50 })
    const account = await store.open('ann')
    const seen = Promise.withResolvers<MailboxChange>()
    account.watch(seen.resolve)
    const ended = once(child(path, 'A', 5), 'exit')
    const change = await seen.promise
    assert.equal(change.kind, 'added')
    await ended
  })

  test('reading a large mailbox and storing large messages leave the event loop free', async t => {
    const store = storeIn(t, folderOf(t))
    const inbox = (await store.open('ann')).mailbox(await inboxOf(store))
    const octets = octetsOf('m', 100)
    const content = message(octets).content
    for (let at = 0; at < 20; at++) {
      await inbox.append(Array.from({ length: 1000 }, () => message(octets, { content, summary: new Uint8Array(1000) })))
    }
    let count = 0
    const large = octetsOf('large', 20_000_000)
    const { longest } = await longestTurn(async () => {
      const appended = inbox.append([message(large)])
      for await (const page of inbox.records(ALL_UIDS, ['summary', 'source'])) count += page.length
      await inbox.flag(ALL_UIDS, { kind: 'add', flags: ['\\Seen'] })
      await appended
    })
    assert.ok(count >= 20_000)
    t.diagnostic(`longest stall ${longest.toFixed(1)} ms`)
    assert.ok(longest < 100, `${longest} ms`)
  })
}
