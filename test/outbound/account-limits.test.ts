/** What one login may have waiting and write in an hour, and what a full queue says. RFC 6409 §6.3; S34. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AccountLimitsFor } from 'mailwright/outbound'
import { memoryQueue } from 'mailwright/outbound'
import type { MessageSource, Principal, Queue, QueueLimits } from 'mailwright/contracts'
import { fakeClock, seededRandom } from 'mailwright/testing'
import { Departures } from '../../src/outbound/departures.ts'
import { refusalOf, textOf } from '../../src/smtp-server/replies.ts'
import { address, connectionOf, houseOf, mailOf, person, spooled } from '../pipeline/house.ts'

const HOUR = 3_600_000

function login(name: string): Principal {
  return { account: person(name), username: `${name}@example.org`, scopes: ['smtp'], credential: 'password' }
}

interface World {
  readonly queue: Queue
  readonly clock: ReturnType<typeof fakeClock>
  readonly house: ReturnType<typeof houseOf>
  /** Names recipients and sends; what was said last, as on the wire. */
  readonly submit: (name: string, recipients: readonly string[]) => Promise<string>
  /** Everything that waits is handed over. */
  readonly deliver: () => Promise<void>
}

function world(accountLimits?: AccountLimitsFor, limits?: Partial<QueueLimits>, given?: Queue): World {
  const clock = fakeClock()
  const queue = given ?? memoryQueue({ clock, ...(limits === undefined ? {} : { limits }) })
  const outbound = new Departures({
    queue,
    clock,
    events: { emit: () => undefined },
    ...(accountLimits === undefined ? {} : { accountLimits }),
  })
  const house = houseOf({ outbound, clock, people: { accounts: [person('ann'), person('ben')] } })
  return {
    queue,
    clock,
    house,
    async submit(name, recipients) {
      const connection = connectionOf('submission', { principal: login(name) })
      const { reception } = await house.host.receive(connection, { sender: address(`${name}@example.org`) })
      for (const recipient of recipients) {
        const refusal = refusalOf(await reception.recipient(address(recipient)), 'recipient')
        if (refusal !== undefined) return `RCPT ${refusal.code} ${textOf(refusal)}`
      }
      const { outcomes } = await reception.message(spooled(`From: ${name}@example.org\n\nHello\n`))
      const [outcome] = outcomes
      const refusal = outcome === undefined ? undefined : refusalOf(outcome, 'message')
      return refusal === undefined ? 'taken' : `DATA ${refusal.code} ${textOf(refusal)}`
    },
    async deliver() {
      const leases = await queue.lease({ limit: 10_000, leaseMs: HOUR })
      const status = { at: clock.now(), code: '2.0.0', text: 'ok' } as const
      await queue.settle(
        leases.map(({ id, token, recipients }) => ({
          id,
          token,
          outcomes: recipients.map(({ index }) => ({ index, outcome: { kind: 'delivered', status } as const })),
        })),
      )
    },
  }
}

const readers = (count: number, from: number = 0): string[] => Array.from({ length: count }, (_, at) => `r${from + at}@far.example`)

test('one account writes to so many recipients in an hour, and is told when it may go on (S34)', async () => {
  const { submit, deliver, clock } = world({ recipientsPerHour: 5 })
  assert.equal(await submit('ann', readers(3)), 'taken')
  await deliver()
  clock.advance(20 * 60_000)
  const refusal = 'RCPT 452 4.5.3 Not now: your account may write to 5 recipients in an hour: some of them again in 40 minutes'
  assert.equal(await submit('ann', readers(3)), refusal)
  assert.equal(await submit('ann', readers(2)), 'taken')
  clock.advance(2000)
  assert.equal(await submit('ann', readers(1)), refusal)
  // Others are not held up, and neither is mail for those here.
  assert.equal(await submit('ben', readers(5)), 'taken')
  assert.equal(await submit('ann', ['ben@example.org']), 'taken')
  clock.advance(40 * 60_000)
  assert.equal(await submit('ann', readers(3)), 'taken')
  assert.match(await submit('ann', readers(1)), /^RCPT 452 4\.5\.3 /)
})

test('one account has so many messages and recipients waiting; what has left makes room', async () => {
  const { submit, deliver, clock } = world({ waitingMessages: 2, waitingRecipients: 4, recipientsPerHour: Infinity })
  assert.equal(await submit('ann', readers(3)), 'taken')
  clock.advance(1000)
  assert.equal(await submit('ann', readers(2)), 'RCPT 452 4.5.3 Not now: your account may have 4 recipients waiting at a time, and has 3')
  assert.equal(await submit('ann', readers(1)), 'taken')
  clock.advance(1000)
  assert.equal(await submit('ann', readers(1)), 'RCPT 452 4.5.3 Not now: your account may have 2 messages waiting at a time, and has 2')
  await deliver()
  clock.advance(1000)
  assert.equal(await submit('ann', readers(4)), 'taken')
})

test('ten connections at once have no more than one, and a refusal at the end leaves nobody a copy', async () => {
  const { submit, queue, house } = world({ recipientsPerHour: 10 })
  const said = await Promise.all(Array.from({ length: 10 }, (_, at) => submit('ann', [...readers(3, at * 3), 'ben@example.org'])))
  assert.deepEqual(said.map(answer => answer.slice(0, 14)).sort(), [...Array<string>(7).fill('DATA 452 4.5.3'), 'taken', 'taken', 'taken'])
  assert.equal((await queue.usage?.('ann', { since: 0, most: 100 }))?.recipients, 9)
  assert.equal((await mailOf(house.store, 'ben')).length, 3)
})

test('without a word accounts are limited to 1000 recipients an hour; limits may be each login’s own, or none', async () => {
  const plain = world()
  assert.equal(await plain.submit('ann', readers(1000)), 'taken')
  plain.clock.advance(1000)
  assert.match(await plain.submit('ann', readers(1)), /^RCPT 452 4\.5\.3 Not now: your account may write to 1000 recipients in an hour/)
  const each = world(({ username }) => (username.startsWith('ann') ? false : { recipientsPerHour: 1 }))
  assert.equal(await each.submit('ann', readers(1500)), 'taken')
  assert.equal(await each.submit('ben', readers(1)), 'taken')
  assert.match(await each.submit('ben', readers(1)), /^RCPT 452 /)
  const none = world(false)
  for (let at = 0; at < 3; at++) assert.equal(await none.submit('ann', readers(900)), 'taken')
})

test('a full queue takes nothing more of anybody: 452 4.3.1, before anybody has a copy', async () => {
  const { submit, deliver, house } = world({}, { maxMessages: 2 })
  assert.equal(await submit('ann', readers(1)), 'taken')
  assert.equal(await submit('ben', readers(1)), 'taken')
  assert.equal(
    await submit('ann', ['ben@example.org', ...readers(1)]),
    'DATA 452 4.3.1 The queue of this server is full, please try again later',
  )
  assert.equal((await mailOf(house.store, 'ben')).length, 0)
  // Mail that stays here needs no place in it.
  assert.equal(await submit('ann', ['ben@example.org']), 'taken')
  await deliver()
  assert.equal(await submit('ann', readers(1)), 'taken')
})

test('limits that cannot be kept are refused at once', () => {
  assert.throws(() => world({ recipientsPerHour: -1 }), { code: 'MW_ACCOUNT_LIMITS' })
  assert.throws(() => world({ waitingMessages: Number.NaN }), { code: 'MW_ACCOUNT_LIMITS' })
  const { usage: _, ...methods } = Object.fromEntries(['limits', 'enqueue', 'usage'].map(name => [name, () => undefined]))
  assert.throws(() => world({ recipientsPerHour: 5 }, {}, methods as unknown as Queue), { code: 'MW_ACCOUNT_LIMITS' })
  assert.ok(world(undefined, {}, methods as unknown as Queue))
})

test('whatever is sent in whatever order, no hour has more than its number (S34)', async () => {
  const random = seededRandom(34)
  const { submit, deliver, clock } = world({ recipientsPerHour: 20 })
  const taken: { readonly at: number; readonly count: number }[] = []
  for (let round = 0; round < 300; round++) {
    clock.advance(random.below(10 * 60_000) + 1000)
    const count = 1 + random.below(8)
    if ((await submit('ann', readers(count))) === 'taken') taken.push({ at: clock.now(), count })
    if (random.below(3) === 0) await deliver()
    const lately = taken.filter(({ at }) => at > clock.now() - HOUR).reduce((sum, one) => sum + one.count, 0)
    assert.ok(lately <= 20, `${lately} in an hour`)
  }
  assert.ok(taken.length > 100)
})

test('a message that cannot be read is queued by nobody and takes no place', async () => {
  const { house, submit, clock } = world({ waitingMessages: 1 })
  const connection = connectionOf('submission', { principal: login('ann') })
  const { reception } = await house.host.receive(connection, { sender: address('ann@example.org') })
  await reception.recipient(address('r@far.example'))
  const good = spooled('From: ann@example.org\n\nHello\n')
  let reads = 0
  const broken: MessageSource = {
    size: good.size,
    read: (start, end) => {
      // The header is read by the phases; the queue's own reading fails.
      if (reads++ > 1) throw new Error('the disk is gone')
      return good.read(start, end)
    },
  }
  const { outcomes } = await reception.message({ ...broken, dispose: () => undefined })
  assert.equal(outcomes[0]?.kind, 'defer')
  clock.advance(1000)
  assert.equal(await submit('ann', readers(1)), 'taken')
})
