/** Pauses by destination, sender and account; and listening for what falls due. */

import type { QueuePause } from '../../contracts/index.ts'
import { addressesOf, deferred, letter, MINUTE, put, type QueueCase, refuses, said, same, statesOf, take, takeOne } from './world.ts'

const rules: readonly QueuePause[] = [{ destination: 'one.example' }, { from: 'ann@example.org' }, { account: 'ann' }]

export const pauseCases: readonly QueueCase[] = [
  {
    name: 'What matches a pause is not leased, whether it was there before or came after, until it is resumed',
    async run(world) {
      for (const rule of rules) {
        const other = await world.another()
        await put(other, 'a@one.example', { from: 'ann@example.org', account: 'ann' })
        await put(other, 'b@two.example', { from: 'bob@example.org', account: 'bob' })
        await other.queue.pause(rule)
        await other.queue.pause(rule)
        const id = await put(other, 'c@one.example', { from: 'ann@example.org', account: 'ann' })
        same(`${JSON.stringify(rule)} is in force, once`, await other.queue.paused(), [rule])
        same('what does not match is leased', addressesOf(await take(other)), ['b@two.example'])
        same('what does waits', await statesOf(other, id), ['waiting'])
        same('nothing falls due but the end of the lease', await other.queue.nextDue(), other.clock.now() + MINUTE)
        await other.queue.resume(rule)
        await other.queue.resume(rule)
        same('no pause is left', await other.queue.paused(), [])
        same('both are leased', addressesOf(await take(other)), ['a@one.example', 'c@one.example'])
      }
    },
  },
  {
    name: 'A lease outlives a pause; what it puts off, or leaves, is paused',
    async run(world) {
      await put(world, 'a@one.example')
      await put(world, 'b@one.example')
      const leases = await take(world)
      await world.queue.pause({ destination: 'one.example' })
      const [first, second] = leases
      if (first === undefined || second === undefined) throw new Error('two leases were due')
      same('tokens are good', await world.queue.renew(leases, MINUTE), [])
      await world.queue.settle([deferred(world, first, 0)])
      world.clock.advance(2 * MINUTE)
      same('neither is leased, put off or run out', await take(world), [])
      await world.queue.resume({ destination: 'one.example' })
      same('both come then', addressesOf(await take(world)), ['a@one.example', 'b@one.example'])
    },
  },
  {
    name: 'What two pauses match waits for the end of both',
    async run(world) {
      await put(world, 'a@one.example', { account: 'ann' })
      for (const rule of rules) await world.queue.pause(rule)
      same('three are in force', (await world.queue.paused()).length, 3)
      await world.queue.resume({ account: 'ann' })
      same('not yet', await take(world), [])
      await world.queue.resume({ destination: 'one.example' })
      same('nor now', await take(world), [])
      await world.queue.resume({ from: 'ann@example.org' })
      same('now', (await take(world)).length, 1)
    },
  },
  {
    name: 'Release and retry do not get past a pause',
    async run(world) {
      const later = world.clock.now() + 60 * MINUTE
      await put(world, 'a@one.example', { notBefore: later })
      await put(world, 'b@one.example')
      await world.queue.hold({ recipient: 'b@one.example' })
      await world.queue.pause({ destination: 'one.example' })
      same('one is released', await world.queue.release({}), 1)
      same('both are to be retried', await world.queue.retry({}), 2)
      same('nothing is leased', await take(world), [])
      await world.queue.resume({ destination: 'one.example' })
      same('both are due', addressesOf(await take(world)), ['a@one.example', 'b@one.example'])
    },
  },
  {
    name: 'A pause names one thing',
    async run(world) {
      await refuses('nothing', world.queue.pause({} as QueuePause), 'invalid')
      await refuses('two things', world.queue.pause({ destination: 'one.example', account: 'ann' }), 'invalid')
      same('none is in force', await world.queue.paused(), [])
    },
  },
  {
    name: 'Listeners are called when something may have become due, until they stop',
    async run(world) {
      let calls = 0
      const stop = world.queue.watch(() => void calls++)
      const called = async (what: string, act: () => Promise<unknown>): Promise<void> => {
        calls = 0
        await act()
        await new Promise(resolve => setTimeout(resolve, 0))
        same(`called after ${what}`, calls > 0, true)
      }
      await called('enqueue', () => put(world, 'a@one.example'))
      await called('retry', () => world.queue.retry({}))
      await world.queue.hold({})
      await called('release', () => world.queue.release({}))
      await world.queue.pause({ destination: 'one.example' })
      await called('resume', () => world.queue.resume({ destination: 'one.example' }))
      const lease = await takeOne(world)
      await called('a notification', () =>
        world.queue.settle([{ ...lease, outcomes: [{ index: 0, outcome: { kind: 'failed', status: said(world, 'no', '5.0.0') } }] }], {
          notifications: [{ about: lease.id, message: letter('ann@example.org', { from: '', origin: 'notification' }) }],
        }),
      )
      stop()
      calls = 0
      await put(world)
      await new Promise(resolve => setTimeout(resolve, 0))
      same('not any more', calls, 0)
    },
  },
]
