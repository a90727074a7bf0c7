import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { gunzipSync, gzipSync } from 'node:zlib'
import { MailError } from 'mailwright/contracts'
import {
  fileStsCache,
  memoryStsCache,
  parseStsPolicy,
  readTlsReport,
  reportTargets,
  sendTlsReports,
  stsAllows,
  stsIdOf,
  TlsReports,
} from 'mailwright/outbound'
import type { AppliedPolicy, StsEntry } from 'mailwright/outbound'
import { fakeResolver } from 'mailwright/testing'

test('the record of MTA-STS (RFC 8461 §3.1)', () => {
  const cases: readonly (readonly [readonly string[], string | undefined])[] = [
    [['v=STSv1; id=20160831085700Z;'], '20160831085700Z'],
    [['v=STSv1;id=1'], '1'],
    [['v=STSv1; id=1; x-more=yes'], '1'],
    [['v=spf1 -all', 'v=STSv1; id=7;'], '7'],
    [[], undefined],
    [['v=STSv1; id=1;', 'v=STSv1; id=2;'], undefined],
    [['v=STSv1'], undefined],
    [['v=STSv1; id=;'], undefined],
    [['v=STSv1; id=a-b;'], undefined],
    [[`v=STSv1; id=${'1'.repeat(33)};`], undefined],
    [['id=1; v=STSv1;'], undefined],
    [['v=STSv10; id=1;'], undefined],
    [[`v=STSv1; id=1; ${'x'.repeat(65_000)}`], undefined],
    [['v=STSv1; nonsense; id=1'], undefined],
  ]
  for (const [records, id] of cases) assert.equal(stsIdOf(records), id, JSON.stringify(records).slice(0, 80))
})

test('the policy of MTA-STS (RFC 8461 §3.2)', () => {
  assert.deepEqual(
    parseStsPolicy('version: STSv1\r\nmode: enforce\r\nmx: Mail.example.com\r\nmx: *.example.net\r\nmax_age: 604800\r\nnew_key: x\r\n'),
    {
      mode: 'enforce',
      mx: ['mail.example.com', '*.example.net'],
      maxAge: 604_800,
    },
  )
  assert.deepEqual(parseStsPolicy('version:STSv1\nmode:none\nmax_age:99999999999'.replace('99999999999', '9999999999')), {
    mode: 'none',
    mx: [],
    maxAge: 31_557_600,
  })
  for (const text of [
    '',
    'version: STSv1',
    'version: STSv2\nmode: none\nmax_age: 1',
    'version: STSv1\nmode: Enforce\nmx: a\nmax_age: 1',
    'version: STSv1\nmode: enforce\nmax_age: 1',
    'version: STSv1\nmode: enforce\nmx: a',
    'version: STSv1\nmode: enforce\nmx: a\nmax_age: -1',
    'version: STSv1\nmode: enforce\nmx: a\nmax_age: 1e9',
    'version: STSv1\nmode: enforce\nmx: a.*.b\nmax_age: 1',
    'version: STSv1\nmode: enforce\nmx: *\nmax_age: 1',
    'version: STSv1\nmode: enforce\nmx: a b\nmax_age: 1',
    '<html>\nversion: STSv1\nmode: none\nmax_age: 1',
  ])
    assert.equal(parseStsPolicy(text), undefined, text)
})

test('which hosts a policy names (RFC 8461 §4.1)', () => {
  const policy = { mode: 'enforce', mx: ['mail.example.com', '*.example.net'], maxAge: 1 } as const
  for (const host of ['mail.example.com', 'MAIL.example.com', 'a.example.net']) assert.equal(stsAllows(policy, host), true, host)
  for (const host of ['example.net', 'a.b.example.net', '.example.net', 'xmail.example.com', 'aexample.net', 'mail.example.com.evil', ''])
    assert.equal(stsAllows(policy, host), false, host)
})

const ENTRY: StsEntry = { id: '1', policy: { mode: 'enforce', mx: ['mx.a.example'], maxAge: 60 }, expiresAt: 5 }

test('policies survive the process in a file, and a broken file is none', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'sts-'))
  try {
    const path = join(folder, 'sts.json')
    const first = fileStsCache(path)
    assert.equal(await first.get('a.example'), undefined)
    await Promise.all([first.set('a.example', ENTRY), first.set('b.example', ENTRY)])
    assert.deepEqual(await fileStsCache(path).get('a.example'), ENTRY)
    assert.deepEqual(Object.keys(JSON.parse(readFileSync(path, 'utf8')) as object), ['a.example', 'b.example'])
    writeFileSync(path, '{"a.example": {"id": 1}, "b.example": ')
    assert.equal(await fileStsCache(path).get('a.example'), undefined)
    writeFileSync(path, JSON.stringify({ 'a.example': { id: 1 }, 'b.example': ENTRY }))
    assert.equal(await fileStsCache(path).get('a.example'), undefined)
    assert.deepEqual(await fileStsCache(path).get('b.example'), ENTRY)
  } finally {
    rmSync(folder, { recursive: true })
  }
})

test('a cache is bounded', async () => {
  const cache = memoryStsCache({ max: 2 })
  for (const domain of ['a', 'b', 'c']) await cache.set(domain, ENTRY)
  assert.equal(await cache.get('a'), undefined)
  assert.deepEqual(await cache.get('c'), ENTRY)
})

test('where reports go (RFC 8460 §3)', () => {
  assert.deepEqual(reportTargets(['v=TLSRPTv1; rua=mailto:tls@a.example']), { mail: ['tls@a.example'], https: [] })
  assert.deepEqual(reportTargets(['v=spf1 -all', 'v=TLSRPTv1;rua=https://r.a.example/v1, mailto:a%40b@a.example,mailto:x@y?subject=z']), {
    mail: [],
    https: ['https://r.a.example/v1'],
  })
  for (const records of [
    [],
    ['v=TLSRPTv1'],
    ['v=TLSRPTv1; rua='],
    ['v=TLSRPTv1; rua=http://a.example'],
    ['v=TLSRPTv1; rua=mailto:a@b', 'v=TLSRPTv1; rua=mailto:c@d'],
    ['v=TLSRPTv1; rua=mailto:a@b%0d%0aBcc:x@y'],
  ])
    assert.equal(reportTargets(records), undefined, records.join(' | '))
})

const POLICY: AppliedPolicy = {
  type: 'sts',
  domain: 'a.example',
  strings: ['version: STSv1', 'mode: enforce', 'mx: mx.a.example', 'max_age: 60'],
  mxHosts: ['mx.a.example'],
}
const DAY = 20_000
const AT = DAY * 86_400_000 + 3_600_000

function counted(): TlsReports {
  const reports = new TlsReports()
  for (let i = 0; i < 5; i++) reports.record({ at: AT, policy: POLICY })
  for (let i = 0; i < 3; i++)
    reports.record({
      at: AT,
      policy: POLICY,
      receivingMx: 'mx.a.example',
      receivingIp: '9.1.1.1',
      failure: { type: 'certificate-expired', text: 'CERT_HAS_EXPIRED' },
    })
  reports.record({ at: AT, policy: POLICY, failure: { type: 'starttls-not-supported', text: 'no' } })
  reports.record({ at: AT + 86_400_000, policy: POLICY })
  return reports
}

test('counted by day, domain, policy and kind of failure (RFC 8460 §4.2, §4.3)', () => {
  const reports = counted()
  const [row, ...others] = reports.rows(DAY)
  assert.equal(others.length, 0)
  assert.deepEqual([row?.succeeded, row?.failed], [5, 4])
  assert.deepEqual(
    row?.failures.map(({ type, sessions }) => [type, sessions]),
    [
      ['certificate-expired', 3],
      ['starttls-not-supported', 1],
    ],
  )
  const more = new TlsReports()
  more.add(reports.rows())
  more.add(reports.rows())
  assert.deepEqual([more.rows(DAY)[0]?.succeeded, more.rows(DAY)[0]?.failures[0]?.sessions], [10, 6])
  reports.forget(DAY)
  assert.deepEqual(
    reports.rows().map(left => left.day),
    [DAY + 1],
  )
})

test('counting is bounded', () => {
  const reports = new TlsReports({ max: 10 })
  for (let i = 0; i < 1000; i++) {
    reports.record({ at: AT, policy: { ...POLICY, domain: `d${i}.example` } })
    reports.record({
      at: AT,
      policy: { ...POLICY, domain: 'd0.example' },
      receivingIp: String(i),
      failure: { type: 'validation-failure', text: 'x'.repeat(10_000) },
    })
  }
  assert.equal(reports.rows().length, 10)
  assert.equal(reports.rows()[0]?.failures.length, 100)
  assert.equal(reports.rows()[0]?.failed, 1000)
})

test('a day’s reports by mail and https, and read again as another would (RFC 8460 §4.4, §5)', async () => {
  const mails: { readonly to: string; readonly text: string }[] = []
  const posts: { readonly url: string; readonly body: Uint8Array; readonly type: string | undefined }[] = []
  const told = await sendTlsReports(DAY, {
    reports: counted(),
    resolver: fakeResolver({
      '_smtp._tls.a.example': { txt: ['v=TLSRPTv1; rua=mailto:tls@a.example,https://r.a.example/v1,https://down.a.example/'] },
    }),
    reporter: { organisation: 'Us', contact: 'postmaster@us.example', domain: 'us.example' },
    mail: (to, message) => {
      mails.push({ to, text: new TextDecoder().decode(message) })
      return Promise.resolve()
    },
    post: (url, request) => {
      posts.push({ url, body: request.body, type: request.headers['content-type'] })
      return url.includes('down') ? Promise.reject(new MailError('unavailable', 'down')) : Promise.resolve({ status: 200 })
    },
    id: () => 'id-1',
    now: AT + 86_400_000,
  })
  assert.deepEqual(told, [
    { domain: 'a.example', sent: ['mailto:tls@a.example', 'https://r.a.example/v1'], problems: ['https://down.a.example/: down'] },
  ])
  const [mail] = mails
  assert.ok(mail !== undefined)
  assert.equal(mail.to, 'tls@a.example')
  for (const field of [
    'TLS-Report-Domain: a.example',
    'TLS-Report-Submitter: us.example',
    'Subject: Report Domain: a.example Submitter: us.example',
    'TLS-Required: No',
    'report-type="tlsrpt"',
  ])
    assert.ok(mail.text.includes(field), field)
  assert.ok(mail.text.includes(`filename="us.example!a.example!${DAY * 86_400}!${(DAY + 1) * 86_400 - 1}!id1.json.gz"`))
  assert.ok(mail.text.split('\r\n').every(line => line.length <= 78 || line.startsWith('Content-Disposition')))
  const base64 = /base64\r\n.*?\r\n\r\n([A-Za-z0-9+/=\r\n]+)--tlsrpt/s.exec(mail.text)?.[1] ?? ''
  assert.deepEqual(Buffer.from(base64, 'base64'), Buffer.from(posts[0]?.body ?? new Uint8Array()))
  assert.equal(posts[0]?.type, 'application/tlsrpt+gzip')
  const report = await readTlsReport(posts[0]?.body ?? new Uint8Array())
  assert.deepEqual([report.organisation, report.contact, report.id], ['Us', 'postmaster@us.example', 'id-1'])
  assert.deepEqual([report.begin, report.end], [DAY * 86_400_000, (DAY + 1) * 86_400_000 - 1000])
  const [policy] = report.policies
  assert.deepEqual([policy?.type, policy?.domain, policy?.succeeded, policy?.failed], ['sts', 'a.example', 5, 4])
  assert.deepEqual(policy?.failures[0], {
    type: 'certificate-expired',
    sessions: 3,
    receivingMx: 'mx.a.example',
    receivingIp: '9.1.1.1',
    reason: 'CERT_HAS_EXPIRED',
  })
  assert.ok(
    gunzipSync(posts[0]?.body ?? new Uint8Array())
      .toString()
      .startsWith('{"organization-name":"Us"'),
  )
})

test('a domain that wants no report gets none, one that cannot be asked is told of', async () => {
  const reports = counted()
  reports.record({ at: AT, policy: { ...POLICY, domain: 'b.example' } })
  const told = await sendTlsReports(DAY, {
    reports,
    resolver: fakeResolver({ '_smtp._tls.b.example': { fails: true } }),
    reporter: { organisation: 'Us', contact: 'postmaster@us.example', domain: 'us.example' },
    mail: () => Promise.reject(new Error('not to be called')),
    id: () => 'id',
    now: AT,
  })
  assert.deepEqual(
    told.map(({ domain, sent, problems }) => [domain, sent.length, problems.length]),
    [['b.example', 0, 1]],
  )
})

test('reports of others may be bombs (RFC 8460 §7)', async () => {
  const kindOf = (octets: Uint8Array): Promise<string> =>
    readTlsReport(octets).then(
      () => 'read',
      (error: unknown) => (error instanceof MailError ? error.kind : String(error)),
    )
  const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text)
  const report = {
    'organization-name': 'x\u0000\u202ey',
    'date-range': { 'start-datetime': '2026-01-01T00:00:00Z', 'end-datetime': '2026-01-01T23:59:59Z' },
    policies: [{ policy: { 'mx-host': 'mx.a.example' }, summary: { 'total-successful-session-count': -1 } }],
  }
  assert.equal(await kindOf(utf8(JSON.stringify(report))), 'read')
  const read = await readTlsReport(utf8(JSON.stringify(report)))
  assert.deepEqual([read.organisation, read.policies[0]?.mxHosts, read.policies[0]?.succeeded], ['x y', ['mx.a.example'], 0])
  assert.equal(await kindOf(new Uint8Array(gzipSync(new Uint8Array(200_000_000)))), 'too-big')
  assert.equal(await kindOf(new Uint8Array(5_000_000)), 'too-big')
  assert.equal(await kindOf(Uint8Array.of(0x1f, 0x8b, 1, 2, 3)), 'invalid')
  assert.equal(await kindOf(Uint8Array.of(0xff, 0xfe)), 'invalid')
  for (const text of [
    '',
    'null',
    '[]',
    '{}',
    '1',
    '"x"',
    '['.repeat(1_000_000),
    '{"a":'.repeat(100_000),
    '{"date-range":{},"policies":[{}]}',
    JSON.stringify({ ...report, policies: [] }),
    JSON.stringify({ ...report, policies: [1] }),
  ])
    assert.equal(await kindOf(utf8(text)), 'invalid', text.slice(0, 40))
  const many = { ...report, policies: Array.from({ length: 5000 }, () => report.policies[0]) }
  assert.equal((await readTlsReport(utf8(JSON.stringify(many)))).policies.length, 1000)
})
