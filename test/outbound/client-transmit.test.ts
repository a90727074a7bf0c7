import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MailError } from 'mailwright/contracts'
import type { QueueLease } from 'mailwright/contracts'
import { router, SessionPool, tlsPolicy, TlsReports, transmitter } from 'mailwright/outbound'
import type { PolicyFetch, StaticRoute } from 'mailwright/outbound'
import { fakeClock, fakeDialer, fakeResolver, seededRandom } from 'mailwright/testing'
import type { FakeRecords, FakeRemote } from 'mailwright/testing'
import { BODY, source } from './client-world.ts'

interface Setting {
  readonly zone?: Readonly<Record<string, FakeRecords>>
  readonly routes?: readonly StaticRoute[]
  readonly fetch?: PolicyFetch
  readonly to?: readonly string[]
  readonly envelope?: Partial<QueueLease['envelope']>
}

const ZONE: Readonly<Record<string, FakeRecords>> = {
  'a.example': {
    mx: [
      { preference: 1, exchange: 'one.example' },
      { preference: 2, exchange: 'two.example' },
    ],
  },
  'one.example': { a: ['9.1.1.1'] },
  'two.example': { a: ['9.1.1.2'] },
}

const HELLO = 'S: 220 mx.example\nC: EHLO us.example\nS: 250-mx.example\nS: 250 PIPELINING\n'
const COMMANDS = 'C: MAIL FROM:<ann@us.example>\nC: RCPT TO:<bob@a.example>\nC: DATA\n'
const TAKEN = `${HELLO}${COMMANDS}S: 250 fine\nS: 250 fine\nS: 354 go\nC: ...\nC: .\nS: 250 taken\nC: QUIT\nC: (leaves)`

/** Carries one lease past these servers; answers what became of it in short, and what the reports count. */
async function carried(
  remotes: readonly FakeRemote[],
  setting: Setting = {},
): Promise<{
  readonly said: readonly string[]
  readonly unreachable: boolean
  readonly dialled: readonly string[]
  readonly failures: readonly string[]
}> {
  const clock = fakeClock()
  const resolver = fakeResolver(setting.zone ?? ZONE)
  const dialer = fakeDialer(remotes, { clock })
  const pool = new SessionPool({ dialer, clock })
  const reports = new TlsReports()
  const transmit = transmitter({
    router: router({
      resolver,
      random: seededRandom(),
      ehloName: 'us.example',
      now: () => clock.now(),
      ...(setting.routes === undefined ? {} : { routes: setting.routes }),
    }),
    tls: tlsPolicy({ resolver, clock, ...(setting.fetch === undefined ? {} : { fetch: setting.fetch }) }),
    pool,
    reports,
  })
  const lease: QueueLease = {
    id: '1',
    token: 't',
    destination: 'a.example',
    envelope: { from: 'ann@us.example', origin: 'api', queuedAt: 0, expiresAt: 0, eightBit: false, ...setting.envelope },
    recipients: (setting.to ?? ['bob@a.example']).map((address, index) => ({ address, index, attempts: 0, warned: false })),
    content: source(BODY),
  }
  const report = await transmit(lease, new AbortController().signal)
  pool.close()
  assert.deepEqual(dialer.problems(), [])
  return {
    said: report.attempts
      .toSorted((a, b) => a.index - b.index)
      .map(({ kind, status, success }) => [kind, status.code, ...(success === undefined ? [] : [success])].join(' ')),
    unreachable: report.unreachable ?? false,
    dialled: dialer.dialled.map(({ address }) => address),
    failures: reports.rows().flatMap(row => [...row.failures.map(failure => failure.type), ...(row.succeeded > 0 ? ['fine'] : [])]),
  }
}

test('the first server takes it (RFC 5321 §5.1)', async () => {
  const { said, unreachable, dialled } = await carried([TAKEN])
  assert.deepEqual([said, unreachable, dialled], [['delivered 2.0.0 nobody'], false, ['9.1.1.1']])
})

test('the first cannot be reached, greets with 554, breaks off or says 421: the second takes it', async () => {
  const failing: readonly FakeRemote[] = [
    new MailError('unavailable', 'refused'),
    'S: 554 no service\nC: QUIT\nC: (leaves)',
    'S: 421 busy\nC: QUIT\nC: (leaves)',
    'S: (ends)',
    `${HELLO}${COMMANDS}S: 421 going down\nC: (leaves)`,
    `${HELLO}${COMMANDS}S: 250 fine\nS: (ends)`,
  ]
  for (const first of failing) {
    const { said, dialled } = await carried([first, TAKEN])
    assert.deepEqual([said, dialled], [['delivered 2.0.0 nobody'], ['9.1.1.1', '9.1.1.2']], String(first))
  }
})

test('an answer about the recipient counts; nobody else is asked', async () => {
  const refused = (code: string): string => `${HELLO}${COMMANDS}S: 250 fine\nS: ${code}\nS: 503 nobody\nC: QUIT\nC: (leaves)`
  assert.deepEqual((await carried([refused('550 5.1.1 no')])).said, ['failed 5.1.1'])
  assert.deepEqual((await carried([refused('450 4.2.0 later')])).said, ['deferred 4.2.0'])
})

test('gone after the end of the message: not sent to the second at once, it may be there (RFC 5321 §6.1)', async () => {
  const { said, dialled, unreachable } = await carried([`${HELLO}${COMMANDS}S: 250 fine\nS: 250 fine\nS: 354 go\nC: ...\nC: .\nS: (ends)`])
  assert.deepEqual([said, dialled, unreachable], [['deferred 4.4.2'], ['9.1.1.1'], false])
})

test('what the first lacks, the second has (RFC 6531 §3.2)', async () => {
  const utf8 = TAKEN.replace('S: 250 PIPELINING', 'S: 250-PIPELINING\nS: 250 SMTPUTF8')
    .replace('us.example>\n', 'us.example> SMTPUTF8\n')
    .replace('<bob@', '<b\u00f6b@')
  const plain = `${HELLO}C: QUIT\nC: (leaves)`
  assert.deepEqual((await carried([plain, utf8], { to: ['b\u00f6b@a.example'] })).said, ['delivered 2.0.0 nobody'])
  assert.deepEqual((await carried([plain, plain], { to: ['b\u00f6b@a.example'] })).said, ['failed 5.6.7'])
  const down = new MailError('unavailable', 'down')
  for (const both of [
    [down, plain],
    [plain, down],
  ])
    assert.deepEqual((await carried(both, { to: ['b\u00f6b@a.example'] })).said, ['deferred 4.4.1'], 'the one that is down may know it')
})

test('nobody is there: deferred, and the destination is left alone', async () => {
  const { said, unreachable } = await carried(['S: (ends)', 'S: (ends)'])
  assert.deepEqual([said, unreachable], [['deferred 4.4.2'], true])
})

test('DNS decides without a connection', async () => {
  assert.deepEqual((await carried([], { zone: {} })).said, ['failed 5.1.2'])
  assert.deepEqual((await carried([], { zone: { 'a.example': { mx: [''] } } })).said, ['failed 5.1.10'])
  assert.deepEqual((await carried([], { zone: { 'a.example': { fails: true } } })).said, ['deferred 4.4.3'])
})

test('LMTP to a neighbour is the end of the way', async () => {
  const lmtp = TAKEN.replace('EHLO', 'LHLO')
  const { said } = await carried([lmtp], { routes: [{ domain: 'a.example', to: { host: '127.0.0.1', flavour: 'lmtp' } }] })
  assert.deepEqual(said, ['delivered 2.0.0 final'])
})

const ENFORCE: PolicyFetch = () =>
  Promise.resolve({
    status: 200,
    headers: { 'content-type': 'text/plain' },
    body: new TextEncoder().encode('version: STSv1\nmode: enforce\nmx: one.example\nmax_age: 60\n'),
  })

test('S8: MTA-STS enforced, STARTTLS stripped at one server, the other not listed: deferred, and reported (RFC 8461 §5, RFC 8460 §4.3)', async () => {
  const zone = { ...ZONE, '_mta-sts.a.example': { txt: ['v=STSv1; id=1;'] } }
  const { said, failures, dialled } = await carried(['S: 220 mx.example\nC: EHLO us.example\nS: 250 mx.example\nC: (leaves)'], {
    zone,
    fetch: ENFORCE,
  })
  assert.deepEqual(said, ['deferred 4.7.5'])
  assert.deepEqual(dialled, ['9.1.1.1'])
  assert.deepEqual(failures, ['starttls-not-supported', 'validation-failure'])
})

test('REQUIRETLS with nothing to vouch for the servers fails for good, without a word to them (RFC 8689 §4.2.1)', async () => {
  assert.deepEqual((await carried([], { envelope: { requireTls: true } })).said, ['failed 5.7.10'])
})

test('sessions are counted, not messages (RFC 8460 §4.2)', async () => {
  assert.deepEqual((await carried([TAKEN])).failures, ['starttls-not-supported'])
})

test('a server that did not answer stands behind the others for a minute (RFC 5321 §4.5.4.1)', async () => {
  const clock = fakeClock()
  const resolver = fakeResolver(ZONE)
  const dialer = fakeDialer(({ address }) => (address === '9.1.1.1' ? new MailError('unavailable', 'no answer') : TAKEN), { clock })
  const pool = new SessionPool({ dialer, clock, maxMessages: 1 })
  const transmit = transmitter({
    router: router({ resolver, random: seededRandom(), ehloName: 'us.example', now: () => clock.now() }),
    tls: tlsPolicy({ resolver, clock }),
    pool,
  })
  const lease: QueueLease = {
    id: '1',
    token: 't',
    destination: 'a.example',
    envelope: { from: 'ann@us.example', origin: 'api', queuedAt: 0, expiresAt: 0, eightBit: false },
    recipients: [{ address: 'bob@a.example', index: 0, attempts: 0, warned: false }],
    content: source(BODY),
  }
  for (const wait of [0, 59_000, 2_000]) {
    clock.advance(wait)
    await transmit(lease, new AbortController().signal)
  }
  assert.deepEqual(
    dialer.dialled.map(({ address }) => address),
    ['9.1.1.1', '9.1.1.2', '9.1.1.2', '9.1.1.1', '9.1.1.2'],
  )
})

test('a thousand messages at once ask DNS once, and the next second asks again', async () => {
  const clock = fakeClock()
  const resolver = fakeResolver(ZONE)
  const dialer = fakeDialer(() => new MailError('unavailable', 'no answer'), { clock })
  const transmit = transmitter({
    router: router({ resolver, random: seededRandom(), ehloName: 'us.example', now: () => clock.now() }),
    tls: tlsPolicy({ resolver, clock }),
    pool: new SessionPool({ dialer, clock }),
  })
  const lease: QueueLease = {
    id: '1',
    token: 't',
    destination: 'a.example',
    envelope: { from: 'ann@us.example', origin: 'api', queuedAt: 0, expiresAt: 0 },
    recipients: [{ address: 'bob@a.example', index: 0, attempts: 0, warned: false }],
    content: source(BODY),
  }
  const asked = (): number => resolver.asked.filter(question => question === 'mx a.example').length
  await Promise.all(Array.from({ length: 1000 }, () => transmit(lease, new AbortController().signal)))
  assert.equal(asked(), 1)
  await transmit({ ...lease, envelope: { ...lease.envelope, from: 'ann@other.example' } }, new AbortController().signal)
  assert.equal(asked(), 2, 'another sender may have other faces')
  clock.advance(1000)
  await transmit(lease, new AbortController().signal)
  assert.equal(asked(), 3)
  resolver.set('a.example', { fails: true })
  clock.advance(1000)
  await transmit(lease, new AbortController().signal)
  await transmit(lease, new AbortController().signal)
  assert.equal(asked(), 5, 'failures are not remembered')
})
