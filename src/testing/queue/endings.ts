/** Closing, giving up, and crashing. */

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
  refuses,
  said,
  same,
  statesOf,
  take,
  takeOne,
  textOf,
} from './world.ts'

export const endingCases: readonly QueueCase[] = [
  {
    name: 'Calls after close throw unavailable; close is there to be called again',
    async run(world) {
      const other = await world.another()
      await put(other)
      const { queue } = other
      await queue.close()
      await queue.close()
      const calls: Readonly<Record<string, () => Promise<unknown>>> = {
        enqueue: () => queue.enqueue(letter()),
        lease: () => queue.lease({ limit: 1, leaseMs: 1 }),
        renew: () => queue.renew([], 1),
        settle: () => queue.settle([]),
        nextDue: () => queue.nextDue(),
        hold: () => queue.hold({}),
        remove: () => queue.remove({}),
        pause: () => queue.pause({ account: 'ann' }),
        paused: () => queue.paused(),
        show: () => queue.show('x'),
        counts: () => queue.counts(),
        list: () => idsOf(other),
      }
      for (const [name, call] of Object.entries(calls)) await refuses(name, call(), 'unavailable')
    },
  },
  {
    name: 'A call whose signal has fired throws the reason and changes nothing',
    async run(world) {
      const reason = new Error('gave up')
      const signal = AbortSignal.abort(reason)
      const id = await put(world, 'bob@example.net')
      const { queue } = world
      const calls: Readonly<Record<string, () => Promise<unknown>>> = {
        enqueue: () => queue.enqueue(letter(), { signal }),
        lease: () => queue.lease({ limit: 1, leaseMs: MINUTE }, { signal }),
        hold: () => queue.hold({}, { signal }),
        remove: () => queue.remove({}, { signal }),
        pause: () => queue.pause({ destination: 'example.net' }, { signal }),
      }
      for (const [name, call] of Object.entries(calls)) {
        const seen = await call().then(
          () => 'resolved',
          (error: unknown) => error,
        )
        promised(`${name} rejects with the reason`, seen === reason, () => String(seen))
      }
      same('nothing changed', [await idsOf(world), await statesOf(world, id), await queue.paused()], [[id], ['waiting'], []])
    },
  },
  {
    name: 'Whatever was acknowledged is there after a crash: messages, moments, outcomes, holds, pauses and keys',
    needs: ['reopen'],
    async run(world) {
      const now = world.clock.now()
      const prefix = new TextEncoder().encode('X: 1\r\n')
      const large = new Uint8Array(300_000).map((_, at) => 32 + (at % 90))
      const waiting = await put(world, ['a@one.example', 'b@two.example'], { prefix, text: 'waits', account: 'ann', idempotencyKey: 'k' })
      const leases = await take(world)
      const status = said(world, 'later', '4.2.0')
      const first = leases.find(({ destination }) => destination === 'one.example')
      const second = leases.find(({ destination }) => destination === 'two.example')
      if (first === undefined || second === undefined) throw new Error('two leases were due')
      await world.queue.settle(
        [
          all(first, { kind: 'deferred', status, dueAt: now + 5 * MINUTE, warned: true }),
          all(second, { kind: 'failed', status: said(world, 'no', '5.1.1') }),
        ],
        { notifications: [{ about: waiting, message: letter('ann@example.org', { from: '', origin: 'notification', text: 'bounce' }) }] },
      )
      const held = await put(world, 'held@three.example', { text: 'held' })
      await world.queue.hold({ id: held })
      const removed = await put(world, 'gone@three.example')
      await world.queue.remove({ id: removed })
      await world.queue.pause({ destination: 'paused.example' })
      const paused = await put(world, 'p@paused.example', { content: { size: large.length, read: (from, to) => large.subarray(from, to) } })
      const before = await Promise.all([waiting, held, removed, paused].map(id => entryOf(world, id)))
      const counts = await world.queue.counts()
      for (let round = 0; round < 2; round++) {
        await world.crash()
        same('all is shown as it was', await Promise.all([waiting, held, removed, paused].map(id => entryOf(world, id))), before)
        same('and counted', await world.queue.counts(), counts)
        same('the pause is in force', await world.queue.paused(), [{ destination: 'paused.example' }])
        same('the octets are there', await textOf(await world.queue.content(waiting)), 'X: 1\r\nSubject: waits\r\n\r\nwaits\r\n')
        const octets = await world.queue.content(paused)
        promised(
          'the large ones too',
          octets !== undefined && Buffer.compare(await octets.read(0, octets.size), large) === 0,
          () => 'they differ',
        )
      }
      same('the key is known', await world.queue.enqueue(letter('x@one.example', { account: 'ann', idempotencyKey: 'k' })), {
        id: waiting,
        repeated: true,
      })
      const due = await take(world)
      same(
        'the bounce is due, and nothing else',
        due.map(({ envelope, recipients }) => [envelope.from, recipients[0]?.address]),
        [['', 'ann@example.org']],
      )
      world.clock.advance(5 * MINUTE)
      const again = await take(world, { except: ['example.org'] })
      same(
        'what was put off is due at its time, tried once, warned',
        again.map(({ recipients: [one] }) => [one?.address, one?.attempts, one?.warned, one?.last]),
        [['a@one.example', 1, true, status]],
      )
      same('the held one is released', await world.queue.release({}), 1)
    },
  },
  {
    name: 'A lease outlives a crash: until it runs out nobody else gets it, and its holder can settle',
    needs: ['reopen'],
    async run(world) {
      const id = await put(world, 'a@one.example')
      const other = await put(world, 'b@two.example')
      const leases = await take(world, { leaseMs: 5 * MINUTE })
      await world.crash()
      same('nothing is due', await take(world), [])
      const mine = leases.find(lease => lease.id === id)
      if (mine === undefined) throw new Error('a lease was due')
      same('the holder settles', await world.queue.settle([delivered(world, mine)]), [])
      await world.crash()
      same('it is delivered, and stays so', await statesOf(world, id), ['delivered'])
      world.clock.advance(5 * MINUTE)
      const again = await takeOne(world)
      same('the other runs out', again.id, other)
      promised('under a new token', !leases.some(({ token }) => token === again.token), () => again.token)
    },
  },
  {
    name: 'After a crash no id and no token comes again',
    needs: ['reopen'],
    async run(world) {
      const ids = new Set<string>()
      const tokens = new Set<string>()
      for (let round = 0; round < 4; round++) {
        const id = await put(world)
        promised('the id is new', !ids.has(id), () => id)
        ids.add(id)
        const lease = await takeOne(world)
        promised('the token is new', !tokens.has(lease.token), () => lease.token)
        tokens.add(lease.token)
        await world.queue.settle([round % 2 === 0 ? delivered(world, lease) : deferred(world, lease, DAY)])
        await world.queue.remove({})
        world.clock.advance(10 * DAY)
        await world.crash()
      }
    },
  },
  {
    name: 'A crash amid many calls loses no message and no outcome that was acknowledged',
    needs: ['reopen'],
    async run(world) {
      const queued: string[] = []
      const settled: string[] = []
      const old = await Promise.all(Array.from({ length: 40 }, (_, at) => put(world, `old${at}@d${at % 5}.example`)))
      const leases = await take(world)
      const running = [
        ...Array.from(
          { length: 40 },
          async (_, at) => void queued.push(await put(world, `new${at}@d${at % 5}.example`, { text: `n${at}` })),
        ),
        ...leases.map(async lease => {
          const bounce = letter('ann@example.org', { from: '', origin: 'notification', envelopeId: lease.id })
          const failed = all(lease, { kind: 'failed', status: said(world, 'no', '5.1.1') })
          await world.queue.settle([failed], { notifications: [{ about: lease.id, message: bounce }] })
          settled.push(lease.id)
        }),
      ]
      await Promise.race(running)
      const [known, ended] = [[...queued], [...settled]]
      await world.crash()
      await Promise.allSettled(running)
      const open = new Set(await idsOf(world))
      same(
        'queued messages are there',
        known.filter(id => !open.has(id)),
        [],
      )
      const bounces: string[] = []
      for await (const { envelopeId } of world.queue.list({ from: '' })) bounces.push(envelopeId ?? '')
      same('each bounce once', new Set(bounces).size, bounces.length)
      same(
        'every outcome acknowledged is known',
        ended.filter(id => open.has(id) || !bounces.includes(id)),
        [],
      )
      const failed = (await Promise.all(old.map(async id => ({ id, state: (await statesOf(world, id))[0] })))).filter(
        ({ state }) => state === 'failed',
      )
      same('outcome and bounce stand or fall together', failed.map(({ id }) => id).sort(), [...bounces].sort())
      world.clock.advance(MINUTE)
      const rest = addressesOf(await take(world)).filter(address => address.startsWith('old'))
      same('the other old ones are due again', rest.length, 40 - failed.length)
    },
  },
]
