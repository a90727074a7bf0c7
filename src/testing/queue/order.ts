/** Who leaves first: priority, then turns between accounts and destinations, then who waited longest. RFC 6710 §3. */

import { deferred, delivered, MINUTE, promised, put, type QueueCase, type QueueWorld, same, take } from './world.ts'

async function accountsOf(world: QueueWorld, limit: number): Promise<readonly string[]> {
  return (await take(world, { limit })).map(({ envelope }) => envelope.account ?? 'nobody')
}

export const orderCases: readonly QueueCase[] = [
  {
    name: 'Higher priority leaves first, whoever waits longer (RFC 6710 §3)',
    async run(world) {
      for (const priority of [0, -9, 5, 9, -1]) {
        await put(world, `p${priority + 10}@one.example`, { priority, account: `a${priority}` })
        world.clock.advance(1)
      }
      await put(world, 'none@two.example')
      const first = await take(world, { limit: 2 })
      same(
        'the highest two',
        first.map(({ envelope }) => envelope.priority),
        [9, 5],
      )
      const rest = await take(world)
      same(
        'then the others in order',
        rest.map(({ envelope }) => envelope.priority ?? 0),
        [0, 0, -1, -9],
      )
    },
  },
  {
    name: 'Of one sender’s mail for one destination, what fell due first leaves first',
    async run(world) {
      const start = world.clock.now()
      for (const minutes of [4, 1, 3, 2, 0]) await put(world, `r${minutes}@one.example`, { notBefore: start + minutes * MINUTE })
      world.clock.advance(10 * MINUTE)
      const order: string[] = []
      for (let at = 0; at < 5; at++) order.push(...(await take(world, { limit: 1 })).map(({ recipients }) => recipients[0]?.address ?? ''))
      same(
        'in the order of their due times',
        order,
        [0, 1, 2, 3, 4].map(minutes => `r${minutes}@one.example`),
      )
    },
  },
  {
    name: 'Accounts take turns: one with much mail does not stand before another’s single message',
    async run(world) {
      for (let at = 0; at < 40; at++) await put(world, `r${at}@one.example`, { account: 'busy' })
      await put(world, 'bob@one.example', { account: 'ann' })
      await put(world, 'bob@one.example')
      same('each has its turn within three', new Set(await accountsOf(world, 3)), new Set(['busy', 'ann', 'nobody']))
    },
  },
  {
    name: 'Turns go on from call to call: who had one stands at the end of the line',
    async run(world) {
      for (let at = 0; at < 12; at++) for (const account of ['ann', 'bob', 'cid']) await put(world, `r${at}@one.example`, { account })
      const counts = new Map<string, number>()
      for (let call = 0; call < 24; call++) {
        for (const account of await accountsOf(world, 1)) counts.set(account, (counts.get(account) ?? 0) + 1)
        const given = ['ann', 'bob', 'cid'].map(account => counts.get(account) ?? 0)
        promised('nobody is more than one ahead', Math.max(...given) - Math.min(...given) <= 1, () => `${given} after ${call + 1} calls`)
      }
    },
  },
  {
    name: 'Who comes late waits for no more than one turn of each other',
    async run(world) {
      for (let at = 0; at < 30; at++) await put(world, `r${at}@one.example`, { account: at % 2 === 0 ? 'ann' : 'bob' })
      await accountsOf(world, 7)
      await put(world, 'r@one.example', { account: 'late' })
      promised('the third at the latest', (await accountsOf(world, 3)).includes('late'), () => 'it still waits')
    },
  },
  {
    name: 'Destinations of one account take turns too',
    async run(world) {
      for (let at = 0; at < 40; at++) await put(world, `r${at}@busy.example`, { account: 'ann' })
      await put(world, 'bob@quiet.example', { account: 'ann' })
      const leases = await take(world, { limit: 2 })
      same('both have their turn', leases.map(({ destination }) => destination).sort(), ['busy.example', 'quiet.example'])
      await put(world, 'bob@late.example', { account: 'ann' })
      const next = [...(await take(world, { limit: 1 })), ...(await take(world, { limit: 1 }))]
      promised(
        'a late one too',
        next.some(({ destination }) => destination === 'late.example'),
        () => 'it still waits',
      )
    },
  },
  {
    name: 'An account with many destinations has no more turns than one with a single one',
    async run(world) {
      for (let at = 0; at < 60; at++) await put(world, `r@d${at}.example`, { account: 'wide' })
      for (let at = 0; at < 20; at++) await put(world, `r${at}@one.example`, { account: 'narrow' })
      const accounts = await accountsOf(world, 20)
      same('ten each', accounts.filter(account => account === 'narrow').length, 10)
    },
  },
  {
    name: 'Destinations that are left out cost others no turn, and lose none',
    async run(world) {
      for (let at = 0; at < 5; at++) await put(world, `r${at}@slow.example`, { account: 'ann' })
      for (let at = 0; at < 5; at++) await put(world, `r${at}@fast.example`, { account: 'ann' })
      for (let at = 0; at < 5; at++) await put(world, `r${at}@fast.example`, { account: 'bob' })
      const leases = await take(world, { except: ['slow.example'] })
      same('all of the others', leases.length, 10)
      same(
        'what was left out is next',
        (await take(world)).map(({ destination }) => destination),
        Array(5).fill('slow.example'),
      )
    },
  },
  {
    name: 'Whatever is put off again and again, everything leaves in the end, and the line stays fair',
    async run(world) {
      const accounts = ['ann', 'bob', 'cid', 'dan']
      for (let at = 0; at < 20; at++) for (const account of accounts) await put(world, `r${at}@d${at % 3}.example`, { account })
      const tried = new Map<string, number>(accounts.map(account => [account, 0]))
      let left = 80
      for (let round = 0; left > 0; round++) {
        promised('it ends', round < 2000, () => `${left} are left`)
        const leases = await take(world, { limit: 4 })
        if (leases.length === 0) world.clock.advance(MINUTE)
        for (const [at, lease] of leases.entries()) {
          const account = lease.envelope.account ?? ''
          tried.set(account, (tried.get(account) ?? 0) + 1)
          const done = (lease.recipients[0]?.attempts ?? 0) >= (round + at) % 3
          if (done) left--
          await world.queue.settle([done ? delivered(world, lease) : deferred(world, lease, 5 * MINUTE)])
        }
        const counts = [...tried.values()]
        if (round < 18) promised('nobody is far ahead', Math.max(...counts) - Math.min(...counts) <= 2, () => counts.join(', '))
      }
      same('nothing is left', (await world.queue.counts()).messages, 0)
    },
  },
]
