/** What one connection and one account are sent stays within a budget, however much is asked for (RFC 9051 §6.4.5; RFC 1939 §5; P7). */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Engine, Transport } from 'mailwright/contracts'
import { imapEngine } from 'mailwright/imap'
import type { Bandwidth } from 'mailwright/imap'
import { pop3Engine } from 'mailwright/pop3'
import { FAKE_TLS, fakeClock, fakeConnection } from 'mailwright/testing'
import type { FakePeer } from 'mailwright/testing'
import { Bandwidths, MeteredTransport } from '../../src/engine/bandwidth.ts'
import { connectionOf } from '../pop3/raw.ts'
import { mailOf, makeWorld } from '../pop3/world.ts'
import type { World } from '../pop3/world.ts'

const MESSAGES = 20
const SIZE = 20_000
/** What is gathered before it is written, and a message on top: so much one write may be beyond the budget. */
const ONE_WRITE = 65_536 + SIZE + 1000
const UNLIMITED = { burst: Number.MAX_SAFE_INTEGER, rate: 1 }

const greeted: Readonly<Record<'imap' | 'pop3', string>> = {
  imap: 'a LOGIN ann@example.org "correct horse"\r\nb EXAMINE INBOX\r\n',
  pop3: 'USER ann@example.org\r\nPASS correct horse\r\n',
}

async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await new Promise(resolve => setImmediate(resolve))
}

async function house(): Promise<World> {
  return makeWorld({ messages: Array.from({ length: MESSAGES }, () => mailOf(SIZE)) })
}

/** A client that is logged in and has asked for something. */
class Reader {
  readonly peer: FakePeer
  readonly done: Promise<void>
  octets = 0

  constructor(engine: Engine, asks: string) {
    const { transport, peer } = fakeConnection({ tls: FAKE_TLS })
    this.peer = peer
    this.done = engine.serve(transport, { ...connectionOf(transport), protocol: engine.protocol })
    peer.send(new TextEncoder().encode(greeted[engine.protocol === 'imap' ? 'imap' : 'pop3'] + asks))
  }

  /** Counts what has come. */
  take(): number {
    this.octets += this.peer.take().length
    return this.octets
  }
}

/** They leave; how many octets they had. */
async function parted(world: World, readers: readonly Reader[]): Promise<number> {
  let octets = 0
  for (const reader of readers) {
    octets += reader.take()
    reader.peer.vanish()
  }
  let over = false
  const done = Promise.all(readers.map(reader => reader.done)).then(() => (over = true))
  // Whoever has let others go first waits for a turn of the clock.
  while (!over) {
    world.test.clock.advance(0)
    await settle()
  }
  await done
  return octets
}

const RETRIEVE = Array.from({ length: MESSAGES }, (_, index) => `RETR ${index + 1}\r\n`).join('')
const budget = { burst: 100_000, rate: 10_000 }
const engines: Readonly<Record<string, (world: World, bandwidth: Bandwidth) => { readonly engine: Engine; readonly asks: string }>> = {
  IMAP: ({ test: { host } }, bandwidth) => ({
    engine: imapEngine(host, { bandwidth, sessionsPerAccount: 1000 }),
    asks: 'c FETCH 1:* BODY[]\r\n',
  }),
  POP3: ({ test: { host } }, bandwidth) => ({ engine: pop3Engine(host, { bandwidth }), asks: RETRIEVE }),
}

for (const [name, make] of Object.entries(engines)) {
  test(`${name}: a connection is sent a burst, and then so much a second, until it has everything (P7)`, async () => {
    const world = await house()
    const { engine, asks } = make(world, { connection: budget, account: UNLIMITED })
    const reader = new Reader(engine, asks)
    // The burst comes at once, as soon as the password was checked, which takes no time of this clock.
    while (reader.take() < budget.burst) await settle()
    let seconds = 0
    for (; reader.octets < MESSAGES * SIZE; seconds++) {
      assert.ok(reader.octets <= budget.burst + seconds * budget.rate + ONE_WRITE, `${reader.octets} octets after ${seconds} s`)
      assert.ok(reader.octets >= budget.burst + seconds * budget.rate - ONE_WRITE, `${reader.octets} octets after ${seconds} s`)
      world.test.clock.advance(1000)
      await settle()
      reader.take()
    }
    assert.ok(seconds >= (MESSAGES * SIZE - budget.burst - ONE_WRITE) / budget.rate)
    reader.peer.vanish()
    await reader.done
  })

  test(`${name}: a hundred connections of one account share its budget, those that come back too (P7)`, async () => {
    const world = await house()
    const { engine, asks } = make(world, { connection: UNLIMITED, account: budget })
    const connections = 100
    const begun = async (): Promise<Reader[]> => {
      const all = Array.from({ length: connections }, () => new Reader(engine, asks.repeat(3)))
      while (all.some(reader => reader.take() < SIZE)) await settle()
      return all
    }
    let readers = await begun()
    let gone = 0
    const SECONDS = 120
    for (let second = 0; second < SECONDS; second++) {
      await settle()
      for (const reader of readers) reader.take()
      if (second === 60) {
        gone = await parted(world, readers)
        readers = await begun()
      }
      world.test.clock.advance(1000)
    }
    const total = gone + (await parted(world, readers))
    // Everybody overdraws it by one write at most; who waits for that to be paid back is served in turn.
    assert.ok(total <= budget.burst + SECONDS * budget.rate + 2 * connections * ONE_WRITE, `${total} octets`)
    assert.ok(total >= budget.burst + SECONDS * budget.rate - ONE_WRITE, `${total} octets`)
  })

  test(`${name}: who leaves while it waits is let go at once (P7)`, async () => {
    const world = await house()
    const { engine, asks } = make(world, { connection: { burst: 1, rate: 1 } })
    const reader = new Reader(engine, asks)
    await settle()
    reader.peer.vanish()
    await reader.done
  })
}

/** Swallows everything at once. */
const drain = { signal: new AbortController().signal, isSent: true, write: () => undefined } as unknown as Transport

test('by default 20 GB at 100 Mbit/s are never held back, and a gigabit line takes about a quarter of an hour (P7)', () => {
  const piece = new Uint8Array(1_000_000)
  const sent = (octetsPerSecond: number): { readonly waits: number; readonly seconds: number } => {
    const clock = fakeClock()
    const transport = new MeteredTransport(drain, new Bandwidths(clock))
    transport.chargeTo('ann')
    let waits = 0
    for (let octets = 0; octets < 20e9; octets += piece.length) {
      clock.advance((piece.length / octetsPerSecond) * 1000)
      if (transport.write(piece) === undefined) continue
      waits++
      clock.advance(clock.untilNext ?? 0)
    }
    return { waits, seconds: clock.monotonic() / 1000 }
  }
  assert.equal(sent(12.5e6).waits, 0)
  const fast = sent(125e6)
  assert.ok(fast.waits > 0 && fast.seconds < 1000, `${fast.seconds} s`)
})

test('a budget comes back while nothing is sent, and no further than the burst', () => {
  const clock = fakeClock()
  const bandwidths = new Bandwidths(clock, { account: { burst: 1000, rate: 100 } })
  const spend = (octets: number): number => bandwidths.spend('ann', octets, clock.monotonic())
  assert.deepEqual([spend(1000), spend(50), spend(50)], [0, 500, 1000])
  clock.advance(1000)
  assert.equal(spend(0), 0)
  clock.advance(3_600_000)
  assert.deepEqual([spend(1000), spend(100)], [0, 1000])
  // Many others do not make it forget a debt.
  for (let other = 0; other < 5000; other++) bandwidths.spend(`other ${other}`, 1, clock.monotonic())
  assert.equal(spend(0), 1000)
})

test('a budget that lets nothing through is refused with the engine (P7)', async () => {
  const { host } = (await house()).test
  for (const wrong of [
    { burst: 1, rate: 0 },
    { burst: -1, rate: 1 },
    { burst: Number.NaN, rate: 1 },
  ]) {
    assert.throws(() => imapEngine(host, { bandwidth: { connection: wrong } }), { code: 'MW_BANDWIDTH' })
    assert.throws(() => pop3Engine(host, { bandwidth: { account: wrong } }), { code: 'MW_BANDWIDTH' })
  }
})
