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

test('the examples of alignment and of the tree walk (RFC 9989 appendix B.1, B.3)', async () => {
  const relaxed: Zone = { '_dmarc.example.com': record('p=reject'), '_dmarc.sample.net': record('p=none') }
  const strict: Zone = { ...relaxed, '_dmarc.example.com': record('p=reject; aspf=s; adkim=s') }
  // Author, what SPF or DKIM vouches for, aligned when relaxed, aligned when strict.
  const rows: readonly (readonly [string, { readonly spf?: string; readonly dkim?: string }, boolean, boolean])[] = [
    ['example.com', { spf: 'example.com' }, true, true],
    ['example.com', { spf: 'child.example.com' }, true, false],
    ['child.example.com', { spf: 'example.com' }, true, false],
    ['child.example.com', { spf: 'sample.net' }, false, false],
    ['example.com', { dkim: 'example.com' }, true, true],
    ['child.example.com', { dkim: 'example.com' }, true, false],
    ['child.example.com', { dkim: 'sample.net' }, false, false],
  ]
  for (const [author, vouchers, ifRelaxed, ifStrict] of rows) {
    const said = JSON.stringify([author, vouchers])
    assert.equal((await judged(author, relaxed, vouchers)).result, ifRelaxed ? 'pass' : 'fail', said)
    assert.equal((await judged(author, strict, vouchers)).result, ifStrict ? 'pass' : 'fail', said)
  }

  // Both the author's domain and the signing subdomain have records: the shorter is the organisation of both.
  const both: Zone = { '_dmarc.example.com': record('p=reject'), '_dmarc.signing.example.com': record('p=none') }
  const simple = await judged('example.com', both, { dkim: 'signing.example.com', spf: 'example.com' })
  assert.deepEqual([simple.isDkimAligned, simple.isSpfAligned, simple.policyDomain], [true, true, 'example.com'])
  // A deep author has no record of its own: the policy is its organisation's.
  const deep = await judged('a.b.c.d.e.f.g.h.i.j.example.com', both, { dkim: 'signing.example.com' })
  assert.deepEqual([deep.result, deep.policyDomain], ['pass', 'example.com'])
  // Below a public suffix that says so, two tenants are two organisations.
  const suffix: Zone = { '_dmarc.giant.bank.example': record('p=reject'), '_dmarc.bank.example': record('p=reject; psd=y') }
  assert.equal((await judged('mail.giant.bank.example', suffix, { dkim: 'mega.bank.example' })).result, 'fail')
  assert.equal((await judged('mail.giant.bank.example', suffix, { dkim: 'giant.bank.example' })).result, 'pass')
})
