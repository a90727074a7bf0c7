/** What the queue tells of itself: lists, single messages, counts. */

import { deferred, delivered, entryOf, idsOf, letter, MINUTE, promised, put, type QueueCase, said, same, take } from './world.ts'

export const tellingCases: readonly QueueCase[] = [
  {
    name: 'What an account has waiting and queued lately is told, and nobody else’s (where the queue tells it)',
    async run(world) {
      const { queue, clock } = world
      if (queue.usage === undefined) return
      await put(world, ['a@one.example', 'b@two.example'], { account: 'ann' })
      clock.advance(MINUTE)
      const since = clock.now()
      await put(world, 'a@one.example', { account: 'ann' })
      await put(world, 'a@one.example', { account: 'bob', idempotencyKey: 'k' })
      await put(world, 'a@one.example', { account: 'bob', idempotencyKey: 'k' })
      await put(world, 'a@one.example')
      const usage = async (account: string, from: number = 0, most: number = 100): Promise<unknown> =>
        queue.usage?.(account, { since: from, most })
      const first = since - MINUTE
      same('all of it', await usage('ann'), { messages: 2, recipients: 3, recent: 3, recentSince: first, all: 4 })
      same('lately', await usage('ann', since), { messages: 2, recipients: 3, recent: 1, recentSince: since, all: 4 })
      same('a message that was repeated counts once', await usage('bob'), {
        messages: 1,
        recipients: 1,
        recent: 1,
        recentSince: since,
        all: 4,
      })
      same('somebody without mail', await usage('cid'), { messages: 0, recipients: 0, recent: 0, all: 4 })
      const leases = await take(world, { limit: 100 })
      const settled = leases.filter(({ envelope, destination }) => envelope.account === 'ann' && destination === 'one.example')
      await queue.settle(settled.map(lease => delivered(world, lease)))
      same('what is settled waits no more, and was queued all the same', await usage('ann'), {
        messages: 1,
        recipients: 1,
        recent: 3,
        recentSince: first,
        all: 3,
      })
    },
  },
  {
    name: 'A list names unsettled messages in the order of their queueing, however many',
    async run(world) {
      const ids: string[] = []
      for (let at = 0; at < 230; at++) {
        ids.push(await put(world, `r${at}@d${at % 4}.example`, { priority: at % 3, account: `a${at % 5}` }))
        world.clock.advance(1)
      }
      same('in order', await idsOf(world), ids)
      await world.queue.settle((await take(world, { limit: 30 })).map(lease => delivered(world, lease)))
      const open = await idsOf(world)
      same('without the settled', open.length, 200)
      same(
        'still in order',
        open,
        ids.filter(id => open.includes(id)),
      )
      same('the settled are named when asked for', (await idsOf(world, { state: 'delivered' })).length, 30)
    },
  },
  {
    name: 'A list names what the selector means, whole messages with all of their recipients',
    async run(world) {
      const one = await put(world, ['a@one.example', 'b@two.example'], { account: 'ann' })
      const two = await put(world, 'a@one.example', { from: 'bob@example.org' })
      const three = await put(world, 'c@three.example', { account: 'ann' })
      await world.queue.hold({ recipient: 'b@two.example' })
      same('by destination', await idsOf(world, { destination: 'one.example' }), [one, two])
      same('by recipient', await idsOf(world, { recipient: 'b@two.example' }), [one])
      same('by sender', await idsOf(world, { from: 'bob@example.org' }), [two])
      same('by account', await idsOf(world, { account: 'ann' }), [one, three])
      same('by state', await idsOf(world, { state: 'held' }), [one])
      same('the state is that of the recipient that is meant', await idsOf(world, { state: 'held', destination: 'one.example' }), [])
      same('by id', [await idsOf(world, { id: two }), await idsOf(world, { id: 'nothing' })], [[two], []])
      for await (const { recipients } of world.queue.list({ recipient: 'b@two.example' })) same('whole', recipients.length, 2)
    },
  },
  {
    name: 'A list can be walked while the queue changes: nothing twice, nothing missing that stays',
    async run(world) {
      const ids: string[] = []
      for (let at = 0; at < 250; at++) ids.push(await put(world, `r${at}@one.example`))
      const seen: string[] = []
      for await (const { id } of world.queue.list()) {
        seen.push(id)
        if (seen.length === 20) await world.queue.remove({ id: ids[10] ?? '' })
        if (seen.length === 30) await world.queue.remove({ id: ids[240] ?? '' })
        if (seen.length === 40) await put(world, 'late@one.example')
      }
      same('nothing twice', new Set(seen).size, seen.length)
      const missing = ids.filter((id, at) => at !== 240 && !seen.includes(id))
      same('nothing is missing', missing, [])
    },
  },
  {
    name: 'A message is shown by its id only',
    async run(world) {
      const id = await put(world)
      for (const other of ['', 'nothing', '1', `${id}0`, `${id} `, id.toUpperCase() === id ? id.toLowerCase() : id.toUpperCase()]) {
        same(
          `${JSON.stringify(other)} is nobody`,
          [await world.queue.show(other), await world.queue.content(other)],
          [undefined, undefined],
        )
      }
      const { queuedAt, recipients, from } = await entryOf(world, id)
      same('it is', [queuedAt, from, recipients.length], [world.clock.now(), 'ann@example.org', 1])
    },
  },
  {
    name: 'The counts are exact',
    async run(world) {
      const empty = { messages: 0, waiting: 0, leased: 0, held: 0, octets: 0, destinations: [] }
      same('of an empty queue', await world.queue.counts(), empty)
      const start = world.clock.now()
      const id = await put(world, ['a@one.example', 'b@two.example', 'c@one.example'])
      world.clock.advance(5)
      const other = await put(world, ['d@three.example', 'e@one.example'], { text: 'another letter' })
      await world.queue.hold({ recipient: 'd@three.example' })
      const [lease] = await take(world, { limit: 1 })
      if (lease === undefined) throw new Error('a lease was due')
      const octets = (await entryOf(world, id)).size + (await entryOf(world, other)).size
      const leased = lease.recipients.length
      same('of this one', await world.queue.counts(), {
        messages: 2,
        waiting: 4 - leased,
        leased,
        held: 1,
        octets,
        oldest: start,
        destinations: [
          { destination: 'one.example', recipients: 3 },
          { destination: 'three.example', recipients: 1 },
          { destination: 'two.example', recipients: 1 },
        ],
      })
      world.clock.advance(60_000)
      same('a lease that ran out waits', [(await world.queue.counts()).leased, (await world.queue.counts()).waiting], [0, 4])
      await world.queue.remove({ id })
      const after = await world.queue.counts()
      same('without the one removed', [after.messages, after.waiting, after.oldest], [1, 1, start + 5])
      const rest = await take(world)
      await world.queue.settle(rest.map(one => deferred(world, one, 1)))
      same('put off is waiting', (await world.queue.counts()).waiting, 1)
    },
  },
  {
    name: 'Of many destinations the hundred largest are told',
    async run(world) {
      for (let at = 0; at < 120; at++) {
        const several = Array.from({ length: at < 100 ? 2 : 1 }, (_, n) => `r${n}@d${at}.example`)
        await world.queue.enqueue(letter(several))
      }
      const { destinations, waiting } = await world.queue.counts()
      same('a hundred', destinations.length, 100)
      promised(
        'the largest',
        destinations.every(({ recipients }) => recipients === 2),
        () => JSON.stringify(destinations.slice(-3)),
      )
      same('all are counted', waiting, 220)
      same('and said to be fine', said(world).code, '2.0.0')
    },
  },
]
