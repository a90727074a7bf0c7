/** Each recipient to one worker at a time. RFC 5321 §4.5.3.1.8, §4.5.4.1. */

import {
  addressesOf,
  all,
  deferred,
  delivered,
  entryOf,
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

export const leaseCases: readonly QueueCase[] = [
  {
    name: 'What is leased is not leased again, and is shown as leased',
    async run(world) {
      const id = await put(world)
      await takeOne(world)
      same('nothing more is due', await take(world), [])
      same('it is shown as leased', await statesOf(world, id), ['leased'])
    },
  },
  {
    name: 'Workers that lease at once get different recipients, and together all of them',
    async run(world) {
      await Promise.all(Array.from({ length: 60 }, (_, at) => put(world, `r${at}@d${at % 7}.example`)))
      const shares = await Promise.all(Array.from({ length: 10 }, () => take(world, { limit: 10 })))
      const addresses = shares.flatMap(share => addressesOf(share))
      same('nobody is leased twice', new Set(addresses).size, addresses.length)
      const rest = await take(world)
      same('all are leased', addresses.length + addressesOf(rest).length, 60)
      same('tokens differ', new Set([...shares.flat(), ...rest].map(({ token }) => token)).size, shares.flat().length + rest.length)
    },
  },
  {
    name: 'One lease holds the recipients of one message in one domain',
    async run(world) {
      await put(world, ['a@one.example', 'b@two.example', 'c@one.example', 'd@one.example'])
      await put(world, 'e@one.example')
      const leases = await take(world)
      same(
        'a lease for each message and domain',
        leases.map(lease => [lease.destination, addressesOf([lease])]).sort((x, y) => (String(x) < String(y) ? -1 : 1)),
        [
          ['one.example', ['a@one.example', 'c@one.example', 'd@one.example']],
          ['one.example', ['e@one.example']],
          ['two.example', ['b@two.example']],
        ],
      )
    },
  },
  {
    name: 'Recipients of one domain that were put off to different moments come together once all are due',
    async run(world) {
      await put(world, ['a@one.example', 'b@one.example', 'c@one.example'])
      const lease = await takeOne(world)
      const now = world.clock.now()
      await world.queue.settle([
        {
          ...lease,
          outcomes: [5, 3, 9].map((minutes, index) => ({
            index,
            outcome: { kind: 'deferred', dueAt: now + minutes * MINUTE, status: said(world, 'later', '4.2.0') },
          })),
        },
      ])
      world.clock.advance(5 * MINUTE)
      same('two are due, in one lease', addressesOf([await takeOne(world)]), ['a@one.example', 'b@one.example'])
    },
  },
  {
    name: 'A lease holds 100 recipients unless asked otherwise, the rest come in further leases (RFC 5321 §4.5.3.1.8)',
    async run(world) {
      const many = Array.from({ length: 250 }, (_, at) => `r${at}@one.example`)
      await put(world, many)
      const leases = await take(world)
      same(
        '100, 100 and 50',
        leases.map(({ recipients }) => recipients.length).sort((one, other) => other - one),
        [100, 100, 50],
      )
      same('all of them, each once', addressesOf(leases), [...many].sort())
      await world.queue.settle(leases.map(lease => deferred(world, lease, 0)))
      const smaller = await take(world, { recipientsPerLease: 60 })
      same('60 at most', Math.max(...smaller.map(({ recipients }) => recipients.length)), 60)
      same('all again', addressesOf(smaller), [...many].sort())
    },
  },
  {
    name: 'A call gives as many leases as asked for at most, in all and for one destination, and none for those left out',
    async run(world) {
      for (let at = 0; at < 12; at++) await put(world, `r${at}@d${at % 3}.example`)
      same('two in all', (await take(world, { limit: 2 })).length, 2)
      same('none', (await take(world, { limit: 0 })).length, 0)
      const one = await take(world, { perDestination: 1 })
      same('one for each destination', one.map(({ destination }) => destination).sort(), ['d0.example', 'd1.example', 'd2.example'])
      const two = await take(world, { except: ['d0.example'], perDestination: 1, allowances: [{ destination: 'd2.example', leases: 2 }] })
      same('two where two are allowed', two.map(({ destination }) => destination).sort(), ['d1.example', 'd2.example', 'd2.example'])
      same(
        'none where none are',
        await take(world, { except: ['d0.example', 'd1.example'], allowances: [{ destination: 'd2.example', leases: 0 }] }),
        [],
      )
      const rest = await take(world, { except: ['d0.example', 'd2.example'] })
      same('none for those left out', [...new Set(rest.map(({ destination }) => destination))], ['d1.example'])
      same(
        'the others are still due',
        new Set((await take(world)).map(({ destination }) => destination)),
        new Set(['d0.example', 'd2.example']),
      )
    },
  },
  {
    name: 'A lease that runs out is leased again, under another token and untried',
    async run(world) {
      const id = await put(world)
      const first = await takeOne(world, { leaseMs: 10 * MINUTE })
      same('the queue says when it runs out', await world.queue.nextDue(), world.clock.now() + 10 * MINUTE)
      world.clock.advance(10 * MINUTE - 1)
      same('before that it is not due', await take(world), [])
      world.clock.advance(1)
      same('then it waits', await statesOf(world, id), ['waiting'])
      const second = await takeOne(world)
      promised('the token is another', second.token !== first.token, () => second.token)
      same('it counts as untried', second.recipients[0]?.attempts, 0)
    },
  },
  {
    name: 'The heartbeat prolongs a lease from now on',
    async run(world) {
      await put(world)
      const lease = await takeOne(world, { leaseMs: 3 * MINUTE })
      for (let beat = 0; beat < 5; beat++) {
        world.clock.advance(2 * MINUTE)
        same('the token is good', await world.queue.renew([lease], 3 * MINUTE), [])
        same('nobody else gets it', await take(world), [])
      }
      world.clock.advance(3 * MINUTE)
      same('without it the lease runs out', (await take(world)).length, 1)
    },
  },
  {
    name: 'The content stays readable while a lease is held, though other recipients of the message are settled',
    async run(world) {
      const id = await put(world, ['a@one.example', 'b@two.example'], { text: 'still here' })
      const [one, two] = await take(world)
      if (one === undefined || two === undefined) throw new Error('two leases were due')
      await world.queue.settle([delivered(world, one)])
      same('the octets are there', await textOf(two.content), 'Subject: still here\r\n\r\nstill here\r\n')
      same('the queue has them too', await textOf(await world.queue.content(id)), 'Subject: still here\r\n\r\nstill here\r\n')
    },
  },
  {
    name: 'The queue says when something is due next: the next waiting recipient, or the end of the next lease',
    async run(world) {
      const start = world.clock.now()
      same('an empty queue says nothing', await world.queue.nextDue(), undefined)
      await put(world, 'a@one.example', { notBefore: start + 9 * MINUTE })
      same('the one that waits', await world.queue.nextDue(), start + 9 * MINUTE)
      await put(world, 'b@one.example')
      const due = await world.queue.nextDue()
      promised('what is due already', due !== undefined && due <= start, () => String(due))
      const lease = await takeOne(world, { leaseMs: 4 * MINUTE })
      same('the end of the lease', await world.queue.nextDue(), start + 4 * MINUTE)
      await world.queue.settle([deferred(world, lease, 6 * MINUTE)])
      same('when the one put off is due', await world.queue.nextDue(), start + 6 * MINUTE)
      await world.queue.hold({ recipient: 'b@one.example' })
      same('who is held is not', await world.queue.nextDue(), start + 9 * MINUTE)
      await world.queue.pause({ destination: 'one.example' })
      same('nor who is paused', await world.queue.nextDue(), undefined)
    },
  },
  {
    name: 'Thousands of recipients in leases of all sizes are each leased once, and each settled once',
    async run(world) {
      const sizes = [1, 1, 1, 2, 7, 130, 400]
      let count = 0
      for (const [at, size] of [...sizes, ...sizes].entries()) {
        await world.queue.enqueue(
          letter(
            Array.from({ length: size }, (_, n) => `m${at}.${n}@d${n % 5}.example`),
            { account: `a${at % 3}` },
          ),
        )
        count += size
      }
      const seen = new Set<string>()
      for (;;) {
        const leases = await take(world, { limit: 7, recipientsPerLease: 30 })
        if (leases.length === 0) break
        for (const address of addressesOf(leases)) {
          promised('nobody is leased twice', !seen.has(address), () => address)
          seen.add(address)
        }
        await world.queue.settle(leases.map(lease => all(lease, { kind: 'delivered', status: said(world) })))
      }
      same('all were leased', seen.size, count)
      const { messages, waiting, leased, held } = await world.queue.counts()
      same('nothing is left', [messages, waiting, leased, held], [0, 0, 0, 0])
      same('the last is delivered', (await entryOf(world, await put(world))).recipients[0]?.attempts, 0)
    },
  },
]
