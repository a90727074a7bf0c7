/** What became of recipients: delivered, failed, put off, left out; and how long it is remembered. RFC 5321 §4.5.4.1; RFC 3463. */

import {
  addressesOf,
  all,
  DAY,
  deferred,
  delivered,
  entryOf,
  idsOf,
  letter,
  MINUTE,
  promised,
  put,
  type QueueCase,
  said,
  same,
  statesOf,
  take,
  takeOne,
  textOf,
} from './world.ts'

export const outcomeCases: readonly QueueCase[] = [
  {
    name: 'Recipients end or wait, each on its own, with what was said last and how often it was tried',
    async run(world) {
      const id = await put(world, ['a@one.example', 'b@one.example', 'c@one.example', 'd@one.example'])
      const lease = await takeOne(world)
      const now = world.clock.now()
      const [fine, no, later, none] = [said(world), said(world, 'no', '5.1.1'), said(world, 'later', '4.2.0'), said(world, 'none', '4.4.1')]
      const lost = await world.queue.settle([
        {
          id,
          token: lease.token,
          outcomes: [
            { index: 0, outcome: { kind: 'delivered', status: fine } },
            { index: 1, outcome: { kind: 'failed', status: no } },
            { index: 2, outcome: { kind: 'deferred', status: later, dueAt: now + 5 * MINUTE, warned: true } },
            { index: 3, outcome: { kind: 'deferred', status: none, dueAt: now + 7 * MINUTE, untried: true } },
          ],
        },
      ])
      same('the token was good', lost, [])
      const { recipients } = await entryOf(world, id)
      same(
        'states, tries and last words',
        recipients.map(({ state, attempts, last }) => [state, attempts, last]),
        [
          ['delivered', 1, fine],
          ['failed', 1, no],
          ['waiting', 1, later],
          ['waiting', 0, none],
        ],
      )
      same(
        'due when it was said',
        recipients.slice(2).map(({ dueAt }) => dueAt),
        [now + 5 * MINUTE, now + 7 * MINUTE],
      )
      world.clock.advance(5 * MINUTE)
      const again = await takeOne(world)
      same(
        'the next worker knows of it',
        again.recipients.map(({ address, attempts, warned, last }) => [address, attempts, warned, last]),
        [['c@one.example', 1, true, later]],
      )
      await world.queue.settle([deferred(world, again, MINUTE)])
      world.clock.advance(2 * MINUTE)
      const both = await takeOne(world)
      same(
        'tries add up, and a warning stays given',
        both.recipients.map(({ address, attempts, warned }) => [address, attempts, warned]),
        [
          ['c@one.example', 2, true],
          ['d@one.example', 0, false],
        ],
      )
    },
  },
  {
    name: 'Recipients that a settlement leaves out wait again at once, untried',
    async run(world) {
      const id = await put(world, ['a@one.example', 'b@one.example', 'c@one.example'])
      const lease = await takeOne(world)
      const outcomes = [{ index: 1, outcome: { kind: 'delivered', status: said(world) } as const }]
      await world.queue.settle([{ id, token: lease.token, outcomes }])
      const again = await takeOne(world)
      same(
        'two come again',
        again.recipients.map(({ address, attempts }) => [address, attempts]),
        [
          ['a@one.example', 0],
          ['c@one.example', 0],
        ],
      )
      await world.queue.settle([{ id, token: again.token, outcomes: [] }])
      same('also when all are', addressesOf(await take(world)), ['a@one.example', 'c@one.example'])
    },
  },
  {
    name: 'An outcome for a recipient that is not in the lease changes nothing',
    async run(world) {
      const id = await put(world, ['a@one.example', 'b@two.example'])
      const leases = await take(world)
      const one = leases.find(({ destination }) => destination === 'one.example')
      if (one === undefined) throw new Error('a lease for one.example was due')
      const status = said(world)
      await world.queue.settle([
        { id, token: one.token, outcomes: [0, 1, 7].map(index => ({ index, outcome: { kind: 'delivered', status } })) },
      ])
      same('only its own is delivered', await statesOf(world, id), ['delivered', 'leased'])
    },
  },
  {
    name: 'Settled messages are remembered without content, and forgotten in time',
    async run(world) {
      const short = await world.another({ rememberMs: 3 * DAY })
      const id = await put(short, ['a@one.example', 'b@two.example'])
      const [one, two] = await take(short)
      if (one === undefined || two === undefined) throw new Error('two leases were due')
      await short.queue.settle([delivered(short, one)])
      short.clock.advance(5 * DAY)
      same('while a recipient waits nothing is forgotten', (await entryOf(short, id)).recipients.length, 2)
      const [rest] = await take(short)
      if (rest === undefined) throw new Error('the lease that ran out was due')
      await short.queue.settle([all(rest, { kind: 'failed', status: said(short, 'no', '5.0.0') })])
      same('the content is gone', await short.queue.content(id), undefined)
      same('the outcomes are known', [...(await statesOf(short, id))].sort(), ['delivered', 'failed'])
      same('the list leaves it out', await idsOf(short), [])
      same('unless asked for', [await idsOf(short, { state: 'failed' }), await idsOf(short, { state: 'removed' })], [[id], []])
      short.clock.advance(3 * DAY - 1)
      promised('it is remembered', (await short.queue.show(id)) !== undefined, () => 'it is forgotten')
      short.clock.advance(1)
      same('it is forgotten', [await short.queue.show(id), await idsOf(short, { state: 'failed' })], [undefined, []])
    },
  },
  {
    name: 'Content that several messages share goes with the last of them',
    async run(world) {
      const message = letter('a@one.example', { text: 'the same' })
      await world.queue.enqueue(message)
      const { id } = await world.queue.enqueue({ ...message, recipients: [{ address: 'b@two.example' }] })
      const leases = await take(world)
      await world.queue.settle(leases.filter(lease => lease.id !== id).map(lease => delivered(world, lease)))
      same('the other has it still', await textOf(await world.queue.content(id)), 'Subject: the same\r\n\r\nthe same\r\n')
    },
  },
  {
    name: 'A message that is put off past its expiry after that moment is not due at once for ever',
    async run(world) {
      const now = world.clock.now()
      await put(world, 'a@one.example', { expiresAt: now + MINUTE })
      world.clock.advance(2 * MINUTE)
      const lease = await takeOne(world)
      await world.queue.settle([deferred(world, lease, 5 * MINUTE)])
      same('it waits as long as was said', await take(world), [])
      world.clock.advance(5 * MINUTE)
      same('and comes then', (await take(world)).length, 1)
    },
  },
  {
    name: 'What is to be said about mail is taken though the queue is full',
    async run(world) {
      const small = await world.another({ maxMessages: 1 })
      const id = await put(small, ['a@one.example', 'b@two.example'])
      const [lease] = await take(small)
      if (lease === undefined) throw new Error('a lease was due')
      const message = letter('ann@example.org', { from: '', origin: 'notification' })
      const failed = all(lease, { kind: 'failed', status: said(small, 'no', '5.1.1') })
      same('the token was good', await small.queue.settle([failed], { notifications: [{ about: id, message }] }), [])
      same('both are there', (await idsOf(small)).length, 2)
    },
  },
]
