import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Resolver } from 'mailwright/contracts'
import { checkHost, parseSpfRecord, type SpfOutcome } from 'mailwright/spf'
import { fakeResolver, seededRandom } from 'mailwright/testing'
import { processorTime } from '../support/processor-time.ts'

const QUESTION = { ip: '192.0.2.1', helo: 'mx.example.org', sender: 'ann@example.org' }

function checked(zone: Parameters<typeof fakeResolver>[0], more: Partial<typeof QUESTION> = {}): Promise<SpfOutcome> {
  return checkHost({ ...QUESTION, ...more }, fakeResolver(zone))
}

test('what was decided, and why (RFC 7208 §2.6, §4.6.4)', async () => {
  const reasons: Record<string, unknown> = {}
  const names = Array.from({ length: 11 }, (_, n) => `m${n}.example.org`)
  const zones: Readonly<Record<string, Parameters<typeof fakeResolver>[0]>> = {
    none: {},
    several: { 'example.org': { txt: ['v=spf1 -all', 'v=spf1 +all'] } },
    syntax: { 'example.org': { txt: ['v=spf1 banana -all'] } },
    dns: { 'example.org': { fails: true } },
    loop: { 'example.org': { txt: ['v=spf1 include:example.org -all'] } },
    void: { 'example.org': { txt: ['v=spf1 a:a.example a:b.example a:c.example -all'] } },
    mx: { 'example.org': { txt: ['v=spf1 mx -all'], mx: names } },
    include: { 'example.org': { txt: ['v=spf1 include:none.example -all'] } },
  }
  for (const [name, zone] of Object.entries(zones)) {
    const { result, reason } = await checked(zone)
    reasons[name] = `${result} ${reason ?? ''}`
  }
  assert.deepEqual(reasons, {
    none: 'none no-record',
    several: 'permerror several-records',
    syntax: 'permerror record-syntax',
    dns: 'temperror dns-failure',
    loop: 'permerror lookup-limit',
    void: 'permerror void-lookup-limit',
    mx: 'permerror mx-limit',
    include: 'permerror target-without-record',
  })
})

test('an address mapped into IPv6 is the IPv4 address (RFC 7208 §5)', async () => {
  const zone = { 'example.org': { txt: ['v=spf1 ip4:192.0.2.0/24 -all'] } }
  assert.equal((await checked(zone, { ip: '::ffff:192.0.2.9' })).result, 'pass')
  assert.equal((await checked(zone, { ip: '2001:db8::1' })).result, 'fail')
})

test('records without end are read in linear time, and nothing in them throws (S17, S30)', async () => {
  const many = 'a:%{l1r-.+,/_=}.example.org '.repeat(550)
  const records = [
    `v=spf1 ${many}-all`,
    `v=spf1 ${'x'.repeat(65_000)}`,
    `v=spf1 exists:${'%{s}'.repeat(3000)}.example.org -all`,
    `v=spf1 ${'a '.repeat(8000)}`,
  ]
  for (const txt of records) {
    const began = processorTime()
    const { result } = await checked({ 'example.org': { txt: [txt] } }, { sender: `${'a.'.repeat(10_000)}b@example.org` })
    assert.ok(['permerror', 'fail', 'neutral'].includes(result), result)
    assert.ok(processorTime() - began < 500)
  }
})

test('random records and a resolver that answers anything: always one of seven results', async () => {
  const random = seededRandom(7208)
  const parts = [
    'v=spf1',
    ' ',
    'a',
    'mx',
    'ptr',
    ':',
    '/',
    '//',
    '24',
    '=',
    'exp',
    'redirect',
    'include',
    'exists',
    '%{',
    '}',
    'd',
    'p',
    '1r',
    '%%',
    'example.org',
    '.',
    '-all',
    '~',
    '?',
    'ip4:192.0.2.1',
    'ip6:::1',
    '\u0000',
    'ü',
    '\r\n',
  ]
  const text = (): string => Array.from({ length: 1 + random.below(20) }, () => parts[random.below(parts.length)] ?? '').join('')
  const answer = (): Promise<never> => {
    if (random.below(10) === 0) return Promise.reject(new Error('no'))
    const records = Array.from({ length: random.below(4) }, () => (random.below(2) === 0 ? '192.0.2.1' : text()))
    return Promise.resolve({ records, authentic: false } as never)
  }
  const resolver: Resolver = {
    a: answer,
    aaaa: answer,
    mx: async () => ({ records: [{ preference: 1, exchange: text() }], authentic: false }),
    txt: async () => ({ records: [`v=spf1 ${text()}`], authentic: false }),
    ptr: answer,
    cname: answer,
    tlsa: answer,
  }
  const results = new Set<string>()
  for (let n = 0; n < 3000; n++) {
    const { result, lookups } = await checkHost({ ...QUESTION, sender: random.below(5) === 0 ? text() : QUESTION.sender }, resolver)
    results.add(result)
    assert.ok(lookups <= 11)
    parseSpfRecord(`v=spf1 ${text()}`)
  }
  for (const result of results)
    assert.ok(['none', 'neutral', 'pass', 'fail', 'softfail', 'temperror', 'permerror'].includes(result), result)
  assert.ok(results.size >= 4)
})
