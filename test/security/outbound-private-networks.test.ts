import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MailError } from 'mailwright/contracts'
import type { QueueLease } from 'mailwright/contracts'
import { safeFetch } from 'mailwright/net'
import { router, SessionPool, tlsPolicy, transmitter } from 'mailwright/outbound'
import { fakeClock, fakeDialer, fakeResolver, seededRandom } from 'mailwright/testing'
import type { FakeRecords } from 'mailwright/testing'
import { source } from '../outbound/client-world.ts'
import { SPECIAL } from './special-addresses.ts'

const PRIVATE: readonly string[] = Object.entries(SPECIAL).flatMap(([scope, addresses]) => (scope === 'public' ? [] : addresses))

function records(address: string): FakeRecords {
  return address.includes(':') ? { aaaa: [address] } : { a: [address] }
}

/** Carries a message to `destination` in such a zone; answers the addresses that were dialled. */
async function dialled(destination: string, zone: Readonly<Record<string, FakeRecords>>): Promise<readonly string[]> {
  const clock = fakeClock()
  const resolver = fakeResolver(zone)
  const dialer = fakeDialer(() => new MailError('unavailable', 'nobody'), { clock })
  const transmit = transmitter({
    router: router({ resolver, random: seededRandom(), ehloName: 'us.example', now: () => clock.now() }),
    tls: tlsPolicy({ resolver, clock }),
    pool: new SessionPool({ dialer, clock }),
  })
  const lease: QueueLease = {
    id: '1',
    token: 't',
    destination,
    envelope: { from: 'ann@us.example', origin: 'api', queuedAt: 0, expiresAt: 0 },
    recipients: [{ address: `bob@${destination}`, index: 0, attempts: 0, warned: false }],
    content: source('x'),
  }
  await transmit(lease, new AbortController().signal)
  return dialer.dialled.map(({ address }) => address)
}

test('S29: more than 200 ways to a private network, none of which is dialled (RFC 5321 §5.1)', async t => {
  let ways = 0
  for (const address of PRIVATE) {
    const literal = address.includes(':') ? `[IPv6:${address}]` : `[${address}]`
    const zones: readonly (readonly [string, Readonly<Record<string, FakeRecords>>])[] = [
      ['a.example', { 'a.example': { mx: ['mx.example'] }, 'mx.example': records(address) }],
      ['a.example', { 'a.example': records(address) }],
      ['a.example', { 'a.example': { mx: ['mx.example'] }, 'mx.example': { cname: 'inside.example' }, 'inside.example': records(address) }],
      ['a.example', { 'a.example': { mx: [address] }, [address]: records(address) }],
      [literal, {}],
    ]
    for (const [destination, zone] of zones) {
      ways++
      assert.deepEqual(await dialled(destination, zone), [], `${destination} at ${address}`)
    }
  }
  t.diagnostic(`${ways} ways`)
  assert.ok(ways >= 200)
})

test('S29: beside a public address the private ones are left out', async () => {
  for (const address of PRIVATE) {
    const { a = [], aaaa = [] } = records(address)
    const zone = { 'a.example': { mx: ['mx.example'] }, 'mx.example': { a: [...a, '9.1.1.1'], aaaa } }
    assert.deepEqual(await dialled('a.example', zone), ['9.1.1.1'], address)
  }
})

test('S29: no page is fetched from a private network, by name or by address (RFC 8461 §3.3)', async () => {
  for (const address of PRIVATE) {
    const fetch = safeFetch({ resolver: fakeResolver({ 'mta-sts.a.example': records(address) }) })
    for (const url of [
      'https://mta-sts.a.example/.well-known/mta-sts.txt',
      address.includes(':') ? `https://[${address}]/` : `https://${address}/`,
    ])
      await assert.rejects(fetch(url), { kind: 'invalid' }, `${url} at ${address}`)
  }
})

test('S30: a zone that changes its mind between the answer and the connection changes nothing', async () => {
  const clock = fakeClock()
  const resolver = fakeResolver({ 'a.example': { mx: ['mx.example'] }, 'mx.example': { a: ['9.1.1.1'] } })
  const dialer = fakeDialer(() => new MailError('unavailable', 'nobody'), { clock })
  const ways = router({ resolver, random: seededRandom(), ehloName: 'us.example', now: () => clock.now() })
  const transmit = transmitter({
    router: {
      async route(domain, request) {
        const found = await ways.route(domain, request)
        resolver.set('mx.example', { a: ['127.0.0.1'] })
        return found
      },
    },
    tls: tlsPolicy({ resolver, clock }),
    pool: new SessionPool({ dialer, clock }),
  })
  const lease: QueueLease = {
    id: '1',
    token: 't',
    destination: 'a.example',
    envelope: { from: '', origin: 'api', queuedAt: 0, expiresAt: 0 },
    recipients: [{ address: 'bob@a.example', index: 0, attempts: 0, warned: false }],
    content: source('x'),
  }
  await transmit(lease, new AbortController().signal)
  clock.advance(60_000)
  await transmit(lease, new AbortController().signal)
  assert.deepEqual(
    dialer.dialled.map(({ address }) => address),
    ['9.1.1.1'],
  )
})
