import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MailError } from 'mailwright/contracts'
import { fakeClock, fakeResolver } from 'mailwright/testing'

const isUnavailable = (error: unknown): boolean => error instanceof MailError && error.kind === 'unavailable'

test('the fake resolver answers from its zone and tells no name from no records (RFC 2308 §2)', async () => {
  const resolver = fakeResolver({
    'Example.ORG.': { mx: ['MX.example.org', { preference: 20, exchange: 'backup.example' }], txt: ['v=spf1 mx -all'], ttl: 300 },
    'mx.example.org': { a: ['192.0.2.1'], authentic: true },
    '192.0.2.1': { ptr: ['mx.example.org'] },
    'null.example': { mx: [''] },
    '_imaps._tcp.example.org': { srv: [{ priority: 0, weight: 1, port: 993, target: 'mx.example.org' }] },
  })
  assert.deepEqual(await resolver.mx('example.org'), {
    records: [
      { preference: 10, exchange: 'mx.example.org' },
      { preference: 20, exchange: 'backup.example' },
    ],
    authentic: false,
    ttl: 300,
  })
  assert.deepEqual(await resolver.a('mx.example.org.'), { records: ['192.0.2.1'], authentic: true })
  assert.deepEqual(await resolver.aaaa('mx.example.org'), { records: [], authentic: true })
  assert.deepEqual((await resolver.ptr('192.0.2.1')).records, ['mx.example.org'])
  assert.deepEqual((await resolver.mx('null.example')).records, [{ preference: 0, exchange: '' }])
  assert.equal((await resolver.srv('_imaps._tcp.example.org')).records[0]?.port, 993)
  assert.equal((await resolver.a('nowhere.example')).exists, false)
  assert.equal((await resolver.a('_tcp.example.org')).exists, undefined, 'something lies below it')
  assert.deepEqual(resolver.asked.slice(0, 2), ['mx example.org', 'a mx.example.org'])

  resolver.set('mx.example.org', { a: ['127.0.0.1'] })
  assert.deepEqual((await resolver.a('mx.example.org')).records, ['127.0.0.1'])
  resolver.set('mx.example.org', undefined)
  assert.equal((await resolver.a('mx.example.org')).exists, false)
})

test('aliases are followed, vouched for only as far as every step is, and never for ever (RFC 1034 §3.6.2)', async () => {
  const resolver = fakeResolver(
    {
      'www.example': { cname: 'host.example' },
      'insecure.example': { cname: 'host.example', authentic: false },
      'host.example': { a: ['192.0.2.7'] },
      'round.example': { cname: 'round.example' },
    },
    { authentic: true },
  )
  assert.deepEqual(await resolver.a('www.example'), { records: ['192.0.2.7'], authentic: true })
  assert.equal((await resolver.a('insecure.example')).authentic, false)
  assert.deepEqual((await resolver.cname('www.example')).records, ['host.example'])
  await assert.rejects(resolver.a('round.example'), isUnavailable)
})

test('names fail and are slow as the test wants (RFC 2308 §7)', async () => {
  const clock = fakeClock()
  const own = new Error('mine')
  const resolver = fakeResolver(
    {
      'broken.example': { fails: true },
      'half.example': { a: ['192.0.2.1'], fails: ['aaaa'] },
      'mine.example': { fails: own },
      'slow.example': { a: ['192.0.2.2'], delayMs: 3000 },
    },
    { clock },
  )
  await assert.rejects(resolver.mx('broken.example'), isUnavailable)
  await assert.rejects(resolver.aaaa('half.example'), isUnavailable)
  assert.deepEqual((await resolver.a('half.example')).records, ['192.0.2.1'])
  await assert.rejects(resolver.a('mine.example'), own)

  const slow = resolver.a('slow.example')
  clock.advance(3000)
  assert.deepEqual((await slow).records, ['192.0.2.2'])
  const left = new AbortController()
  const abandoned = resolver.a('slow.example', { signal: left.signal })
  left.abort()
  await assert.rejects(abandoned, { name: 'AbortError' })
  assert.equal(clock.pending, 0)
})
