import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MailError } from 'mailwright/contracts'
import type { LiveConnection, Middleware, StateTable } from 'mailwright/contracts'
import { greylist } from 'mailwright/filters/greylist'
import type { GreylistOptions } from 'mailwright/filters/greylist'
import { memoryState } from 'mailwright/stores/memory'
import { fakeClock } from 'mailwright/testing'
import type { FakeClock } from 'mailwright/testing'
import { address, connectionOf, houseOf, person } from '../pipeline/house.ts'

interface World {
  readonly clock: FakeClock
  readonly state: StateTable
  /** An attempt, and what the client reads. */
  readonly attempt: (from: string, sender: string, to?: string, more?: Partial<LiveConnection>) => Promise<string>
  readonly errors: () => readonly unknown[]
}

function world(options: Partial<GreylistOptions> = {}, before: readonly Middleware[] = []): World {
  const clock = fakeClock()
  const state = options.state ?? memoryState({ clock })
  const house = houseOf({ middleware: [...before, greylist({ clock, state, ...options })] })
  return {
    clock,
    state,
    errors: () => house.told('error'),
    async attempt(from, sender, to = 'ann@example.org', more = {}) {
      const connection = connectionOf('smtp', { remote: { address: from, port: 1 }, ...more })
      const { reception } = await house.host.receive(connection, { sender: sender === '' ? undefined : address(sender) })
      const verdict = await reception.recipient(address(to))
      return 'code' in verdict ? `${verdict.code} ${verdict.text}` : verdict.kind
    },
  }
}

test('a stranger is told to wait, and let in when it comes back (RFC 6647 §2, §5)', async () => {
  const { attempt, clock } = world()
  assert.equal(await attempt('203.0.113.7', 'bob@example.com'), '4.7.1 Greylisted, please try again in 60 seconds')
  clock.advance(59_001)
  assert.equal(await attempt('203.0.113.7', 'bob@example.com'), '4.7.1 Greylisted, please try again in 1 seconds')
  clock.advance(999)
  assert.equal(await attempt('203.0.113.7', 'bob@example.com'), 'accept')
  assert.equal(await attempt('203.0.113.7', 'bob@example.com'), 'accept')
  assert.match(await attempt('203.0.113.7', 'bob@example.com', 'ben@example.org'), /^4.7.1/, 'another recipient')
  assert.match(await attempt('198.51.100.7', 'bob@example.com'), /^4.7.1/, 'another network')
})

test('a farm of servers comes back from a neighbour: the /24, and the /48 of IPv6, count', async () => {
  const { attempt, clock } = world()
  await attempt('203.0.113.7', 'bob@example.com')
  await attempt('2001:db8:1:2::3', 'bob@example.com', 'ben@example.org')
  clock.advance(60_000)
  assert.equal(await attempt('203.0.113.99', 'bob@example.com'), 'accept')
  assert.equal(await attempt('2001:db8:1:ffff::9', 'bob@example.com', 'ben@example.org'), 'accept')
  assert.match(await attempt('2001:db8:2::9', 'bob@example.com', 'ben@example.org'), /^4.7.1/)
})

test('senders that change with each attempt are one sender', async () => {
  const { attempt, clock } = world()
  await attempt('203.0.113.7', 'bounce-12345@lists.example.com')
  await attempt('203.0.113.7', 'news+ann=example.org@lists.example.net')
  clock.advance(60_000)
  assert.equal(await attempt('203.0.113.7', 'bounce-777@lists.example.com'), 'accept')
  assert.equal(await attempt('203.0.113.7', 'news+other=token@lists.example.net'), 'accept')
})

test('a network that came back for an organisation is let in with all of it', async () => {
  const { attempt, clock } = world()
  for (const sender of ['bob@example.com', 'eve@mail.example.com']) await attempt('203.0.113.7', sender)
  clock.advance(60_000)
  for (const sender of ['bob@example.com', 'eve@mail.example.com']) assert.equal(await attempt('203.0.113.7', sender), 'accept')
  assert.equal(await attempt('203.0.113.8', 'carl@other.example.com'), 'accept')
  assert.match(await attempt('203.0.113.8', 'carl@example.net'), /^4.7.1/, 'another organisation')
  assert.match(await attempt('198.51.100.1', 'carl@example.com'), /^4.7.1/, 'another network')
  clock.advance(36 * 86_400_000)
  assert.match(await attempt('203.0.113.8', 'dora@example.com'), /^4.7.1/, 'forgotten after 36 days of silence')
})

test('who comes back too late is a stranger again, who was let in is remembered', async () => {
  const { attempt, clock } = world({ learnAfter: 0 })
  await attempt('203.0.113.7', 'bob@example.com')
  clock.advance(172_800_000)
  assert.match(await attempt('203.0.113.7', 'bob@example.com'), /in 60 seconds/)
  clock.advance(60_000)
  for (let n = 0; n < 5; n++) {
    assert.equal(await attempt('203.0.113.7', 'bob@example.com'), 'accept')
    clock.advance(35 * 86_400_000)
  }
  clock.advance(36 * 86_400_000)
  assert.match(await attempt('203.0.113.7', 'bob@example.com'), /^4.7.1/)
})

test('bounces are greylisted like other mail, by their network', async () => {
  const { attempt, clock } = world()
  assert.match(await attempt('203.0.113.7', ''), /^4.7.1/)
  clock.advance(60_000)
  assert.equal(await attempt('203.0.113.7', ''), 'accept')
})

test('nobody waits who has logged in, is nearby, writes to the postmaster, or is excepted', async () => {
  const spf: Middleware = {
    name: 'spf',
    async sender(context, next) {
      if (context.sender?.domain === 'pass.example') context.trace.symbol('SPF_PASS', 0)
      return next()
    },
  }
  const options = {
    exceptSymbols: ['SPF_PASS'],
    isKnown: async (context: { sender: unknown }) => JSON.stringify(context.sender).includes('friend'),
  }
  const { attempt } = world(options, [spf])
  const principal = { account: person('ann'), username: 'ann', scopes: ['smtp' as const], credential: 'password' }
  assert.equal(await attempt('203.0.113.7', 'ann@example.org', 'ben@example.org', { principal }), 'accept')
  for (const near of ['127.0.0.1', '::1', '10.1.2.3', 'fd00::1', '']) assert.equal(await attempt(near, 'bob@example.com'), 'accept', near)
  assert.equal(await attempt('203.0.113.7', 'bob@pass.example'), 'accept')
  assert.equal(await attempt('203.0.113.7', 'friend@example.com'), 'accept')
  assert.match(await attempt('203.0.113.7', 'bob@example.com'), /^4.7.1/)
})

test('only those who are suspect are put off, where that is wanted', async () => {
  const suspect: Middleware = {
    name: 'suspect',
    async sender(context, next) {
      context.trace.symbol('SUSPECT', context.sender?.local === 'eve' ? 3 : 1)
      return next()
    },
  }
  const { attempt } = world({ from: 2 }, [suspect])
  assert.equal(await attempt('203.0.113.7', 'bob@example.com'), 'accept')
  assert.match(await attempt('203.0.113.7', 'eve@example.com'), /^4.7.1/)
})

test('an unknown recipient is refused for good and remembered for nothing', async () => {
  const { attempt, state } = world()
  assert.match(await attempt('203.0.113.7', 'bob@example.com', 'nobody@example.org'), /^5.1.1/)
  for await (const page of state.entries('greylist')) assert.fail(JSON.stringify(page))
})

test('strangers by the thousand fill their own space only, and it has a bound', async () => {
  const state = memoryState({ rowsPerSpace: 100 })
  await state.add('bayes/of/ann', [{ key: 'word', first: 1 }])
  const { attempt } = world({ state })
  for (let n = 0; n < 500; n++)
    await attempt('203.0.113.7', `${'x'.repeat(200)}${String.fromCodePoint(97 + (n % 26)).repeat(n % 60)}@h${n}.example`)
  let rows = 0
  for await (const page of state.entries('greylist')) rows += page.length
  assert.equal(rows, 100)
  assert.equal((await state.read('bayes/of/ann', ['word'])).size, 1)
})

test('while the table is away everybody is let in', async () => {
  const gone = async (): Promise<never> => {
    throw new MailError('unavailable', 'away')
  }
  const { attempt, errors } = world({ state: { ...memoryState(), read: gone, add: gone } as unknown as StateTable })
  assert.equal(await attempt('203.0.113.7', 'bob@example.com'), 'accept')
  assert.deepEqual(errors(), [])
})

test('times that cannot hold together are refused at once', () => {
  assert.throws(() => greylist({ state: memoryState(), delay: 100, retryWithin: 50 }), { code: 'MW_GREYLIST_TIMES' })
})
