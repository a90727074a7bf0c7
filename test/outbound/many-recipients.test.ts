/** One sender's hundred thousand recipients: what they cost whoever queues them, and whoever comes after. RFC 5321 §4.5.4. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { createMailServer } from 'mailwright'
import type { Queue, QueueLease } from 'mailwright/contracts'
import { memoryDirectory } from 'mailwright/directories/memory'
import { memoryQueue } from 'mailwright/outbound'
import { memoryStore } from 'mailwright/stores/memory'
import { sqliteStore } from 'mailwright/stores/sqlite'
import { longestTurn } from '../support/processor-time.ts'
import { stageOf } from './agent-stage.ts'

const MANY = 100_000
const DOMAINS = 1000
const TEXT = 'From: ann@example.org\r\nSubject: news\r\n\r\nGood news\r\n'
const readers = Array.from({ length: MANY }, (_, at) => `reader${at}@d${at % DOMAINS}.example`)

const delivered = (leases: readonly QueueLease[]): Parameters<Queue['settle']>[0] =>
  leases.map(({ id, token, recipients }) => ({
    id,
    token,
    outcomes: recipients.map(({ index }) => ({
      index,
      outcome: { kind: 'delivered', status: { at: 0, code: '2.0.0', text: 'ok' } } as const,
    })),
  }))

test(
  'one message to 100,000 recipients holds the loop up for no more than 100 ms, and another account’s single one is among the first to leave',
  { timeout: 120_000 },
  async t => {
    const folder = mkdtempSync(join(tmpdir(), 'mailwright-many-'))
    const store = sqliteStore({ path: folder })
    const { queue } = store
    const server = createMailServer({ hostname: 'mx.example.org', store, directory: memoryDirectory(), listeners: {}, outbound: {} })
    try {
      const before = process.memoryUsage.rss()
      const sent = await longestTurn(() => server.send({ raw: TEXT, envelope: { from: 'ann@example.org', to: readers }, account: 'ann' }))
      const grown = (process.memoryUsage.rss() - before) / 1e6
      t.diagnostic(`queued, longest turn ${sent.longest.toFixed(0)} ms of processor time, ${grown.toFixed(0)} MB more`)
      assert.ok(sent.longest < 100, `a turn of ${sent.longest.toFixed(0)} ms`)
      assert.ok(grown < 400, `${grown.toFixed(0)} MB`)
      // Already under way when the single one comes.
      const first = await queue.lease({ limit: 20, leaseMs: 60_000 })
      const { id } = await server.send({ raw: TEXT, envelope: { from: 'ben@example.org', to: 'x@d1.example' }, account: 'ben' })
      const next = await queue.lease({ limit: 50, leaseMs: 60_000 })
      const place = next.findIndex(lease => lease.id === id)
      assert.ok(place >= 0 && place < 2, `the single message is the ${place}. lease`)
      assert.ok(next.every(({ recipients }) => recipients.length <= 100))
      await queue.settle(delivered([...first, ...next]))
      // The rest comes whole, each recipient once.
      let seen = [...first, ...next].flatMap(({ recipients }) => recipients).length
      const addresses = new Set([...first, ...next].flatMap(({ recipients }) => recipients.map(({ address }) => address)))
      for (;;) {
        const leases = await queue.lease({ limit: 500, leaseMs: 600_000 })
        if (leases.length === 0) break
        for (const { recipients } of leases) for (const { address } of recipients) addresses.add(address)
        seen += leases.flatMap(({ recipients }) => recipients).length
      }
      assert.deepEqual([seen, addresses.size], [MANY + 1, MANY + 1])
    } finally {
      await server.close()
      await store.close()
      rmSync(folder, { recursive: true })
    }
  },
)

test('in memory too a single message passes 100,000 recipients of another account', { timeout: 120_000 }, async () => {
  const queue = memoryQueue()
  const server = createMailServer({
    hostname: 'mx.example.org',
    store: memoryStore(),
    directory: memoryDirectory(),
    listeners: {},
    outbound: { queue },
  })
  await server.send({ raw: TEXT, envelope: { from: 'ann@example.org', to: readers }, account: 'ann' })
  await queue.lease({ limit: 3, leaseMs: 60_000 })
  const { id } = await server.send({ raw: TEXT, envelope: { from: 'ben@example.org', to: 'x@d1.example' }, account: 'ben' })
  const leases = await queue.lease({ limit: 3, leaseMs: 60_000 })
  assert.ok(leases.slice(0, 2).some(lease => lease.id === id))
  await server.close()
})

test(
  'an agent that is busy with 100,000 recipients has time for another account within two transactions',
  { timeout: 240_000 },
  async t => {
    const TRANSACTION = 10_000
    let ben: number | undefined
    let transactions = 0
    const stage = stageOf(async ({ envelope, recipients }) => {
      transactions++
      if (envelope.account === 'ben') ben = stage.clock.now()
      else await new Promise<void>(resolve => void stage.clock.after(TRANSACTION, resolve))
      const status = { at: stage.clock.now(), code: '2.0.0', text: 'ok' } as const
      return { attempts: recipients.map(({ index }) => ({ index, kind: 'delivered', status })) }
    })
    await stage.enqueue(readers, { account: 'ann' })
    stage.agent.start()
    await stage.pass(2.5 * TRANSACTION)
    const before = transactions
    assert.ok(before > 10, `${before} transactions are under way`)
    const came = stage.clock.now()
    await stage.enqueue(['x@d1.example'], { from: 'ben@example.org', account: 'ben' })
    await stage.pass(2 * TRANSACTION)
    assert.ok(ben !== undefined, 'it left')
    t.diagnostic(
      `${before} transactions of the one before; the other waited ${(ben - came) / 1000} s, a transaction takes ${TRANSACTION / 1000} s`,
    )
    assert.ok(ben - came <= 2 * TRANSACTION)
    await Promise.all([stage.agent.stop(0), stage.pass(TRANSACTION)])
  },
)
