import assert from 'node:assert/strict'
import { test } from 'node:test'
import { router } from 'mailwright/outbound'
import type { Route, RouterOptions, RouteRequest } from 'mailwright/outbound'
import { fakeResolver, seededRandom } from 'mailwright/testing'
import type { FakeRecords } from 'mailwright/testing'

type Zone = Readonly<Record<string, FakeRecords>>

/** Public addresses: those for documentation are none. */
const ONE = '9.1.1.1'
const TWO = '9.1.1.2'
const SIX = '2600::1'

function route(domain: string, zone: Zone, options: Partial<RouterOptions> = {}, request: RouteRequest = {}): Promise<Route> {
  return router({ resolver: fakeResolver(zone), random: seededRandom(), ehloName: 'us.example', now: () => 1, ...options }).route(
    domain,
    request,
  )
}

/** A route in short: `mx.example 9.1.1.1:25, ...`, or the code and text of why there is none. */
function brief(found: Route): string {
  if (found.kind !== 'hops') return `${found.kind} ${found.status.code} ${found.status.text}`
  return found.hops.map(hop => `${hop.host} ${hop.address}:${hop.port}`).join(', ')
}

test('MX hosts by preference, IPv6 and IPv4 in turn (RFC 5321 §5.1, §5.2)', async () => {
  const zone = {
    'a.example': {
      mx: [
        { preference: 20, exchange: 'two.example' },
        { preference: 10, exchange: 'one.example' },
      ],
    },
    'one.example': { a: [ONE, TWO], aaaa: [SIX] },
    'two.example': { a: ['9.1.1.3'] },
  }
  assert.equal(
    brief(await route('a.example', zone)),
    `one.example ${SIX}:25, one.example ${ONE}:25, one.example ${TWO}:25, two.example 9.1.1.3:25`,
  )
  assert.equal(
    brief(await route('a.example', zone, { families: ['ipv4'], port: 2525 })),
    `one.example ${ONE}:2525, one.example ${TWO}:2525, two.example 9.1.1.3:2525`,
  )
})

test('equal preferences are shuffled (RFC 5321 §5.1)', async () => {
  const zone = { 'a.example': { mx: ['x.example', 'y.example'] }, 'x.example': { a: [ONE] }, 'y.example': { a: [TWO] } }
  const firsts = new Map<string, number>()
  for (let seed = 1; seed <= 200; seed++) {
    const found = await route('a.example', zone, { random: seededRandom(seed) })
    assert.ok(found.kind === 'hops')
    firsts.set(found.hops[0].host, (firsts.get(found.hops[0].host) ?? 0) + 1)
  }
  assert.equal(firsts.size, 2)
  for (const count of firsts.values()) assert.ok(count > 60, `${count} of 200`)
})

test('without MX the domain itself; with MX never (RFC 5321 §5.1)', async () => {
  const found = await route('a.example', { 'a.example': { a: [ONE] } })
  assert.ok(found.kind === 'hops')
  assert.deepEqual([found.hops[0].kind, found.hops[0].host], ['implicit-mx', 'a.example'])
  assert.equal(
    brief(await route('b.example', { 'b.example': { a: [ONE], mx: ['gone.example'] } })),
    'failed 5.4.4 none of the mail servers of b.example has an address',
  )
})

test('what DNS cannot say waits, what it denies fails (RFC 5321 §5.1, RFC 7505 §4.1)', async () => {
  assert.match(brief(await route('no.example', {})), /^failed 5\.1\.2 there is no domain/)
  assert.match(brief(await route('bare.example', { 'bare.example': { txt: ['x'] } })), /^failed 5\.1\.2 bare\.example has no mail server/)
  assert.match(brief(await route('null.example', { 'null.example': { mx: [''], a: [ONE] } })), /^failed 5\.1\.10/)
  assert.match(brief(await route('broken.example', { 'broken.example': { fails: true } })), /^deferred 4\.4\.3/)
  const half = { 'half.example': { mx: ['mx.example'] }, 'mx.example': { fails: true } }
  assert.match(brief(await route('half.example', half)), /^deferred 4\.4\.3/)
})

test('one host that cannot be looked up does not stand before the others', async () => {
  const zone = {
    'a.example': {
      mx: [
        { preference: 1, exchange: 'bad.example' },
        { preference: 2, exchange: 'good.example' },
      ],
    },
    'bad.example': { fails: true },
    'good.example': { a: [ONE], fails: ['aaaa' as const] },
  }
  assert.equal(brief(await route('a.example', zone)), `good.example ${ONE}:25`)
})

test('a null MX beside others names nobody (RFC 7505 §3)', async () => {
  assert.equal(
    brief(await route('a.example', { 'a.example': { mx: ['', 'mx.example'] }, 'mx.example': { a: [ONE] } })),
    `mx.example ${ONE}:25`,
  )
})

test('ourselves among the MX hosts: only what is better than we are (RFC 5321 §5.1)', async () => {
  const zone = {
    'a.example': {
      mx: [
        { preference: 10, exchange: 'best.example' },
        { preference: 20, exchange: 'us.example' },
        { preference: 20, exchange: 'peer.example' },
        { preference: 30, exchange: 'worse.example' },
      ],
    },
    'best.example': { a: [ONE] },
    'peer.example': { a: [TWO] },
    'worse.example': { a: ['9.1.1.3'] },
    'us.example': { a: ['9.9.9.1'] },
    'loop.example': { mx: ['us.example'] },
    'other-name.example': { mx: ['alias.example'] },
    'alias.example': { a: ['9.9.9.1'] },
  }
  assert.equal(brief(await route('a.example', zone)), `best.example ${ONE}:25`)
  assert.match(brief(await route('loop.example', zone)), /^failed 5\.4\.6/)
  assert.match(brief(await route('other-name.example', zone, { ourAddresses: ['::ffff:9.9.9.1'] })), /^failed 5\.4\.6/)
})

test('S30: ten thousand MX records cost no more than ten hosts and twenty addresses', async () => {
  const exchanges = Array.from({ length: 10_000 }, (_, at) => `mx${at}.example`)
  const zone: Record<string, FakeRecords> = { 'a.example': { mx: exchanges } }
  for (const exchange of exchanges) zone[exchange] = { a: Array.from({ length: 50 }, (_, at) => `9.1.2.${at}`) }
  const resolver = fakeResolver(zone)
  const found = await route('a.example', {}, { resolver })
  assert.ok(found.kind === 'hops')
  assert.equal(found.hops.length, 20)
  assert.ok(resolver.asked.length <= 21)
})

test('S29: MX at private addresses is refused, unless the host allows it', async () => {
  const zone = {
    'a.example': { mx: ['inside.example', 'outside.example'] },
    'inside.example': { a: ['10.0.0.1', '127.0.0.1'], aaaa: ['::1', '::ffff:10.0.0.1'] },
    'outside.example': { a: [ONE] },
    'b.example': { mx: ['inside.example'] },
  }
  assert.equal(brief(await route('a.example', zone)), `outside.example ${ONE}:25`)
  assert.match(brief(await route('b.example', zone)), /^failed 5\.4\.4 .* no public address/)
  const allowed = await route('b.example', zone, { allowPrivateNetworks: true })
  assert.ok(allowed.kind === 'hops')
  assert.equal(allowed.hops.length, 4)
})

test('S30: the name is asked once, and what was checked is what is dialled', async () => {
  const resolver = fakeResolver({ 'a.example': { mx: ['mx.example'] }, 'mx.example': { a: [ONE] } })
  const found = await route('a.example', {}, { resolver })
  resolver.set('mx.example', { a: ['127.0.0.1'] })
  assert.equal(brief(found), `mx.example ${ONE}:25`)
  assert.deepEqual(resolver.asked, ['mx a.example', 'aaaa mx.example', 'a mx.example'])
})

test('domain literals (RFC 5321 §4.1.3)', async () => {
  assert.equal(brief(await route(`[${ONE}]`, {})), `[${ONE}] ${ONE}:25`)
  assert.equal(brief(await route('[IPv6:2600::1]', {})), '[IPv6:2600::1] 2600::1:25')
  for (const domain of ['[127.0.0.1]', '[IPv6:::1]', '[10.1.1.1]']) assert.match(brief(await route(domain, {})), /^failed 5\.4\.4/, domain)
  for (const domain of ['[]', '[2600::1]', '[IPv6:9.1.1.1]', '[x]', '[0x9.1.1.1]'])
    assert.match(brief(await route(domain, {})), /^failed 5\.1\.2/, domain)
})

test('routes of the host: the most exact one, LMTP, and DNS in spite of a smarthost', async () => {
  const zone = { 'mx.example': { a: [ONE] }, 'd.example': { mx: ['mx.example'] }, 'relay.example': { a: [TWO] } }
  const options: Partial<RouterOptions> = {
    smarthost: { host: 'relay.example', port: 587, credentials: { username: 'u', password: 'p' } },
    routes: [
      { domain: '.example', to: { host: '10.0.0.9' } },
      { domain: 'd.example', to: 'mx' },
      {
        domain: 'l.example',
        to: [
          { host: '127.0.0.1', flavour: 'lmtp' },
          { host: '127.0.0.2', port: 2424, flavour: 'lmtp' },
        ],
      },
    ],
  }
  assert.equal(brief(await route('x.example', zone, options)), '10.0.0.9 10.0.0.9:25')
  assert.equal(brief(await route('d.example', zone, options)), `mx.example ${ONE}:25`)
  assert.equal(brief(await route('l.example', zone, options)), '127.0.0.1 127.0.0.1:24, 127.0.0.2 127.0.0.2:2424')
  const smart = await route('elsewhere.test', zone, options)
  assert.ok(smart.kind === 'hops')
  assert.equal(brief(smart), `relay.example ${TWO}:587`)
  assert.deepEqual([smart.hops[0].kind, smart.hops[0].tls, smart.hops[0].credentials?.username], ['smarthost', 'verified', 'u'])
  assert.match(brief(await route('elsewhere.test', {}, options)), /^deferred 4\.4\.4/)
})

test('faces by sender and account; the family of the local address decides which hops it can reach', async () => {
  const zone = { 'a.example': { a: [ONE], aaaa: [SIX] } }
  const sources = [
    { senderDomain: 'News.example', identities: [{ address: '9.9.9.7', ehloName: 'news.us.example' }] },
    { account: 'bulk', identities: [{ address: '2600::7', ehloName: 'bulk.us.example' }] },
  ]
  const news = await route('a.example', zone, { sources }, { from: 'ann@news.example' })
  assert.ok(news.kind === 'hops')
  assert.deepEqual(
    news.hops.map(hop => [hop.address, hop.localAddress, hop.ehloName]),
    [[ONE, '9.9.9.7', 'news.us.example']],
  )
  const bulk = await route('a.example', zone, { sources }, { from: 'ann@us.example', account: 'bulk' })
  assert.ok(bulk.kind === 'hops')
  assert.deepEqual(
    bulk.hops.map(hop => [hop.address, hop.ehloName]),
    [[SIX, 'bulk.us.example']],
  )
  const other = await route('a.example', zone, { sources }, { from: '' })
  assert.ok(other.kind === 'hops')
  assert.equal(other.hops[0].ehloName, 'us.example')
})

test('routes that cannot be meant are told at construction', () => {
  const resolver = fakeResolver()
  const make = (options: Partial<RouterOptions>) => () =>
    router({ resolver, random: seededRandom(), ehloName: 'us.example', now: () => 1, ...options })
  assert.throws(make({ routes: [{ domain: 'a', to: [] }] }), { code: 'MW_ROUTE_INVALID' })
  assert.throws(
    make({
      routes: [
        { domain: 'a', to: 'mx' },
        { domain: 'A', to: 'mx' },
      ],
    }),
    { code: 'MW_ROUTE_INVALID' },
  )
})
