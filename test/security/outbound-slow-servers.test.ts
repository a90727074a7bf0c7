import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { QueueEntry, QueueLease } from 'mailwright/contracts'
import type { TransmissionReport } from '../../src/outbound/agent/transmission.ts'
import { Destinations } from '../../src/outbound/agent/destinations.ts'
import { all, stageOf } from '../outbound/agent-stage.ts'
import type { Stage } from '../outbound/agent-stage.ts'

/** Servers below `tar.example` say nothing for `ms`; all others take mail at once. */
function tarpits(ms: number, after: (ms: number, then: () => void) => void) {
  const began: string[] = []
  let now = 0
  let most = 0
  return {
    began,
    most: () => most,
    transmit: async (lease: QueueLease, signal: AbortSignal): Promise<TransmissionReport> => {
      began.push(lease.destination)
      if (!lease.destination.endsWith('.tar.example')) return { attempts: all(lease, 'delivered', '2.0.0') }
      most = Math.max(most, ++now)
      await new Promise<void>(resolve => {
        after(ms, resolve)
        signal.addEventListener('abort', () => resolve())
      })
      now -= 1
      return { attempts: all(lease, 'deferred', '4.4.2', 'no reply within 300000 ms'), unreachable: true }
    },
  }
}

async function stopped(stage: Stage): Promise<void> {
  const end = stage.agent.stop(0)
  await stage.pass(10)
  await end
}

for (const [domains, each] of [
  [60, 1],
  [60, 10],
  [150, 1],
] as const) {
  test(`${domains} tarpits with ${each} messages each, and 50 places: what goes elsewhere leaves all the same (RFC 5321 §4.5.3.2; S31)`, async () => {
    const pits = tarpits(300_000, (ms, then) => void stage.clock.after(ms, then))
    const stage = stageOf(pits.transmit, { maxConcurrency: 50 })
    for (let at = 0; at < each; at++) for (let pit = 0; pit < domains; pit++) await stage.enqueue([`bob@d${pit}.tar.example`])
    stage.agent.start()
    await stage.pass(1000)
    assert.equal(pits.most(), 50)
    await stage.enqueue(['zoe@quick.example'])
    await stage.pass(35_000)
    assert.deepEqual(stage.told, ['sent zoe@quick.example 2.0.0'])
    assert.ok(pits.most() <= 5 * 50, `${pits.most()} transactions at once`)
    await stopped(stage)
  })
}

test('one account’s 300 tarpits leave half of the places to others, and its mail waits untried (S31, S34)', async () => {
  const pits = tarpits(300_000, (ms, then) => void stage.clock.after(ms, then))
  const stage = stageOf(pits.transmit, { maxConcurrency: 50 })
  for (let pit = 0; pit < 300; pit++) await stage.enqueue([`bob@d${pit}.tar.example`], { account: 'mallory' })
  stage.agent.start()
  await stage.pass(120_000)
  for (let at = 0; at < 40; at++) {
    await stage.enqueue([`zoe@quick${at}.example`], { account: 'ann' })
    await stage.pass(500)
  }
  assert.equal(stage.told.length, 40)
  assert.ok(pits.most() <= 5 * 50, `${pits.most()} transactions at once`)
  let last: QueueEntry | undefined
  for await (const entry of stage.queue.list({ destination: 'd299.tar.example' })) last = entry
  assert.deepEqual(
    last?.recipients.map(({ state, attempts, last: said }) => [state, attempts, said?.code]),
    [['waiting', 0, '4.4.5']],
  )
  await stage.pass(1_200_000)
  assert.equal(new Set(pits.began.filter(name => name.endsWith('.tar.example'))).size, 300, 'every one has its try in the end')
  await stopped(stage)
})

test('domains by the hundred thousand fill neither memory nor the lists that each lease reads (S30, S31)', () => {
  let now = 0
  const destinations = new Destinations(
    () => ({}),
    () => now,
  )
  const listed = (): number => {
    const { closed, places } = destinations.places(() => 0)
    return closed.length + places.length
  }
  for (let at = 0; at < 100_000; at++) {
    destinations.begin(`good${at}.example`)
    destinations.end(`good${at}.example`, true)
    if (at % 1000 === 0) assert.ok(listed() <= 5000)
  }
  now += 61_000
  assert.equal(listed(), 0, 'what went well is forgotten after a minute')
  for (let at = 0; at < 100_000; at++) {
    for (let time = 0; time < 2; time++) {
      destinations.begin(`dead${at}.example`)
      destinations.end(`dead${at}.example`, false)
    }
    if (at % 1000 === 0) assert.ok(listed() <= 5000)
  }
  assert.ok(listed() <= 5000)
  destinations.begin('dead99999.example')
  destinations.end('dead99999.example', false)
  now += 60_000
  assert.ok(destinations.holdsUp('dead99999.example'), 'what fails again and again rests longer')
})
