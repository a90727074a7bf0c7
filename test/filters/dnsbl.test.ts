import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { LiveConnection, TraceEntry } from 'mailwright/contracts'
import { dnsbl } from 'mailwright/filters/dnsbl'
import type { Blocklist, DnsblOptions } from 'mailwright/filters/dnsbl'
import { fakeClock, fakeResolver } from 'mailwright/testing'
import type { FakeClock, FakeRecords, FakeResolver } from 'mailwright/testing'
import { address, connectionOf, houseOf, person, spooled } from '../pipeline/house.ts'

const LISTS: readonly Blocklist[] = [
  {
    zone: 'zen.list.example',
    codes: {
      '127.0.0.2-3': { symbol: 'DNSBL_SBL', score: 5, text: 'a spammer’s own' },
      '127.0.0.10-11': { symbol: 'DNSBL_PBL', score: 3 },
      '127.0.1.0&4': { symbol: 'DNSBL_BIT', score: 1 },
    },
  },
  { zone: 'plain.example' },
]
const HEALTHY: Readonly<Record<string, FakeRecords>> = {
  '2.0.0.127.zen.list.example': { a: ['127.0.0.2'] },
  '2.0.0.127.plain.example': { a: ['127.0.0.2'] },
}

interface World {
  readonly clock: FakeClock
  readonly resolver: FakeResolver
  readonly ask: (from?: string, more?: Partial<LiveConnection>) => Promise<{ reply: string; symbols: string[]; notes: string[] }>
}

function world(zone: Readonly<Record<string, FakeRecords>>, options: Partial<DnsblOptions> = {}): World {
  const clock = fakeClock()
  const resolver = fakeResolver({ ...HEALTHY, ...zone }, { clock })
  const filter = dnsbl({ resolver, lists: LISTS, clock, ...options })
  return {
    clock,
    resolver,
    async ask(from = '203.0.113.7', more = {}) {
      const house = houseOf({ middleware: [filter] })
      const connection = connectionOf('smtp', { remote: { address: from, port: 1 }, ...more })
      const { reception, verdict } = await house.host.receive(connection, { sender: address('bob@example.com') })
      if (verdict.kind === 'accept') {
        await reception.recipient(address('ann@example.org'))
        await reception.message(spooled('From: <bob@example.com>\n\nx\n'))
      }
      const told = house.told(verdict.kind === 'accept' ? 'message' : 'refused')[0]
      const entry = ((told?.['trace'] ?? []) as readonly TraceEntry[]).find(({ middleware }) => middleware === 'dnsbl')
      assert.equal(entry?.fault, undefined)
      const reply = 'code' in verdict ? `${verdict.kind} ${verdict.code} ${verdict.text}` : verdict.kind
      return { reply, symbols: (entry?.symbols ?? []).map(({ name, score }) => `${name} ${score}`), notes: [...(entry?.evidence ?? [])] }
    },
  }
}

test('an address is looked up backwards in every list, and codes have meanings (RFC 5782 §2.1, §2.3)', async () => {
  const { ask } = world({
    '7.113.0.203.zen.list.example': { a: ['127.0.0.3', '127.0.0.11', '127.0.0.99'] },
    '7.113.0.203.plain.example': { a: ['127.0.0.77'] },
  })
  const { reply, symbols, notes } = await ask()
  assert.equal(reply, 'accept')
  assert.deepEqual(symbols, ['DNSBL_SBL 5', 'DNSBL_PBL 3', 'DNSBL_PLAIN 3'])
  assert.match(notes.join('\n'), /zen.list.example answers 127.0.0.3, 127.0.0.11, 127.0.0.99 for 7.113.0.203/)
})

test('IPv6 addresses are looked up by their nibbles (RFC 5782 §2.4)', async () => {
  const { ask, resolver } = world({})
  const name = '9.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.1.0.0.0.8.b.d.0.1.0.0.2.plain.example'
  resolver.set(name, { a: ['127.0.0.2'] })
  assert.deepEqual((await ask('2001:db8:1::9')).symbols, ['DNSBL_PLAIN 3'])
  assert.ok(resolver.asked.includes(`a ${name}`))
})

test('codes can be bits, and a code without meaning weighs nothing', async () => {
  const { ask, resolver } = world({ '7.113.0.203.zen.list.example': { a: ['127.0.0.6'] } })
  assert.deepEqual((await ask()).symbols, ['DNSBL_BIT 1'])
  resolver.set('8.113.0.203.zen.list.example', { a: ['127.0.0.128'] })
  const other = await ask('203.0.113.8')
  assert.deepEqual(other.symbols, [])
  assert.match(other.notes[0] ?? '', /which weighs nothing/)
})

test('a refusal is for those who want one, and names no list’s inside', async () => {
  const { ask } = world({ '7.113.0.203.zen.list.example': { a: ['127.0.0.2'] } }, { rejectAt: 5 })
  assert.equal((await ask()).reply, 'reject 5.7.1 Mail from 203.0.113.7 is not taken: the address is listed')
  assert.equal((await ask('203.0.113.8')).reply, 'accept')
})

test('answers outside 127/8 come from no list: a parked domain lists nobody (RFC 5782 §2.3)', async () => {
  const { ask } = world({ '7.113.0.203.plain.example': { a: ['198.51.100.1'] } }, { rejectAt: 1 })
  const { reply, notes } = await ask()
  assert.equal(reply, 'accept')
  assert.match(notes[0] ?? '', /which is no answer of a list/)
})

test('a list that lists everything has died (RFC 5782 §5)', async () => {
  const { ask, clock, resolver } = world(
    { '1.0.0.127.plain.example': { a: ['127.0.0.2'] }, '7.113.0.203.plain.example': { a: ['127.0.0.2'], ttl: 60 } },
    { rejectAt: 1 },
  )
  const { reply, notes } = await ask()
  assert.equal(reply, 'accept')
  assert.match(notes[0] ?? '', /counts for nothing: it lists everything/)
  resolver.set('1.0.0.127.plain.example', undefined)
  assert.equal((await ask()).reply, 'accept', 'not looked at again at once')
  clock.advance(3_600_000)
  assert.match((await ask()).reply, /^reject/)
})

test('so has one that has lost its test entry, and one that refuses to answer says nothing', async () => {
  const dead = world({ '2.0.0.127.plain.example': {}, '7.113.0.203.plain.example': { a: ['127.0.0.2'] } })
  assert.match((await dead.ask()).notes[0] ?? '', /its test entry 2.0.0.127 is missing/)
  for (const answer of ['127.0.0.1', '127.255.255.254']) {
    const { symbols, notes } = await world({ '7.113.0.203.plain.example': { a: [answer] } }).ask()
    assert.deepEqual(symbols, [])
    assert.match(notes[0] ?? '', /the list refuses to answer this resolver/)
  }
})

test('a list that fails refuses nobody, and the others are heard', async () => {
  const { ask } = world({ '7.113.0.203.zen.list.example': { fails: true }, '7.113.0.203.plain.example': { a: ['127.0.0.2'] } })
  const { reply, symbols, notes } = await ask()
  assert.equal(reply, 'accept')
  assert.deepEqual(symbols, ['DNSBL_PLAIN 3'])
  assert.match(notes.join(), /zen.list.example could not be asked about 7.113.0.203/)
})

test('slow lists have a budget together', async () => {
  const { ask, clock } = world(
    { '7.113.0.203.zen.list.example': { a: ['127.0.0.2'], delayMs: 60_000 }, '7.113.0.203.plain.example': { a: ['127.0.0.2'] } },
    { within: 2000 },
  )
  const asking = ask()
  await new Promise(resolve => setImmediate(resolve))
  clock.advance(2000)
  const { symbols, notes } = await asking
  assert.deepEqual(symbols, ['DNSBL_PLAIN 3'])
  assert.match(notes.join(), /zen.list.example could not be asked about 7.113.0.203: no answer within 2000 ms/)
})

test('a list whose health cannot be found out counts for nothing', async () => {
  const { ask } = world({ '2.0.0.127.plain.example': { fails: true }, '7.113.0.203.plain.example': { a: ['127.0.0.2'] } }, { rejectAt: 1 })
  const { reply, notes } = await ask()
  assert.equal(reply, 'accept')
  assert.match(notes[0] ?? '', /it could not be tried out/)
})

test('answers are remembered, for as long as the list says, a bounded number', async () => {
  const { ask, resolver, clock } = world({ '7.113.0.203.plain.example': { a: ['127.0.0.2'], ttl: 120 } }, { memory: 4 })
  const count = (): number => resolver.asked.filter(question => question === 'a 7.113.0.203.plain.example').length
  await ask()
  await ask()
  assert.equal(count(), 1)
  clock.advance(120_000)
  await ask()
  assert.equal(count(), 2)
  for (let n = 10; n < 15; n++) await ask(`203.0.113.${n}`)
  await ask()
  assert.equal(count(), 3)
})

test('nobody asks about those who have logged in, and about nearby networks', async () => {
  const { ask, resolver } = world({})
  const principal = { account: person('ann'), username: 'ann', scopes: ['smtp' as const], credential: 'password' }
  await ask('203.0.113.7', { principal })
  for (const near of ['127.0.0.1', '10.0.0.1', '192.168.1.1', 'fe80::1', '']) await ask(near)
  assert.deepEqual(resolver.asked, [])
})

test('lists that are none are refused at once', () => {
  const resolver = fakeResolver()
  for (const list of [
    { zone: 'nodots' },
    { zone: 'evil.example/path' },
    { zone: 'list.example', codes: { '10.0.0.1': { symbol: 'X', score: 1 } } },
    { zone: 'list.example', codes: { '127.0.0.2': { symbol: 'not upper', score: 1 } } },
    { zone: 'list.example', score: Number.NaN },
  ]) {
    assert.throws(() => dnsbl({ resolver, lists: [list] }), { name: 'ConfigurationError' }, JSON.stringify(list))
  }
})
