import assert from 'node:assert/strict'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { test } from 'node:test'
import { MailError } from 'mailwright/contracts'
import type { Resolver } from 'mailwright/contracts'
import { cachingResolver, systemResolver } from 'mailwright/dns'

/** Answers each question with one record of it, or with a response code. RFC 1035 §4.1. */
async function responder(records: Readonly<Record<string, readonly (readonly number[])[] | number>>) {
  const socket = createSocket('udp4')
  socket.on('message', (query, peer) => {
    let end = 12
    const labels: string[] = []
    for (let length = query[end] ?? 0; length > 0; length = query[end] ?? 0) {
      labels.push(query.toString('latin1', end + 1, end + 1 + length).toLowerCase())
      end += length + 1
    }
    const type = query.readUInt16BE(end + 1)
    const found = records[`${labels.join('.')} ${type}`] ?? 3
    const answers = typeof found === 'number' ? [] : found
    const head = Buffer.alloc(12)
    query.copy(head, 0, 0, 2)
    head.writeUInt16BE(0x8180 | (typeof found === 'number' ? found : 0), 2)
    head.writeUInt16BE(1, 4)
    head.writeUInt16BE(answers.length, 6)
    const bodies = answers.map(data => Buffer.from([0xc0, 12, type >> 8, type & 255, 0, 1, 0, 0, 0, 60, 0, data.length, ...data]))
    socket.send(Buffer.concat([head, query.subarray(12, end + 5), ...bodies]), peer.port, peer.address)
  })
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  return { server: `127.0.0.1:${socket.address().port}`, [Symbol.dispose]: () => socket.close() }
}

const label = (text: string): number[] => [text.length, ...Buffer.from(text)]

test('records come in the form of the contract, and no name is not a failure (RFC 1035 §3.3; RFC 2308 §2)', async () => {
  using dns = await responder({
    'mx.example 1': [[192, 0, 2, 1]],
    'example 15': [[0, 10, ...label('MX'), ...label('Example'), 0]],
    'null.example 15': [[0, 0, 0]],
    'example 16': [[...label('v=spf1 '), ...label('-all')]],
    '1.2.0.192.in-addr.arpa 12': [[...label('MX'), ...label('example'), 0]],
    '_25._tcp.mx.example 52': [[3, 1, 1, 0xab, 0xcd]],
    'empty.example 1': [],
    'broken.example 1': 2,
    'evil.example 15': [[0, 10, ...label('a\r\nRCPT'), ...label('Example'), 0]],
    '2.2.0.192.in-addr.arpa 12': [
      [...label('a\r\nb'), 0],
      [...label('fine'), ...label('example'), 0],
    ],
    '_imaps._tcp.example 33': [[0, 1, 0, 2, 3, 0xe1, ...label('mx'), ...label('example'), 0]],
  })
  const resolver = systemResolver({ servers: [dns.server], timeout: 500, tries: 1 })
  assert.deepEqual(await resolver.a('mx.example'), { records: ['192.0.2.1'], authentic: false, ttl: 60 })
  assert.deepEqual((await resolver.mx('example')).records, [{ preference: 10, exchange: 'mx.example' }])
  assert.deepEqual((await resolver.mx('null.example')).records, [{ preference: 0, exchange: '' }])
  assert.deepEqual((await resolver.txt('example')).records, ['v=spf1 -all'])
  assert.deepEqual((await resolver.ptr('192.0.2.1')).records, ['mx.example'])
  assert.deepEqual((await resolver.tlsa('_25._tcp.mx.example')).records, [
    { usage: 3, selector: 1, matchingType: 1, data: new Uint8Array([0xab, 0xcd]) },
  ])
  assert.deepEqual((await resolver.a('empty.example')).records, [])
  assert.equal((await resolver.a('empty.example')).exists, undefined)
  assert.deepEqual(await resolver.aaaa('nowhere.example'), { records: [], authentic: false, exists: false })
  assert.deepEqual(await resolver.a(`${'x'.repeat(64)}.example`), { records: [], authentic: false, exists: false })
  assert.deepEqual(await resolver.ptr('not an address'), { records: [], authentic: false, exists: false })
  assert.deepEqual((await resolver.ptr('192.0.2.2')).records, ['fine.example'])
  assert.deepEqual((await resolver.srv('_imaps._tcp.example')).records, [{ priority: 1, weight: 2, port: 993, target: 'mx.example' }])
  await assert.rejects(resolver.mx('evil.example'), (error: unknown) => error instanceof MailError && error.kind === 'unavailable')
  await assert.rejects(resolver.a('broken.example'), (error: unknown) => error instanceof MailError && error.kind === 'unavailable')
})

test('the cache asks once, forgets in time and in number, and never keeps a failure (RFC 2308 §5)', async () => {
  const asked: string[] = []
  const inner = {
    a: async (name: string) => {
      asked.push(name)
      if (name === 'down.example') throw new MailError('unavailable', 'down')
      return { records: [name], authentic: false }
    },
  } as unknown as Resolver
  let now = 0
  const resolver = cachingResolver(inner, { max: 2, ttlMs: 1000, now: () => now })
  await Promise.all([resolver.a('one.example'), resolver.a('ONE.example')])
  now = 999
  await resolver.a('one.example')
  assert.deepEqual(asked.splice(0), ['one.example'])
  now = 1000
  await resolver.a('one.example')
  assert.deepEqual(asked.splice(0), ['one.example'])
  await assert.rejects(resolver.a('down.example'))
  await assert.rejects(resolver.a('down.example'))
  assert.deepEqual(asked.splice(0), ['down.example', 'down.example'])
  await resolver.a('two.example')
  await resolver.a('three.example')
  await resolver.a('one.example')
  assert.deepEqual(asked, ['two.example', 'three.example', 'one.example'])
})

test('the cache believes what an answer says of its life, within bounds (RFC 1035 §3.2.1; RFC 2308 §5)', async () => {
  const asked: string[] = []
  const answers: Readonly<Record<string, { records: string[]; authentic: boolean; ttl?: number; exists?: false }>> = {
    'short.example': { records: ['x'], authentic: true, ttl: 5 },
    'never.example': { records: ['x'], authentic: true, ttl: 0 },
    'ages.example': { records: ['x'], authentic: true, ttl: 2 ** 31 - 1 },
    'nowhere.example': { records: [], authentic: true, ttl: 3600, exists: false },
  }
  const inner = {
    txt: async (name: string) => {
      asked.push(name)
      return answers[name] ?? { records: ['y'.repeat(1000)], authentic: false }
    },
  } as unknown as Resolver
  let now = 0
  const resolver = cachingResolver(inner, { maxTtlMs: 60_000, maxNegativeTtlMs: 10_000, maxOctets: 5000, now: () => now })
  const askAt = async (at: number, name: string): Promise<number> => {
    now = at
    asked.length = 0
    await resolver.txt(name)
    return asked.length
  }
  assert.equal(await askAt(0, 'short.example'), 1)
  assert.equal(await askAt(4999, 'short.example'), 0)
  assert.equal(await askAt(5000, 'short.example'), 1)
  assert.equal(await askAt(5000, 'never.example'), 1)
  assert.equal(await askAt(5000, 'never.example'), 1)
  assert.equal(await askAt(5000, 'ages.example'), 1)
  assert.equal(await askAt(64_999, 'ages.example'), 0)
  assert.equal(await askAt(65_000, 'ages.example'), 1)
  assert.equal(await askAt(65_000, 'nowhere.example'), 1)
  assert.equal(await askAt(74_999, 'nowhere.example'), 0)
  assert.equal((await resolver.txt('nowhere.example')).exists, false)
  assert.equal(await askAt(75_000, 'nowhere.example'), 1)

  for (const name of ['a', 'b', 'c']) await askAt(75_000, name)
  assert.equal(await askAt(75_000, 'c'), 0, 'the youngest is still there')
  assert.equal(await askAt(75_000, 'a'), 1, 'the oldest made room for it')
})
