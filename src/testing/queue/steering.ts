/** What the operator does by message, sender, account, destination, recipient or state. */

import type { QueueSelector } from '../../contracts/index.ts'
import { addressesOf, deferred, delivered, entryOf, idsOf, MINUTE, put, type QueueCase, same, statesOf, take, takeOne } from './world.ts'

export const steeringCases: readonly QueueCase[] = [
  {
    name: 'Held recipients are not leased until released, and are due at once then',
    async run(world) {
      const id = await put(world, ['a@one.example', 'b@two.example'], { notBefore: world.clock.now() + 60 * MINUTE })
      same('two are held', await world.queue.hold({ id }), 2)
      same('again none', await world.queue.hold({ id }), 0)
      world.clock.advance(MINUTE)
      same('nothing is due', [await take(world), await world.queue.nextDue()], [[], undefined])
      same('they are shown as held', await statesOf(world, id), ['held', 'held'])
      same('one is released', await world.queue.release({ id, destination: 'two.example' }), 1)
      same('it is due', addressesOf(await take(world)), ['b@two.example'])
      same('the other is held', await statesOf(world, id), ['held', 'leased'])
      same('released too', await world.queue.release({}), 1)
      same('it is due as well', addressesOf(await take(world)), ['a@one.example'])
    },
  },
  {
    name: 'Holding leaves alone what is leased or settled; what is new is not held',
    async run(world) {
      const id = await put(world)
      const lease = await takeOne(world)
      same('nothing waits', await world.queue.hold({}), 0)
      same('the lease counts', await world.queue.settle([deferred(world, lease, MINUTE)]), [])
      same('now it is held', await world.queue.hold({}), 1)
      await put(world, 'new@example.com')
      world.clock.advance(MINUTE)
      same('what is new is due', addressesOf(await take(world)), ['new@example.com'])
      same('the other is held', await statesOf(world, id), ['held'])
    },
  },
  {
    name: 'Who comes back late with a lease of what was held meanwhile still counts',
    async run(world) {
      const id = await put(world)
      const lease = await takeOne(world)
      world.clock.advance(2 * MINUTE)
      same('the lease ran out, so it waits', await world.queue.hold({ id }), 1)
      same('the heartbeat comes too late', await world.queue.renew([lease], MINUTE), [lease.token])
      same('it was delivered all the same', await world.queue.settle([delivered(world, lease)]), [])
      same('and is not held', [await statesOf(world, id), await world.queue.release({})], [['delivered'], 0])
    },
  },
  {
    name: 'Waiting recipients fall due at once when asked to',
    async run(world) {
      const id = await put(world, ['a@one.example', 'b@two.example'])
      const leases = await take(world)
      await world.queue.settle(leases.map(lease => deferred(world, lease, 60 * MINUTE)))
      same('nothing is due', await take(world), [])
      same('one is retried', await world.queue.retry({ recipient: 'b@two.example' }), 1)
      same('it is due now', addressesOf(await take(world)), ['b@two.example'])
      same('one waits', await world.queue.retry({}), 1)
      same('it is due too', addressesOf(await take(world)), ['a@one.example'])
      same(
        'tries are not forgotten',
        (await entryOf(world, id)).recipients.map(({ attempts }) => attempts),
        [1, 1],
      )
      await world.queue.hold({})
      same('what is leased is not retried', await world.queue.retry({}), 0)
    },
  },
  {
    name: 'Removed recipients are gone: nobody leases them, leases on them are void, their content goes',
    async run(world) {
      const id = await put(world, ['a@one.example', 'b@two.example', 'c@three.example'])
      await world.queue.hold({ destination: 'three.example' })
      const [one] = await take(world, { limit: 1 })
      if (one === undefined) throw new Error('a lease was due')
      same('all three', await world.queue.remove({ id }), 3)
      same('again none', await world.queue.remove({ id }), 0)
      same('nothing is due', [await take(world), await world.queue.nextDue()], [[], undefined])
      same('the token is void', await world.queue.settle([delivered(world, one)]), [one.token])
      same('for the heartbeat too', await world.queue.renew([one], MINUTE), [one.token])
      same('they are shown as removed', await statesOf(world, id), ['removed', 'removed', 'removed'])
      same('the content is gone', await world.queue.content(id), undefined)
      same('the queue is empty', [(await world.queue.counts()).messages, await idsOf(world)], [0, []])
      same('what is delivered cannot be removed', await world.queue.remove({ state: 'delivered' }), 0)
    },
  },
  {
    name: 'A selector means what all of its parts mean',
    async run(world) {
      const first = await put(world, ['a@one.example', 'b@two.example'], { from: 'ann@example.org', account: 'ann' })
      await put(world, ['a@one.example', 'c@two.example'], { from: 'bob@example.org', account: 'bob' })
      await put(world, 'a@one.example', { from: 'ann@example.org', account: 'bob' })
      await put(world, 'd@three.example', { from: '', origin: 'notification' })
      const selectors: readonly (readonly [QueueSelector, number])[] = [
        [{}, 6],
        [{ id: first }, 2],
        [{ id: 'nothing' }, 0],
        [{ from: 'ann@example.org' }, 3],
        [{ from: '' }, 1],
        [{ from: 'ann' }, 0],
        [{ account: 'bob' }, 3],
        [{ destination: 'two.example' }, 2],
        [{ destination: 'example' }, 0],
        [{ recipient: 'a@one.example' }, 3],
        [{ recipient: 'a@one.example', destination: 'two.example' }, 0],
        [{ from: 'ann@example.org', account: 'bob' }, 1],
        [{ id: first, destination: 'two.example' }, 1],
        [{ account: 'bob', destination: 'one.example' }, 2],
        [{ account: 'ann', recipient: 'b@two.example', from: 'ann@example.org', id: first }, 1],
        [{ state: 'waiting' }, 6],
        [{ state: 'leased' }, 0],
        [{ state: 'delivered' }, 0],
      ]
      for (const [selector, count] of selectors) {
        same(`hold ${JSON.stringify(selector)}`, await world.queue.hold(selector), count)
        same('as many are held', (await world.queue.counts()).held, count)
        same(`release ${JSON.stringify(selector)}`, await world.queue.release({ ...selector, state: 'held' }), count)
      }
    },
  },
]
