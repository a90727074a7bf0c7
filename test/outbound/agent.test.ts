import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MailError } from 'mailwright/contracts'
import type { QueueLease } from 'mailwright/contracts'
import type { TransmissionReport } from '../../src/outbound/agent/transmission.ts'
import { all, stageOf } from './agent-stage.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

test('what the next hop takes is done, and nobody is told unless they asked (RFC 3461 §5.2.1)', async () => {
  const stage = stageOf(async lease => ({ attempts: all(lease, 'delivered', '2.0.0', 'taken', 'nobody') }))
  await stage.enqueue(['bob@far.example'])
  await stage.enqueue(['bea@far.example'], { recipients: [{ address: 'bea@far.example', notify: ['SUCCESS'] }] })
  stage.agent.start()
  await stage.pass(1000)
  assert.deepEqual(stage.told.slice(0, 2).toSorted(), ['sent bea@far.example 2.0.0', 'sent bob@far.example 2.0.0'])
  assert.deepEqual(
    stage.notified.map(({ action, recipient }) => [action, recipient.address]),
    [['relayed', 'bea@far.example']],
  )
  await stage.agent.stop(0)
})

test('a five-day bounce: warned after four hours, tried ever less often, given up with the last answer (RFC 5321 §4.5.4.1)', async () => {
  const tries: number[] = []
  const began = Date.UTC(2026, 0, 2, 3, 4, 5)
  const stage = stageOf(async lease => {
    if (lease.destination === 'example.org') return { attempts: all(lease, 'delivered', '2.0.0', 'here', 'final') }
    tries.push(stage.clock.now() - began)
    return { attempts: all(lease, 'deferred', '4.2.2', 'mailbox full') }
  })
  const id = await stage.enqueue(['bob@far.example'])
  stage.agent.start()
  await stage.pass(5 * DAY + HOUR)
  assert.deepEqual(
    tries.slice(0, 5).map(at => Math.round(at / MINUTE)),
    [0, 5, 20, 50, 110],
  )
  assert.equal(tries.at(-1), 5 * DAY, 'the last try is at the end of the lifetime')
  assert.ok(tries.length > 25 && tries.length < 45, `${tries.length} tries`)
  assert.deepEqual(
    stage.notified.map(({ action, status }) => `${action} ${status.code} ${status.text}`),
    ['delayed 4.2.2 mailbox full', 'failed 5.4.7 Gave up after 5 days; last answer: mailbox full'],
  )
  const entry = await stage.queue.show(id)
  assert.equal(entry?.recipients[0]?.state, 'failed')
  assert.deepEqual(
    stage.told.filter(line => line.startsWith('sent')),
    ['sent ann@example.org 2.0.0', 'sent ann@example.org 2.0.0'],
  )
  assert.deepEqual(stage.errors, [])
  await stage.agent.stop(0)
})

test('NOTIFY=NEVER is never, the null sender hears nothing, and a notification does not bounce (RFC 3461 §4.1; RFC 5321 §6.1)', async () => {
  const stage = stageOf(async lease => ({ attempts: all(lease, 'failed', '5.1.1', 'no such user') }))
  await stage.enqueue(['a@far.example'], { recipients: [{ address: 'a@far.example', notify: ['NEVER'] }] })
  await stage.enqueue(['b@far.example'], { from: '' })
  await stage.enqueue(['c@far.example'], { origin: 'notification', from: '' })
  await stage.enqueue(['d@far.example'], { recipients: [{ address: 'd@far.example', notify: ['DELAY'] }] })
  stage.agent.start()
  await stage.pass(10_000)
  assert.equal(stage.told.length, 4)
  assert.deepEqual(stage.notified, [])
  await stage.agent.stop(0)
})

test('who wants it there by a moment hears when it is late, or at once that nobody will say so (RFC 2852 §4.1.3, §4.1.4.2)', async () => {
  const stage = stageOf(async lease => ({
    attempts:
      lease.destination === 'old.example' ? all(lease, 'delivered', '2.0.0', 'taken', 'untimed') : all(lease, 'deferred', '4.2.2', 'full'),
  }))
  const deliverBy = { at: stage.clock.now() + 10 * MINUTE, mode: 'notify' as const }
  await stage.enqueue(['bob@far.example'], { deliverBy })
  await stage.enqueue(['bea@old.example'], { deliverBy })
  await stage.enqueue(['ben@old.example'], { deliverBy, recipients: [{ address: 'ben@old.example', notify: ['NEVER'] }] })
  await stage.enqueue(['cat@far.example'], { deliverBy: { ...deliverBy, mode: 'return' } })
  stage.agent.start()
  await stage.pass(9 * MINUTE)
  assert.deepEqual(
    stage.notified.map(({ action, recipient }) => [action, recipient.address]),
    [['relayed', 'bea@old.example']],
  )
  await stage.pass(2 * MINUTE)
  assert.deepEqual(
    stage.notified
      .slice(1)
      .map(({ action, recipient, status }) => `${action} ${recipient.address} ${status.code}`)
      .toSorted(),
    ['delayed bob@far.example 4.4.7', 'failed cat@far.example 5.4.7'],
  )
  await stage.agent.stop(0)
})

test('a destination gets few transactions at first, more while it goes well, and rests when it cannot be reached', async () => {
  let now = 0
  let most = 0
  let reach = true
  const release: (() => void)[] = []
  const stage = stageOf(
    lease =>
      new Promise<TransmissionReport>(resolve => {
        now += 1
        most = Math.max(most, now)
        release.push(() => {
          now -= 1
          resolve(reach ? { attempts: all(lease, 'delivered', '2.0.0') } : { attempts: all(lease, 'deferred', '4.4.1'), unreachable: true })
        })
      }),
    { destination: { initialConcurrency: 2, maxConcurrency: 5 } },
  )
  for (let i = 0; i < 60; i++) await stage.enqueue([`u${i}@far.example`])
  stage.agent.start()
  const peaks: number[] = []
  for (let round = 0; round < 12; round++) {
    await stage.pass(1)
    peaks.push(now)
    for (const end of release.splice(0)) end()
  }
  assert.deepEqual([peaks[0], Math.max(...peaks), most], [2, 5, 5], peaks.join(' '))
  assert.ok(peaks.every((peak, at) => at === 0 || peak >= (peaks[at - 1] ?? 0) || peak === 0 || at > 8))

  reach = false
  for (let i = 0; i < 20; i++) await stage.enqueue([`v${i}@far.example`])
  for (let round = 0; round < 6; round++) {
    await stage.pass(1)
    for (const end of release.splice(0)) end()
  }
  await stage.pass(30_000)
  assert.equal(now, 0, 'it rests')
  assert.ok((await stage.queue.counts()).waiting > 10, 'the rest waits, untried')
  reach = true
  await stage.pass(40 * MINUTE)
  for (let round = 0; round < 40; round++) {
    for (const end of release.splice(0)) end()
    await stage.pass(30_000)
  }
  assert.equal((await stage.queue.counts()).messages, 0)
  await stage.agent.stop(0)
})

test('a rate holds evenly over time', async () => {
  const at: number[] = []
  const stage = stageOf(
    async lease => {
      at.push(stage.clock.monotonic())
      return { attempts: all(lease, 'delivered', '2.0.0') }
    },
    { destination: domain => (domain === 'slow.example' ? { rate: { messages: 60, per: MINUTE } } : {}) },
  )
  for (let i = 0; i < 10; i++) await stage.enqueue([`u${i}@slow.example`])
  stage.agent.start()
  await stage.pass(30_000)
  assert.equal(at.length, 10)
  assert.ok(
    at.every((moment, i) => moment >= i * 1000 && moment < i * 1000 + 200),
    at.join(' '),
  )
  await stage.agent.stop(0)
})

test('one destination that hangs holds up nobody else, and the heartbeat keeps its lease', async () => {
  const stage = stageOf(
    lease =>
      lease.destination === 'hangs.example'
        ? new Promise(() => undefined)
        : Promise.resolve({ attempts: all(lease, 'delivered', '2.0.0') }),
    {
      maxConcurrency: 10,
    },
  )
  for (let i = 0; i < 8; i++) await stage.enqueue([`u${i}@hangs.example`])
  stage.agent.start()
  await stage.pass(5 * MINUTE)
  await stage.enqueue(['bob@far.example'])
  await stage.pass(1000)
  assert.deepEqual(stage.told, ['sent bob@far.example 2.0.0'])
  // What is slow keeps what it has, and nothing is kept ready for it.
  assert.equal((await stage.queue.counts()).leased, 3)
  const stopped = stage.agent.stop(1000)
  void stopped
})

test('a fault of ours defers the try by itself, is told, and loses nothing', async () => {
  let faults = 3
  const stage = stageOf(async lease => {
    if (faults-- > 0) throw new TypeError('a bug')
    return { attempts: all(lease, 'delivered', '2.0.0') }
  })
  await stage.enqueue(['bob@far.example'])
  stage.agent.start()
  await stage.pass(HOUR)
  assert.deepEqual(stage.told, [...Array.from({ length: 3 }, () => 'delayed bob@far.example 4.3.0'), 'sent bob@far.example 2.0.0'])
  assert.equal(stage.errors.length, 3)
  await stage.agent.stop(0)
})

test('while the queue cannot settle it is asked again, and the message is not sent twice', async () => {
  let tries = 0
  let fails = 4
  const base = stageOf(async () => ({ attempts: [] }))
  const { queue } = base
  const stage = stageOf(
    async lease => {
      tries += 1
      return { attempts: all(lease, 'delivered', '2.0.0') }
    },
    {
      queue: new Proxy(queue, {
        get(target, name) {
          if (name === 'settle' && fails-- > 0) return () => Promise.reject(new MailError('unavailable', 'the disk is full'))
          const value: unknown = Reflect.get(target, name)
          return typeof value === 'function' ? value.bind(target) : value
        },
      }),
    },
  )
  await stage.enqueue(['bob@far.example'])
  stage.agent.start()
  await stage.pass(20_000)
  assert.deepEqual([tries, stage.told.length, stage.errors.length], [1, 1, 4])
  await stage.agent.stop(0)
})

test('a stop lets running transactions end, cuts off what does not, and gives back what was not begun', async () => {
  const signals: AbortSignal[] = []
  let finish: (() => void) | undefined
  const stage = stageOf(
    (lease: QueueLease, signal) =>
      new Promise(resolve => {
        signals.push(signal)
        if (lease.recipients[0]?.address === 'quick@far.example') finish = () => resolve({ attempts: all(lease, 'delivered', '2.0.0') })
        else signal.addEventListener('abort', () => resolve({ attempts: [] }))
      }),
    { destination: { initialConcurrency: 2, maxConcurrency: 2 } },
  )
  for (const name of ['quick', 'slow', 'waits1', 'waits2']) await stage.enqueue([`${name}@far.example`])
  stage.agent.start()
  await stage.pass(10)
  assert.equal(signals.length, 2)
  const stopped = stage.agent.stop(5000)
  finish?.()
  await stage.pass(6000)
  await stopped
  assert.deepEqual(stage.told, ['sent quick@far.example 2.0.0'])
  assert.deepEqual(
    signals.map(({ aborted }) => aborted),
    [false, true],
  )
  const { waiting, leased } = await stage.queue.counts()
  assert.deepEqual([waiting, leased], [3, 0])
})

test('many messages for destinations at a pace do not stop the others, nor each other', async () => {
  const stage = stageOf(async lease => ({ attempts: all(lease, 'delivered', '2.0.0') }), {
    maxConcurrency: 4,
    destination: domain => (domain.startsWith('slow') ? { rate: { messages: 1, per: 1000 } } : {}),
  })
  for (let at = 0; at < 60; at++) await stage.enqueue([`u${at}@slow${at % 6}.example`])
  for (let at = 0; at < 20; at++) await stage.enqueue([`u${at}@quick.example`])
  stage.agent.start()
  await stage.pass(500)
  assert.equal(stage.told.filter(line => line.includes('quick')).length, 20)
  await stage.pass(10_000)
  assert.equal(stage.told.length, 80)
  await stage.agent.stop(0)
})
