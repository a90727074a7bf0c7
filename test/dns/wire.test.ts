import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decode, encode } from 'dns-packet'
import type { Answer } from 'dns-packet'
import { isHostName, questionName, reverseName } from 'mailwright/dns'
import { seededRandom } from 'mailwright/testing'
import { readReply } from '../../src/dns/reading.ts'
import { association, hostName, ipv4Address, ipv6Address, joinedText, mailExchanger, service } from '../../src/dns/rdata.ts'
import { decodeReply, encodeQuery } from '../../src/dns/wire.ts'

test('a question is what it should be on the wire, with and without EDNS (RFC 1035 §4.1; RFC 6891 §6.1)', () => {
  const { id, questions, additionals, ...rest } = decode(
    Buffer.from(encodeQuery({ id: 0xabcd, name: 'mx.example', type: 'MX', dnssec: true })),
  )
  assert.deepEqual(
    [id, questions, rest.flag_rd, rest.flag_ad, rest.flag_qr],
    [0xabcd, [{ name: 'mx.example', type: 'MX', class: 'IN' }], true, true, false],
  )
  const [opt] = additionals ?? []
  assert.ok(opt?.type === 'OPT' && opt.flag_do && opt.ednsVersion === 0)
  const plain = decode(Buffer.from(encodeQuery({ id: 1, name: 'mx.example', type: 'A', plain: true })))
  assert.deepEqual([plain.additionals, plain.flag_ad], [[], false])
  // 63 octets in a label and 253 in all are the most.
  const longest = [63, 63, 63, 61].map(length => 'a'.repeat(length)).join('.')
  assert.equal(encodeQuery({ id: 1, name: longest, type: 'A', plain: true }).length, 12 + 255 + 4)
})

const soa: Answer = {
  type: 'SOA',
  name: 'example',
  ttl: 9,
  data: { mname: 'ns.example', rname: 'root.example', serial: 1, refresh: 1, retry: 1, expire: 1, minimum: 7 },
}
const answers: readonly Answer[] = [
  { type: 'CNAME', name: 'www.example', ttl: 60, data: 'mx.example' },
  { type: 'A', name: 'mx.example', ttl: 60, data: '192.0.2.1' },
  { type: 'AAAA', name: 'mx.example', ttl: 60, data: '2001:db8::1' },
  { type: 'MX', name: 'mx.example', ttl: 60, data: { preference: 10, exchange: 'mail.example' } },
  { type: 'TXT', name: 'mx.example', ttl: 60, data: ['one', 'two'] },
  { type: 'PTR', name: 'mx.example', ttl: 60, data: 'mail.example' },
  { type: 'SRV', name: 'mx.example', ttl: 60, data: { priority: 1, weight: 2, port: 3, target: 'mail.example' } },
  { type: 'TLSA', name: 'mx.example', ttl: 60, data: { usage: 3, selector: 1, matchingType: 1, certificate: Buffer.alloc(32) } },
]
const whole = encode({
  type: 'response',
  id: 7,
  flags: 0x180,
  questions: [{ type: 'A', name: 'www.example' }],
  answers: [...answers],
  authorities: [soa],
})

/** Reads an answer in every way there is; the only thing that may happen is an Error. */
function readAll(octets: Uint8Array): number {
  try {
    const reply = decodeReply(octets)
    let found = 0
    for (const [type, read] of [
      ['A', ipv4Address],
      ['AAAA', ipv6Address],
      ['MX', mailExchanger],
      ['TXT', joinedText],
      ['PTR', hostName],
      ['CNAME', hostName],
      ['SRV', service],
      ['TLSA', association],
    ] as const) {
      try {
        const { records } = readReply<unknown>(reply, 'www.example', type, 10, read)
        found += records.length
        for (const record of records) if (type === 'PTR' || type === 'CNAME') assert.ok(isHostName(String(record)), JSON.stringify(record))
      } catch (error) {
        assert.ok(error instanceof Error && !(error instanceof assert.AssertionError), String(error))
      }
    }
    return found
  } catch (error) {
    assert.ok(error instanceof Error && !(error instanceof assert.AssertionError), String(error))
    return -1
  }
}

test('what another library writes is read whole (RFC 1035 §3.3)', () => assert.equal(readAll(whole), 8))

test('damaged answers end in an error or in fewer records, never in anything else (RFC 1035 §4.1)', () => {
  const random = seededRandom(42)
  const below = (limit: number): number => random.below(limit)
  const seen = new Set<number>()
  for (let round = 0; round < 20_000; round++) {
    const octets = Uint8Array.from(whole)
    for (let changes = 1 + below(4); changes > 0; changes--) octets[below(octets.length)] = [0, 0xc0, 0xff, 0x3f, below(256)][below(5)] ?? 0
    seen.add(readAll(octets.subarray(0, below(3) === 0 ? below(octets.length) : octets.length)))
  }
  assert.ok(seen.has(-1) && seen.has(8) && seen.size > 5)
})

test('names: what may be asked, what is a host, what an address is called backwards (RFC 1035 §2.3.1, §3.5; RFC 1123 §2.1; RFC 3596 §2.5)', () => {
  assert.equal(questionName('_25._tcp.MX.Example.'), '_25._tcp.mx.example')
  assert.equal(questionName('BÜCHER.example'), 'xn--bcher-kva.example')
  assert.equal(questionName('1.2.3.4'), '1.2.3.4', 'an address is a name like any other')
  for (const name of ['mx.example', 'a', '3com.example', 'a_b.example', 'xn--bcher-kva.example']) assert.ok(isHostName(name), name)
  for (const name of [
    '',
    '.',
    'mx.example.',
    '-a.example',
    'a-.example',
    'a..b',
    '192.0.2.1',
    'a b',
    'a\r\nb',
    'ü.example',
    `${'a'.repeat(64)}.example`,
    'a.'.repeat(127) + 'a',
  ])
    assert.ok(!isHostName(name), JSON.stringify(name))
  assert.equal(reverseName('192.0.2.1'), '1.2.0.192.in-addr.arpa')
  assert.equal(reverseName('::1'), `1.${'0.'.repeat(31)}ip6.arpa`)
  assert.equal(reverseName('::ffff:192.0.2.1'), `1.0.2.0.0.0.0.c.f.f.f.f.${'0.'.repeat(20)}ip6.arpa`)
  assert.equal(reverseName('example.org'), undefined)
})
