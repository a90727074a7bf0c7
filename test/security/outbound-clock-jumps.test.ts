import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TransmissionReport } from '../../src/outbound/agent/transmission.ts'
import { memoryQueue } from 'mailwright/outbound'
import type { Clock } from 'mailwright/contracts'
import { fakeClock } from '../../src/testing/fake-clock.ts'
import { DeliveryAgent } from '../../src/outbound/agent/agent.ts'
import { setImmediate } from 'node:timers/promises'
import { all, source } from '../outbound/agent-stage.ts'

const DAY = 86_400_000

for (const jump of [-DAY, DAY]) {
  test(`the system clock is set ${jump < 0 ? 'back' : 'forward'} by a day under way: nothing is lost, each lease repeats once at most, and new mail leaves at once (D15)`, async () => {
    const fake = fakeClock()
    let set = 0
    const clock: Clock = { now: () => fake.now() + set, monotonic: () => fake.monotonic(), after: (ms, then) => fake.after(ms, then) }
    const queue = memoryQueue({ clock })
    const began: string[] = []
    const told: string[] = []
    const agent = new DeliveryAgent({
      queue,
      transmit: async (lease): Promise<TransmissionReport> => {
        began.push(lease.destination)
        if (lease.destination === 'slow.example') await new Promise<void>(resolve => void fake.after(240_000, resolve))
        if (lease.destination === 'late.example' && began.filter(name => name === 'late.example').length === 1)
          return { attempts: all(lease, 'deferred', '4.2.1') }
        return { attempts: all(lease, 'delivered', '2.0.0') }
      },
      notify: () => Promise.resolve([]),
      clock,
      random: { bytes: length => new Uint8Array(length).fill(128) },
      events: { emit: (name, event) => void told.push(`${name} ${'recipient' in event ? JSON.stringify(event.recipient) : ''}`) },
    })
    const pass = async (ms: number): Promise<void> => {
      for (const until = fake.monotonic() + ms; ;) {
        for (let turn = 0; turn < 12; turn++) await setImmediate()
        if (fake.monotonic() >= until) return
        fake.advance(Math.min(until - fake.monotonic(), Math.max(1, fake.untilNext ?? ms)))
      }
    }
    const enqueue = (address: string): Promise<unknown> =>
      queue.enqueue({
        from: 'ann@example.org',
        origin: 'submission',
        recipients: [{ address }],
        content: source('Subject: x\r\n\r\nx\r\n'),
      })
    await enqueue('a@slow.example')
    await enqueue('b@late.example')
    agent.start()
    await pass(1000)
    set = jump
    await pass(30_000)
    await enqueue('c@new.example')
    await pass(1000)
    assert.ok(told.includes('sent "c@new.example"'))
    await pass(300_000)
    assert.equal(told.filter(line => line === 'sent "a@slow.example"').length, 1)
    // Forward, its lease had run out before the heartbeat came: it begins again, once, and the first end counts for nothing.
    assert.equal(began.filter(name => name === 'slow.example').length, jump < 0 ? 1 : 2)
    // What was to be tried again at a time that is now a day off is tried by then, and not given up.
    await pass(2 * DAY)
    assert.equal(told.filter(line => line === 'sent "b@late.example"').length, 1)
    assert.ok(
      told.every(line => !line.startsWith('error') && !line.startsWith('bounced')),
      told.join('\n'),
    )
    await agent.stop(0)
  })
}
