import assert from 'node:assert/strict'
import { test } from 'node:test'
import { encode } from 'dns-packet'
import type { Answer } from 'dns-packet'
import { ConfigurationError, MailError } from 'mailwright/contracts'
import { cachingResolver, stubResolver } from 'mailwright/dns'
import { socketDialer } from 'mailwright/net'
import { fakeServer } from './fake-server.ts'
import type { Said } from './fake-server.ts'
import { processorTime } from '../support/processor-time.ts'

const isUnavailable = (error: unknown): boolean => error instanceof MailError && error.kind === 'unavailable'

const soa = (ttl: number, minimum: number): Answer => ({
  type: 'SOA',
  name: 'example',
  ttl,
  data: { mname: 'ns.example', rname: 'root.example', serial: 1, refresh: 1, retry: 1, expire: 1, minimum },
})

const world: Readonly<Record<string, Said>> = {
  'mx.example A': { answers: [{ type: 'A', name: 'MX.example', ttl: 60, data: '192.0.2.1' }] },
  'mx.example AAAA': { answers: [{ type: 'AAAA', name: 'mx.example', ttl: 60, data: '2001:db8:0:0:1:0:0:1' }] },
  'example MX': {
    answers: [
      { type: 'MX', name: 'example', ttl: 300, data: { preference: 10, exchange: 'MX.Example' } },
      { type: 'MX', name: 'example', ttl: 200, data: { preference: 20, exchange: 'backup.example' } },
      { type: 'MX', name: 'other.example', ttl: 1, data: { preference: 0, exchange: 'evil.example' } },
    ],
  },
  'null.example MX': { answers: [{ type: 'MX', name: 'null.example', ttl: 60, data: { preference: 0, exchange: '.' } }] },
  'example TXT': { answers: [{ type: 'TXT', name: 'example', ttl: 60, data: ['v=spf1 ', '-all'] }] },
  '1.2.0.192.in-addr.arpa PTR': { answers: [{ type: 'PTR', name: '1.2.0.192.in-addr.arpa', ttl: 60, data: 'MX.example' }] },
  '1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa PTR': {
    answers: [
      { type: 'PTR', name: '1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa', ttl: 60, data: 'mx.example' },
    ],
  },
  '_25._tcp.mx.example TLSA': {
    authentic: true,
    answers: [
      {
        type: 'TLSA',
        name: '_25._tcp.mx.example',
        ttl: 60,
        data: { usage: 3, selector: 1, matchingType: 1, certificate: Buffer.alloc(32, 7) },
      },
    ],
  },
  '_imaps._tcp.example SRV': {
    answers: [{ type: 'SRV', name: '_imaps._tcp.example', ttl: 60, data: { priority: 0, weight: 1, port: 993, target: 'mx.example' } }],
  },
  'empty.example A': { authorities: [soa(900, 300)] },
  'www.example CNAME': { answers: [{ type: 'CNAME', name: 'www.example', ttl: 60, data: 'mx.example' }] },
}

const answerer = ({ name, type }: { name: string; type: string }): Said =>
  world[`${name} ${type}`] ?? { rcode: 3, authorities: [soa(60, 7200)] }

test('records come in the form of the contract, with their time to live (RFC 1035 §3.3; RFC 2308 §2)', async () => {
  using server = await fakeServer(answerer)
  const resolver = stubResolver({ servers: [server.address] })
  assert.deepEqual(await resolver.a('mx.example'), { records: ['192.0.2.1'], authentic: false, ttl: 60 })
  assert.deepEqual((await resolver.aaaa('mx.example')).records, ['2001:db8::1:0:0:1'])
  assert.deepEqual(await resolver.mx('Example.'), {
    records: [
      { preference: 10, exchange: 'mx.example' },
      { preference: 20, exchange: 'backup.example' },
    ],
    authentic: false,
    ttl: 200,
  })
  assert.deepEqual((await resolver.mx('null.example')).records, [{ preference: 0, exchange: '' }])
  assert.deepEqual((await resolver.txt('example')).records, ['v=spf1 -all'])
  assert.deepEqual((await resolver.ptr('192.0.2.1')).records, ['mx.example'])
  assert.deepEqual((await resolver.ptr('2001:db8::1')).records, ['mx.example'])
  assert.deepEqual(await resolver.tlsa('_25._tcp.mx.example'), {
    records: [{ usage: 3, selector: 1, matchingType: 1, data: new Uint8Array(32).fill(7) }],
    authentic: true,
    ttl: 60,
  })
  assert.deepEqual((await resolver.srv('_imaps._tcp.example')).records, [{ priority: 0, weight: 1, port: 993, target: 'mx.example' }])
  assert.deepEqual((await resolver.cname('www.example')).records, ['mx.example'])
  assert.deepEqual(await resolver.a('empty.example'), { records: [], authentic: false, ttl: 300 })
  assert.deepEqual(await resolver.a('nowhere.example'), { records: [], authentic: false, exists: false, ttl: 60 })
})

test('what cannot be a name is not asked, and does not exist (RFC 1035 §2.3.4)', async () => {
  using server = await fakeServer(answerer)
  const resolver = stubResolver({ servers: [server.address] })
  const nothing = { records: [], authentic: false, exists: false }
  const longest = [63, 63, 63, 61].map(length => 'a'.repeat(length)).join('.')
  for (const name of ['', '.', 'a..example', `${'a'.repeat(64)}.example`, `${longest}a`, 'a b.example', 'a\r\nb.example', 'x'.repeat(5000)])
    assert.deepEqual(await resolver.mx(name), nothing, JSON.stringify(name.slice(0, 20)))
  assert.deepEqual(await resolver.ptr('192.0.2.256'), nothing)
  assert.equal(server.asked.length, 0)
  assert.equal((await resolver.a(longest)).exists, false)
  await resolver.a('bücher.example')
  assert.deepEqual(
    server.asked.map(({ packet }) => packet.questions?.[0]?.name),
    [longest, 'xn--bcher-kva.example'],
  )
})

test('each question has an id and a port of its own, asks for validation, and is believed only from a server that is trusted (RFC 5452 §9.2; RFC 6840 §5.7)', async () => {
  using server = await fakeServer(answerer)
  const resolver = stubResolver({ servers: [server.address] })
  for (let i = 0; i < 20; i++) await resolver.tlsa('_25._tcp.mx.example')
  assert.ok(new Set(server.asked.map(({ packet }) => packet.id)).size > 15)
  assert.ok(new Set(server.asked.map(({ peer }) => peer)).size > 15)
  const [first] = server.asked
  assert.equal(first?.packet.flag_ad, true)
  const opt = first?.packet.additionals?.find(record => record.type === 'OPT')
  assert.ok(opt?.type === 'OPT' && opt.flag_do && opt.udpPayloadSize === 1232)
  assert.equal((await resolver.tlsa('_25._tcp.mx.example')).authentic, true, 'a server on this machine')
  const doubting = stubResolver({ servers: [server.address], trustAuthenticData: false })
  assert.equal((await doubting.tlsa('_25._tcp.mx.example')).authentic, false)
  assert.equal(server.asked.at(-1)?.packet.flag_ad, false)
})

test('answers that fit no question are passed over, and many of them are an attack (RFC 5452 §9.1)', async () => {
  const truth: Answer = { type: 'A', name: 'mx.example', ttl: 60, data: '192.0.2.1' }
  const lie: Answer = { type: 'A', name: 'mx.example', ttl: 60, data: '203.0.113.66' }
  const say = (id: number, name: string, answers: Answer[], flags = 0x180): Uint8Array =>
    encode({ type: 'response', id, flags, questions: [{ type: 'A', name }], answers })
  using server = await fakeServer((question, query) => {
    const id = ((query[0] ?? 0) << 8) | (query[1] ?? 0)
    if (question.name === 'many.example') return Array.from({ length: 30 }, () => say(id ^ 1, 'many.example', [lie]))
    return [
      say(id ^ 1, 'mx.example', [lie]),
      say(id, 'mx.example.evil', [lie]),
      Uint8Array.of(...query), // a question is no answer
      Uint8Array.of(1, 2, 3),
      say(id, 'mx.example', [truth]),
    ]
  })
  const resolver = stubResolver({ servers: [server.address], timeoutMs: 2000, retries: 0 })
  assert.deepEqual((await resolver.a('mx.example')).records, ['192.0.2.1'])
  await assert.rejects(resolver.a('many.example'), /too many answers that fit no question/)
})

test('a silent or failing server is passed over; when none answers, it is a failure and not an absence (RFC 2308 §7)', async () => {
  using silent = await fakeServer(() => undefined)
  using failing = await fakeServer(() => ({ rcode: 2 }))
  using working = await fakeServer(answerer)
  const resolver = stubResolver({ servers: [silent.address, failing.address, working.address], timeoutMs: 50 })
  assert.deepEqual((await resolver.a('mx.example')).records, ['192.0.2.1'])
  assert.equal(failing.asked.length, 1)

  const unlucky = stubResolver({ servers: [silent.address, failing.address], timeoutMs: 30, retries: 2 })
  await assert.rejects(unlucky.a('mx.example'), isUnavailable)
  assert.equal(silent.asked.length, 1 + 3, 'asked again in each round')
  assert.equal(failing.asked.length, 1 + 1, 'what it said stands')

  const nobody = stubResolver({ servers: ['127.0.0.1:1'], timeoutMs: 5000, retries: 0 })
  await assert.rejects(nobody.a('mx.example'), /ECONNREFUSED/)
})

test('a question ends with its deadline, or when its caller leaves (RFC 1035 §7.1)', async () => {
  using silent = await fakeServer(() => undefined)
  const resolver = stubResolver({ servers: [silent.address], timeoutMs: 10_000, deadlineMs: 50 })
  await assert.rejects(resolver.a('mx.example'), /no answer for A of mx\.example in 50 ms/)
  const caller = new AbortController()
  const patient = stubResolver({ servers: [silent.address], timeoutMs: 10_000, concurrency: 1 })
  const asked = [patient.a('mx.example', { signal: caller.signal }), patient.a('mx.example', { signal: caller.signal })]
  caller.abort(new Error('gone'))
  for (const question of await Promise.allSettled(asked)) assert.equal(question.status, 'rejected')
  await assert.rejects(patient.a('mx.example', { signal: caller.signal }), /gone/)
})

test('what does not fit a datagram comes over TCP where there is a dialer (RFC 7766 §5)', async () => {
  const texts = Array.from({ length: 250 }, () => 'x'.repeat(255))
  using server = await fakeServer(({ name }) => ({
    truncated: true,
    authentic: true,
    answers: [{ type: 'TXT', name, ttl: 60, data: texts }],
  }))
  const resolver = stubResolver({ servers: [server.address], dialer: socketDialer() })
  const { records, authentic } = await resolver.txt('long.example')
  assert.deepEqual([records.length, records[0]?.length, authentic], [1, 63_750, true])
  assert.deepEqual(
    server.asked.map(({ over }) => over),
    ['udp', 'tcp'],
  )
  await assert.rejects(stubResolver({ servers: [server.address], retries: 0 }).txt('long.example'), /no dialer for TCP/)
})

test('a server that stumbles over EDNS is asked without it (RFC 6891 §7)', async () => {
  using server = await fakeServer((question, query) => (query[11] === 0 ? answerer(question) : { rcode: 1 }))
  const resolver = stubResolver({ servers: [server.address] })
  assert.deepEqual((await resolver.a('mx.example')).records, ['192.0.2.1'])
  assert.equal(server.asked.length, 2)
})

test('aliases are followed within an answer and beyond it, and not for ever (RFC 1034 §3.6.2)', async () => {
  const alias = (name: string, data: string, ttl = 60): Answer => ({ type: 'CNAME', name, ttl, data })
  using server = await fakeServer(({ name }) => {
    if (name === 'whole.example')
      return {
        authentic: true,
        answers: [
          alias(name, 'b.example', 30),
          alias('b.example', 'c.example'),
          { type: 'A', name: 'c.example', ttl: 60, data: '192.0.2.3' },
        ],
      }
    if (name === 'part.example') return { authentic: true, answers: [alias(name, 'whole.example', 10)] }
    if (name === 'dead.example') return { rcode: 3, answers: [alias(name, 'gone.example')], authorities: [soa(60, 60)] }
    if (name === 'none.example') return { answers: [alias(name, 'c.example')], authorities: [soa(60, 60)] }
    if (name === 'loop.example') return { answers: [alias(name, 'pool.example'), alias('pool.example', name)] }
    const [, number] = /^step-(\d+)/.exec(name) ?? []
    return { answers: [alias(name, `step-${Number(number) + 1}.example`)] }
  })
  const resolver = stubResolver({ servers: [server.address] })
  assert.deepEqual(await resolver.a('whole.example'), { records: ['192.0.2.3'], authentic: true, ttl: 30 })
  assert.deepEqual(await resolver.a('part.example'), { records: ['192.0.2.3'], authentic: true, ttl: 10 })
  assert.equal((await resolver.a('dead.example')).exists, false)
  assert.deepEqual((await resolver.a('none.example')).records, [])
  await assert.rejects(resolver.a('loop.example'), isUnavailable)
  const before = server.asked.length
  await assert.rejects(resolver.a('step-0.example'), isUnavailable)
  assert.ok(server.asked.length - before < 15)
})

/** An answer written by hand, for what no library writes. */
function raw(query: Uint8Array, type: number, records: readonly (readonly number[])[]): Uint8Array {
  const head = Uint8Array.of(query[0] ?? 0, query[1] ?? 0, 0x81, 0x80, 0, 1, records.length >> 8, records.length & 255, 0, 0, 0, 0)
  const end = query.indexOf(0, 12) + 5
  const pieces = records.map(data => [0xc0, 12, 0, type, 0, 1, 0, 0, 0, 60, data.length >> 8, data.length & 255, ...data])
  return Uint8Array.of(...head, ...query.subarray(12, end), ...pieces.flat())
}
const label = (text: string): number[] => [text.length, ...Buffer.from(text, 'latin1')]

test('names that no host has are dropped, and do not turn into no exchangers (S30; RFC 5321 §5.1)', async () => {
  const bad = [
    ['a\r\nRCPT TO:<b>'],
    ['a b', 'example'],
    ['mx\0', 'example'],
    ['mx.example'],
    ['ü', 'example'],
    ['192', '0', '2', '1'],
    ['-a', 'example'],
  ]
  const names = bad.map(labels => [...labels.flatMap(label), 0])
  using server = await fakeServer(({ name, type }, query) => {
    if (type === 'PTR') return raw(query, 12, [...names, [...label('Good'), ...label('example'), 0]])
    if (name === 'some.example') return raw(query, 15, [...names.map(octets => [0, 10, ...octets]), [0, 20, ...label('mx'), 0xc0, 12]])
    return raw(
      query,
      15,
      names.map(octets => [0, 10, ...octets]),
    )
  })
  const resolver = stubResolver({ servers: [server.address] })
  assert.deepEqual((await resolver.ptr('192.0.2.1')).records, ['good.example'])
  assert.deepEqual((await resolver.mx('some.example')).records, [{ preference: 20, exchange: 'mx.some.example' }])
  await assert.rejects(resolver.mx('none.example'), isUnavailable)
})

test('hostile answers cost little and break nothing (S30; RFC 1035 §4.1.4)', async () => {
  using server = await fakeServer(({ name, over }, query) => {
    switch (name) {
      case 'many.example':
        return over === 'udp'
          ? { truncated: true }
          : raw(
              query,
              15,
              Array.from({ length: 3500 }, (_, i) => [i >> 8, i & 255, 0xc0, 12]),
            )
      case 'self.example': // a pointer to itself, and one forward
        return raw(query, 15, [
          [0, 1, 0xc0, 44],
          [0, 2, 0xc0, 255],
          [0, 3, 0xc0, 12],
        ])
      case 'chain.example': {
        if (over === 'udp') return { truncated: true }
        // Pointers that lead to pointers: each name would cost thousands of steps.
        const head = raw(query, 10, [Array.from({ length: 8000 }, (_, i) => (i === 0 ? [0xc0, 12] : pointer(41 + i * 2 - 2))).flat()])
        const last = pointer(41 + 7999 * 2)
        const rest = Array.from({ length: 3000 }, () => [...last, 0, 15, 0, 1, 0, 0, 0, 60, 0, 4, 0, 1, ...last]).flat()
        head[6] = 3001 >> 8
        head[7] = 3001 & 255
        return Uint8Array.of(...head, ...rest)
      }
      case 'short.example': // a record longer than the message
        return raw(query, 1, [[1, 2, 3, 4]]).subarray(0, -2)
      case 'sizes.example':
        return raw(query, 1, [[1, 2, 3], [1, 2, 3, 4, 5], [192, 0, 2, 9], []])
      default:
        return raw(query, 16, [[255, 1, 2], [...label('fine')]])
    }
  })
  const resolver = cachingResolver(stubResolver({ servers: [server.address], dialer: socketDialer(), timeoutMs: 200, retries: 0 }))
  assert.equal((await resolver.mx('many.example')).records.length, 256)
  assert.deepEqual((await resolver.mx('self.example')).records, [{ preference: 3, exchange: 'self.example' }])
  const began = processorTime()
  await assert.rejects(resolver.mx('chain.example'), isUnavailable)
  assert.ok(processorTime() - began < 1000)
  await assert.rejects(resolver.a('short.example'), isUnavailable)
  assert.deepEqual((await resolver.a('sizes.example')).records, ['192.0.2.9'])
  assert.deepEqual((await resolver.txt('text.example')).records, ['fine'])
})

const pointer = (to: number): number[] => [0xc0 | (to >> 8), to & 255]

test('what is no server is refused at once (RFC 1035 §7.1)', () => {
  for (const server of ['', 'localhost', '192.0.2.1:0', '192.0.2.1:70000', '192.0.2.1:', '[::1', '::1:53x', '192.0.2.300'])
    assert.throws(
      () => stubResolver({ servers: [server] }),
      (error: unknown) => error instanceof ConfigurationError && error.code === 'MW_DNS_SERVER_INVALID',
      server,
    )
  assert.throws(() => stubResolver({ servers: [] }), ConfigurationError)
  stubResolver({ servers: ['192.0.2.1', '192.0.2.1:5300', '::1', '[::1]:5300', '2001:db8::1'] })
})
