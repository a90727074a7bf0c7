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
  })
  const resolver = systemResolver({ servers: [dns.server], timeout: 500, tries: 1 })
  assert.deepEqual(await resolver.a('mx.example'), { records: ['192.0.2.1'], authentic: false })
  assert.deepEqual((await resolver.mx('example')).records, [{ preference: 10, exchange: 'mx.example' }])
  assert.deepEqual((await resolver.mx('null.example')).records, [{ preference: 0, exchange: '' }])
  assert.deepEqual((await resolver.txt('example')).records, ['v=spf1 -all'])
  assert.deepEqual((await resolver.ptr('192.0.2.1')).records, ['mx.example'])
  assert.deepEqual((await resolver.tlsa('_25._tcp.mx.example')).records, [
    { usage: 3, selector: 1, matchingType: 1, data: new Uint8Array([0xab, 0xcd]) },
  ])
  assert.deepEqual((await resolver.a('empty.example')).records, [])
  assert.deepEqual((await resolver.aaaa('nowhere.example')).records, [])
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
