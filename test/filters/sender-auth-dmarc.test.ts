import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fakeResolver } from 'mailwright/testing'
import type { FakeRecords } from 'mailwright/testing'
import { parseDmarcRecord } from 'mailwright/filters/sender-auth'
import { evaluateDmarc, PolicyFinder } from '../../src/filters/sender-auth/dmarc.ts'
import type { DmarcResult } from '../../src/filters/sender-auth/dmarc.ts'
import { TreeWalker } from '../../src/filters/sender-auth/dmarc-walk.ts'

type Zone = Readonly<Record<string, FakeRecords>>
const record = (text: string): FakeRecords => ({ txt: [`v=DMARC1; ${text}`] })

async function judged(author: string, zone: Zone, vouchers: { readonly dkim?: string; readonly spf?: string } = {}): Promise<DmarcResult> {
  const { dkim, spf } = vouchers
  return evaluateDmarc(
    {
      author: { domain: author },
      spf: { result: spf === undefined ? 'none' : 'pass', domain: spf ?? 'elsewhere.example', identity: 'mailfrom', lookups: 0 },
      signatures: dkim === undefined ? [] : [{ result: 'pass', domain: dkim, selector: 's' }],
    },
    new PolicyFinder(fakeResolver(zone)),
  )
}

test('the way up: eight labels and more are cut to seven, the rest is left off one by one (RFC 9989 §4.10)', async () => {
  const resolver = fakeResolver({ '_dmarc.mail.example.com': record('p=none') })
  await new TreeWalker(resolver).walk('a.b.c.d.e.f.g.h.i.j.mail.example.com')
  assert.deepEqual(
    resolver.asked.map(question => question.replace('txt _dmarc.', '')),
    [
      'a.b.c.d.e.f.g.h.i.j.mail.example.com',
      'g.h.i.j.mail.example.com',
      'h.i.j.mail.example.com',
      'i.j.mail.example.com',
      'j.mail.example.com',
      'mail.example.com',
      'example.com',
      'com',
    ],
  )
})

test('the organisational domain: psd=n, one below psd=y, else the shortest name with a record (RFC 9989 §4.10.2)', async () => {
  const organisation = async (domain: string, zone: Zone): Promise<string> =>
    (await new TreeWalker(fakeResolver(zone)).walk(domain)).organisation
  assert.equal(await organisation('a.mail.example.com', {}), 'a.mail.example.com')
  assert.equal(
    await organisation('a.mail.example.com', { '_dmarc.example.com': record('p=none'), '_dmarc.mail.example.com': record('p=none') }),
    'example.com',
  )
  assert.equal(
    await organisation('a.mail.example.com', {
      '_dmarc.example.com': record('p=none'),
      '_dmarc.mail.example.com': record('p=none; psd=n'),
    }),
    'mail.example.com',
  )
  assert.equal(await organisation('a.b.giant.bank.example', { '_dmarc.bank.example': record('p=none; psd=y') }), 'giant.bank.example')
  assert.equal(await organisation('bank.example', { '_dmarc.bank.example': record('p=none; psd=y') }), 'bank.example')
})

test('the policy: the domain’s own, its organisation’s sp or np, the public suffix’s (RFC 9989 §4.10.1)', async () => {
  const requested = async (domain: string, zone: Zone): Promise<string> => {
    const { result, published } = await judged(domain, zone)
    return published ?? result
  }
  const zone: Zone = {
    '_dmarc.example.com': record('p=reject; sp=quarantine; np=none'),
    'there.example.com': { a: ['192.0.2.1'] },
    '_dmarc.own.example.com': record('p=none'),
    '_dmarc.bank.example': record('p=reject; psd=y'),
  }
  assert.equal(await requested('example.com', zone), 'reject')
  assert.equal(await requested('there.example.com', zone), 'quarantine')
  assert.equal(await requested('missing.example.com', zone), 'none')
  assert.equal(await requested('own.example.com', zone), 'none')
  assert.equal(await requested('giant.bank.example', zone), 'reject')
  assert.equal(await requested('example.net', zone), 'none')
  assert.equal((await judged('example.net', zone)).result, 'none')
  const twice: Zone = { '_dmarc.example.com': { txt: ['v=DMARC1; p=reject', 'v=DMARC1; p=none'] } }
  assert.equal((await judged('example.com', twice)).result, 'none')
})

test('alignment: relaxed within an organisation, strict to the letter (RFC 9989 §4.4)', async () => {
  const relaxed: Zone = { '_dmarc.example.com': record('p=reject') }
  const strict: Zone = { '_dmarc.example.com': record('p=reject; adkim=s; aspf=s') }
  const result = async (author: string, zone: Zone, vouchers: object): Promise<string> => (await judged(author, zone, vouchers)).result
  assert.equal(await result('news.example.com', relaxed, { dkim: 'example.com' }), 'pass')
  assert.equal(await result('example.com', relaxed, { spf: 'bounces.example.com' }), 'pass')
  assert.equal(await result('example.com', relaxed, { dkim: 'example.net', spf: 'other.com' }), 'fail')
  assert.equal(await result('news.example.com', strict, { dkim: 'example.com', spf: 'example.com' }), 'fail')
  assert.equal(await result('example.com', strict, { dkim: 'example.com' }), 'pass')
  // Neighbours below a public suffix that says that it is one.
  const suffix: Zone = { '_dmarc.bank.example': record('p=reject; psd=y') }
  assert.equal(await result('one.bank.example', suffix, { dkim: 'two.bank.example' }), 'fail')
})

test('records: odd ones stand for none where reports are asked for, else for nothing (RFC 9989 §4.7, §4.10.1)', () => {
  assert.equal(parseDmarcRecord('v=DMARC1; p=reject')?.p, 'reject')
  assert.equal(parseDmarcRecord('v=DMARC1;p = Reject ;; t=Y')?.isTesting, true)
  assert.equal(parseDmarcRecord('v=DMARC1; rua=mailto:a@example.org')?.p, 'none')
  assert.equal(parseDmarcRecord('v=DMARC1; p=banana; rua=mailto:a@example.org')?.p, 'none')
  for (const text of [
    'v=DMARC1',
    'v=DMARC1; p=banana',
    'v=dmarc1; p=none',
    'p=none; v=DMARC1',
    'v=DMARC10; p=none',
    'v=DMARC1; p=none; p=reject',
    ' ',
  ])
    assert.equal(parseDmarcRecord(text), undefined, text)
})
