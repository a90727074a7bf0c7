/** The fencing: who lost a lease cannot act on it. */

import {
  all,
  deferred,
  delivered,
  entryOf,
  idsOf,
  letter,
  MINUTE,
  put,
  type QueueCase,
  said,
  same,
  statesOf,
  take,
  takeOne,
} from './world.ts'

export const tokenCases: readonly QueueCase[] = [
  {
    name: 'Once somebody else leased, the old token is void: its settlement changes nothing, and the new holder’s counts',
    async run(world) {
      const id = await put(world)
      const frozen = await takeOne(world)
      world.clock.advance(MINUTE)
      const second = await takeOne(world)
      const late = all(frozen, { kind: 'failed', status: said(world, 'no such user', '5.1.1') })
      same('the old token is answered', await world.queue.settle([late]), [frozen.token])
      same('nothing changed', await statesOf(world, id), ['leased'])
      same('nor does its heartbeat count', await world.queue.renew([frozen, second], MINUTE), [frozen.token])
      same('the new one is good', await world.queue.settle([delivered(world, second)]), [])
      same('it is delivered', await statesOf(world, id), ['delivered'])
      same('once settled the token is void', await world.queue.settle([delivered(world, second)]), [second.token])
      same('it counts once', (await entryOf(world, id)).recipients[0]?.attempts, 1)
    },
  },
  {
    name: 'A lease that ran out is good until somebody else leases: what a server said stays true',
    async run(world) {
      const id = await put(world)
      const lease = await takeOne(world)
      world.clock.advance(10 * MINUTE)
      same('nothing else is due', await take(world, { except: ['example.net'] }), [])
      same('the token is good', await world.queue.settle([delivered(world, lease)]), [])
      same('it is delivered', await statesOf(world, id), ['delivered'])
      same('nobody leases it again', await take(world), [])
      await put(world)
      const other = await takeOne(world)
      world.clock.advance(10 * MINUTE)
      same('the heartbeat of one that ran out brings it back', await world.queue.renew([other], MINUTE), [])
      same('so that nobody else gets it', await take(world), [])
    },
  },
  {
    name: 'A notification is queued with the settlement, and not at all when the token is void',
    async run(world) {
      const id = await put(world)
      const frozen = await takeOne(world)
      world.clock.advance(MINUTE)
      const second = await takeOne(world)
      const bounce = letter('ann@example.org', { from: '', origin: 'notification', text: 'it failed' })
      const notifications = [{ about: id, message: bounce }]
      const failed = { kind: 'failed', status: said(world, 'no', '5.1.1') } as const
      same('the old token is void', await world.queue.settle([all(frozen, failed)], { notifications }), [frozen.token])
      same('nothing was said', await idsOf(world), [id])
      same('the new one is good', await world.queue.settle([all(second, failed)], { notifications }), [])
      const [left, ...more] = await idsOf(world)
      same('one notification waits, and nothing else', more, [])
      same('it goes to the sender', (await entryOf(world, left ?? '')).recipients[0]?.address, 'ann@example.org')
      same('again says nothing', await world.queue.settle([all(second, failed)], { notifications }), [second.token])
      same('one notification', (await idsOf(world)).length, 1)
      const lease = await takeOne(world)
      same('it is due at once, from nobody', [lease.envelope.from, lease.envelope.origin], ['', 'notification'])
    },
  },
  {
    name: 'A notification that names its settlement stands with that one alone',
    async run(world) {
      const id = await put(world, ['a@one.example', 'b@two.example'])
      const [one, two] = await take(world)
      if (one === undefined || two === undefined) throw new Error('two leases were due')
      await world.queue.remove({ recipient: two.recipients[0]?.address ?? '' })
      const failed = { kind: 'failed', status: said(world, 'no', '5.1.1') } as const
      const told = (lease: typeof one, text: string) => ({
        about: id,
        token: lease.token,
        message: letter('ann@example.org', { from: '', origin: 'notification', envelopeId: text }),
      })
      const lost = await world.queue.settle([all(one, failed), all(two, failed)], { notifications: [told(one, 'one'), told(two, 'two')] })
      same('one token is void', lost, [two.token])
      const waiting = await take(world)
      same(
        'what belongs to the good one is said',
        waiting.map(({ envelope }) => envelope.envelopeId),
        ['one'],
      )
    },
  },
  {
    name: 'A settlement whose notification cannot be queued changes nothing',
    async run(world) {
      const id = await put(world)
      const lease = await takeOne(world)
      const failing = world.queue.settle([delivered(world, lease)], { notifications: [{ about: id, message: letter('nowhere') }] })
      same(
        'it rejects',
        await failing.then(
          () => 'resolved',
          () => 'rejected',
        ),
        'rejected',
      )
      same('the lease is held still', [await statesOf(world, id), await take(world)], [['leased'], []])
      same('and can be settled', await world.queue.settle([delivered(world, lease)]), [])
    },
  },
  {
    name: 'Tokens and ids that never were are void',
    async run(world) {
      await put(world)
      const lease = await takeOne(world)
      const outcomes = [{ index: 0, outcome: { kind: 'delivered', status: said(world) } as const }]
      const made = [
        { id: 'nothing', token: lease.token, outcomes },
        { id: lease.id, token: 'made up', outcomes },
        { id: `${lease.id}9`, token: lease.token, outcomes },
      ]
      same(
        'all are answered',
        await world.queue.settle(made),
        made.map(({ token }) => token),
      )
      same('the lease is held still', await world.queue.renew([lease], MINUTE), [])
      same('no heartbeat either', await world.queue.renew([{ id: lease.id, token: 'made up' }], MINUTE), ['made up'])
    },
  },
  {
    name: 'One void settlement among others does not keep them',
    async run(world) {
      const ids = [await put(world, 'a@one.example'), await put(world, 'b@one.example'), await put(world, 'c@one.example')]
      const leases = await take(world)
      await world.queue.remove({ id: ids[1] ?? '' })
      const gone = leases.find(({ id }) => id === ids[1])
      same('one is void', await world.queue.settle(leases.map(lease => delivered(world, lease))), [gone?.token])
      same(
        'the others count',
        [await statesOf(world, ids[0] ?? ''), await statesOf(world, ids[1] ?? ''), await statesOf(world, ids[2] ?? '')],
        [['delivered'], ['removed'], ['delivered']],
      )
    },
  },
  {
    name: 'A token is void after its recipients were put off, though nobody else leased',
    async run(world) {
      const id = await put(world)
      const lease = await takeOne(world)
      await world.queue.settle([deferred(world, lease, 5 * MINUTE)])
      same('it is void', await world.queue.settle([delivered(world, lease)]), [lease.token])
      same('for the heartbeat too', await world.queue.renew([lease], MINUTE), [lease.token])
      same('it waits', await statesOf(world, id), ['waiting'])
    },
  },
]
