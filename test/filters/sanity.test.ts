import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { LiveConnection, TraceEntry } from 'mailwright/contracts'
import { sanity, SANITY_SCORES } from 'mailwright/filters/sanity'
import type { SanityOptions } from 'mailwright/filters/sanity'
import { fakeClock } from 'mailwright/testing'
import { address, connectionOf, houseOf, person, spooled } from '../pipeline/house.ts'

const GOOD = `From: <bob@example.com>
To: <ann@example.org>
Subject: hello
Date: Fri, 02 Jan 2026 03:00:00 +0000
Message-ID: <1@example.com>

good day
`

/** The symbols that a message gets, or how it was refused. */
async function symbols(letter: string, options: SanityOptions = {}, more: Partial<LiveConnection> = {}): Promise<string> {
  const house = houseOf({
    middleware: [sanity({ clock: fakeClock(), hostnames: ['mx.example.org'], ...options })],
    submission: { authors: 'any' },
  })
  const connection = connectionOf('smtp', { clientName: 'mail.example.com', remote: { address: '203.0.113.7', port: 1 }, ...more })
  const sender = address(connection.principal === undefined ? 'bob@example.com' : 'ann@example.org')
  const { reception } = await house.host.receive(connection, { sender })
  await reception.recipient(address('ann@example.org'))
  const { outcomes } = await reception.message(spooled(letter))
  const [outcome] = outcomes
  if (outcome !== undefined && outcome.kind !== 'accept') return 'code' in outcome ? `${outcome.kind} ${outcome.code}` : outcome.kind
  const trace = (house.told('message')[0]?.['trace'] ?? []) as readonly TraceEntry[]
  return trace
    .flatMap(entry => entry.symbols ?? [])
    .map(({ name }) => name)
    .join(' ')
}

test('proper mail has no symbols', async () => {
  assert.equal(await symbols(GOOD), '')
})

test('fields that must be there, and those that may be there once (RFC 5322 §3.6)', async () => {
  const without = (name: string): string => GOOD.replace(new RegExp(`^${name}:.*\n`, 'm'), '')
  assert.equal(await symbols(without('From')), 'MISSING_FROM')
  assert.equal(await symbols(without('Date')), 'MISSING_DATE')
  assert.equal(await symbols(without('Message-ID')), 'MISSING_MESSAGE_ID')
  assert.equal(await symbols(`Subject: another\n${GOOD}`), 'DUPLICATE_FIELDS')
  assert.equal(await symbols(''), 'MISSING_FROM MISSING_MESSAGE_ID MISSING_DATE')
})

test('several From fields are refused, or weighed where that is wanted (S15)', async () => {
  for (const twice of [`From: <eve@example.net>\n${GOOD}`, `FROM : <eve@example.net>\n${GOOD}`, GOOD.replace('\n\n', '\nfrom:\n\n')]) {
    assert.equal(await symbols(twice), 'reject 5.7.1')
    assert.equal(await symbols(twice, { severalFrom: 'weigh' }), 'MULTIPLE_FROM')
  }
})

test('dates: ahead, long ago, and none', async () => {
  const dated = (date: string): string => GOOD.replace(/^Date:.*$/m, `Date: ${date}`)
  assert.equal(await symbols(dated('Sun, 04 Jan 2026 03:00:00 +0000')), 'DATE_IN_FUTURE')
  assert.equal(await symbols(dated('Tue, 19 Jan 2038 03:14:07 +0000')), 'DATE_IN_FUTURE')
  assert.equal(await symbols(dated('Mon, 01 Dec 2025 03:00:00 +0000')), 'DATE_IN_PAST')
  assert.equal(await symbols(dated('Thu, 01 Jan 1970 00:00:00 +0000')), 'DATE_IN_PAST')
  assert.equal(await symbols(dated('yesterday')), 'INVALID_DATE')
  assert.equal(await symbols(dated(`${'1'.repeat(900)} Jan 2026`)), 'INVALID_DATE')
  assert.equal(await symbols(dated('Sun, 04 Jan 2026 03:00:00 +0000'), { ahead: 3 * 86_400_000 }), '')
})

test('lines and octets that no text has (RFC 5322 §2.1.1)', async () => {
  assert.equal(await symbols(GOOD + 'x'.repeat(998)), '')
  assert.equal(await symbols(GOOD + 'x'.repeat(999)), 'LONG_LINES')
  assert.equal(await symbols(`${GOOD}a\0b\n`), 'NUL_OCTETS')
  assert.equal(await symbols(`${GOOD}a\rb\n`), 'BARE_LINE_ENDS')
  const far = `${GOOD}${'short line\n'.repeat(200_000)}${'x'.repeat(5000)}\0`
  assert.equal(await symbols(far), '', 'beyond what is looked at')
  assert.equal(await symbols(far, { octets: 10_000_000 }), 'LONG_LINES NUL_OCTETS')
})

test('headers too large, and no text', async () => {
  assert.equal(await symbols(`${'X-Much: more\n'.repeat(250)}${GOOD}`), 'LARGE_HEADER')
  assert.equal(await symbols(`${`X-Much: ${'more '.repeat(180)}\n`.repeat(40)}${GOOD}`), 'LARGE_HEADER')
  assert.equal(await symbols(GOOD.replace('hello', 'hell\ufffd')), 'BROKEN_HEADER')
})

test('how a client calls itself (RFC 5321 §4.1.1.1, §4.1.3)', async () => {
  const table: Readonly<Record<string, string>> = {
    'mail.example.com': '',
    'mail.example.com.': '',
    'bücher.example': '',
    'xn--bcher-kva.example': '',
    '203.0.113.7': 'HELO_BARE_ADDRESS',
    '[203.0.113.7]': 'HELO_LITERAL',
    '[198.51.100.1]': 'HELO_OTHER_LITERAL',
    '[IPv6:2001:db8::1]': 'HELO_OTHER_LITERAL',
    '[nonsense]': 'HELO_INVALID',
    localhost: 'HELO_LOCALHOST',
    'localhost.localdomain': 'HELO_LOCALHOST',
    'MX.example.ORG': 'HELO_IS_US',
    desktop: 'HELO_NO_DOT',
    'a b.example': 'HELO_INVALID',
    [`${'a'.repeat(300)}.example`]: 'HELO_INVALID',
  }
  for (const [clientName, expected] of Object.entries(table)) {
    assert.equal(await symbols(GOOD, {}, { clientName }), expected, clientName)
  }
  assert.equal(await symbols(GOOD, {}, { clientName: '[IPv6:2001:DB8::1]', remote: { address: '2001:db8:0::1', port: 1 } }), 'HELO_LITERAL')
})

test('those who have logged in, and nearby networks, are not looked at', async () => {
  const principal = { account: person('ann'), username: 'ann', scopes: ['smtp' as const], credential: 'password' }
  assert.equal(await symbols('', {}, { principal, clientName: 'localhost' }), '')
  assert.equal(await symbols('', {}, { remote: { address: '10.1.2.3', port: 1 }, clientName: 'localhost' }), '')
})

test('each symbol can be given another weight, or none; what is no symbol is refused at once', async () => {
  assert.equal(await symbols('', { scores: { MISSING_DATE: 0, MISSING_FROM: 0 } }), 'MISSING_MESSAGE_ID')
  assert.throws(() => sanity({ scores: { NOT_ONE: 1 } as never }), { code: 'MW_SANITY_SCORE' })
  assert.throws(() => sanity({ scores: { MISSING_DATE: Number.NaN } }), { code: 'MW_SANITY_SCORE' })
  assert.ok(Object.isFrozen(SANITY_SCORES))
})
