import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { FakeRecords } from 'mailwright/testing'
import { latin1Bytes } from '../../src/bytes/index.ts'
import { authorIn, authorOf } from '../../src/filters/sender-auth/author.ts'
import { PLAIN, received, signed } from '../filters/sender-auth-house.ts'
import { processorTime } from '../support/processor-time.ts'

/** The attacker: a client and domain of their own, everything in order there. Example.org is who they want to be. */
const EVIL = { from: 'x@evil.example', ip: '203.0.113.66' }
const EVIL_ZONE: Readonly<Record<string, FakeRecords>> = {
  '203.0.113.66': { ptr: ['mx.evil.example'] },
  'mx.evil.example': { a: ['203.0.113.66'] },
}
const BODY = 'To: ben@example.org\nSubject: x\nDate: Tue, 06 Jan 2026 10:00:00 +0000\n\nText\n'
const ANN = 'From: Ann <ann@example.org>\n'
const OWN = 'From: Eve <eve@evil.example>\n'

/** Eighteen ways around the check, as "Composition Kills" (USENIX Security 2020) sorts them. */
const EVASIONS: Readonly<Record<string, { readonly message: string; readonly from?: string; readonly helo?: string }>> = {
  'a subdomain that does not exist in HELO and From': { message: 'From: a@no.example.org\n' + BODY, from: '', helo: 'no.example.org' },
  'an envelope sender that ends early': { message: ANN + BODY, from: '<ann@example.org>x@evil.example' },
  'a NUL in the selector': {
    message: signed(PLAIN).replace('s=rsa', 's=rsa.evil.example.\u0000.x').replace('d=example.org', 'd=example.org'),
  },
  'a comment in the domain of a signature': { message: signed(PLAIN).replace('d=example.org', 'd=example.org(.evil.example') },
  'a comment in the envelope domain': { message: ANN + BODY, from: 'ann@example.org(.evil.example' },
  'quotes in the envelope': { message: ANN + BODY, from: `"ann@example.org'"@evil.example` },
  'several From fields, the own first': { message: OWN + ANN + BODY },
  'several From fields, the own last': { message: ANN + OWN + BODY },
  'a From with a space before its colon': { message: 'From : ann@example.org\n' + OWN + BODY },
  'a From behind a space on the first line': { message: ' From: ann@example.org\n' + OWN + BODY },
  'a From behind a bare CR': { message: `X-A: b\rFrom: ann@example.org\n${OWN}${BODY}` },
  'no From, others in its place': { message: 'Sender: ann@example.org\nResent-From: ann@example.org\n' + BODY },
  'several addresses': { message: 'From: eve@evil.example, ann@example.org\n' + BODY },
  'an encoded address': { message: `From: =?utf-8?b?${Buffer.from('ann@example.org').toString('base64')}?=\n${BODY}` },
  'an encoded address in front of another': {
    message: `From: =?utf-8?b?${Buffer.from('<ann@example.org>').toString('base64')}?= eve@evil.example\n${BODY}`,
  },
  'a route': { message: 'From: <@evil.example,@any.example:ann@example.org>\n' + BODY },
  'pairs and quotes': { message: 'From: <ann@example.org\\>,<eve@evil.example>\n' + BODY },
  'an address in a comment': { message: 'From: eve@evil.example(ann@example.org)\n' + BODY },
  'angles within angles': { message: 'From: <ann@example.org><eve@evil.example>\n' + BODY },
  'a group': { message: 'From: ann@example.org:eve@evil.example;\n' + BODY },
  'a good message with a From on top': { message: OWN + signed(PLAIN) },
  'a good message with another body': { message: `${signed(PLAIN)}More\n` },
  'a good message with another subject': {
    message: `Subject: y\n${signed(PLAIN, ['from', 'subject', 'subject']).replace('Subject: x', 'Subject: y')}`,
  },
  'a NUL behind the name of From': { message: `From\u0000: ann@example.org\n${OWN}${BODY}` },
}

test('no spoof passes: every evasion is refused or judged as what it is (S15)', async () => {
  const passed: string[] = []
  for (const [name, { message, from = EVIL.from, helo = 'mx.evil.example' }] of Object.entries(EVASIONS)) {
    const { verdict, authentication } = await received(message, { ip: EVIL.ip, from, zone: EVIL_ZONE, more: { clientName: helo } })
    if (verdict.kind !== 'reject' || authentication?.findings.dmarc.result === 'pass') passed.push(`${name}: ${verdict.kind}`)
    assert.doesNotMatch(authentication?.field ?? '', /dmarc=pass/, name)
  }
  console.log(`evasions: ${Object.keys(EVASIONS).length - passed.length} of ${Object.keys(EVASIONS).length} refused`)
  assert.deepEqual(passed, [])
})

test('a From that all readers understand alike has its author, however odd (RFC 5322 §3.4)', () => {
  const domains: Record<string, string> = {
    'ann@example.org': 'example.org',
    ' Ann Lee <ann@EXAMPLE.org>': 'example.org',
    '"Lee, Ann" <ann@example.org>': 'example.org',
    'Lee, Ann <ann@example.org>': 'example.org',
    'J. Doe <ann@example.org>': 'example.org',
    'ann@example.org <ann@example.org>': 'example.org',
    '"ceo@bank.example" <x@example.org>': 'example.org',
    '=?utf-8?q?A_=22B=22?= <ann@example.org>': 'example.org',
    'ann@example.org (Ann)': 'example.org',
    '"ann lee"@example.org': 'example.org',
    'a@example.org, b@example.org': 'example.org',
    'ann@b\u00c3\u00bccher.example': 'xn--bcher-kva.example',
  }
  for (const [value, domain] of Object.entries(domains)) assert.deepEqual(authorIn(value), { domain }, value)
  const faults = [
    '',
    'Ann',
    '<>',
    'a@example.org, b@example.com',
    'ann@[192.0.2.1]',
    '"a@b.example"@example.org',
    'ceo@bank.example <x@example.org>',
    'a@x_y@b.example',
  ]
  for (const value of faults) assert.ok('fault' in authorIn(value), value)
})

test('From is counted as the laxest reader counts (S15)', () => {
  const fault = (header: string, from: readonly string[], seen = from.length): boolean => 'fault' in authorOf(header, from, seen)
  assert.equal(fault('From: a@example.org\r\n', [' a@example.org']), false)
  assert.equal(fault('X: y\r\n From: b@example.com\r\nFrom: a@example.org\r\n', [' a@example.org']), false)
  assert.equal(fault('X: y\nFrom: b@example.com\r\nFrom: a@example.org\r\n', [' a@example.org']), true)
  assert.equal(fault('From: a@example.org\r\n', [' a@example.org'], 0), true)
})

test('a From of any length or depth is read in linear time', () => {
  for (const value of [
    '('.repeat(16_000),
    '"'.repeat(15_999),
    '<'.repeat(16_000),
    '@a'.repeat(8000),
    'a,'.repeat(8000),
    '\\'.repeat(16_000),
  ]) {
    const began = processorTime()
    assert.ok('fault' in authorIn(value) || latin1Bytes(value).length > 0)
    assert.ok(processorTime() - began < 200)
  }
})
