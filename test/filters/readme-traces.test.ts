/** The traces in the README are what the code says of these three messages; only the times are somebody's. */

import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { memoryDirectory } from 'mailwright/directories/memory'
import { systemRandom } from 'mailwright/net'
import { dryRun, personalFilters } from 'mailwright/server'
import { memoryStore } from 'mailwright/stores/memory'
import { fakeClock, fakeResolver } from 'mailwright/testing'
import { traceText } from '../../src/cli/trace-text.ts'
import { latin1Bytes } from '../../src/bytes/index.ts'
import { rsa, signed } from './sender-auth-house.ts'

interface Example {
  readonly from: string
  readonly ip: string
  readonly helo: string
  readonly message: string
}

const resolver = fakeResolver({
  'example.org': { txt: ['v=spf1 ip4:203.0.113.7 -all'] },
  '_dmarc.example.org': { txt: ['v=DMARC1; p=reject'] },
  'rsa._domainkey.example.org': { txt: [rsa.record] },
  '203.0.113.7': { ptr: ['mx.example.org'] },
  'mx.example.org': { a: ['203.0.113.7'] },
  'bank.example': { txt: ['v=spf1 ip4:192.0.2.10 -all'] },
  '_dmarc.bank.example': { txt: ['v=DMARC1; p=reject'] },
  '2.0.0.127.bl.example.net': { a: ['127.0.0.2'] },
  '9.100.51.198.bl.example.net': { a: ['127.0.0.2'], txt: ['listed as a source of spam'] },
})

const lines = (...text: readonly string[]): string => `${text.join('\n')}\n`
const DATE = 'Date: Fri, 02 Jan 2026 03:00:00 +0000'

const EXAMPLES: readonly Example[] = [
  {
    from: 'ann@example.org',
    ip: '203.0.113.7',
    helo: 'mx.example.org',
    message: signed(
      lines(
        'From: Ann <ann@example.org>',
        'To: me@home.test',
        'Subject: Lunch?',
        DATE,
        'Message-ID: <1@example.org>',
        'MIME-Version: 1.0',
        'Content-Type: text/plain',
        '',
        'At noon?',
      ),
    ),
  },
  {
    from: 'service@bank.example',
    ip: '198.51.100.44',
    helo: 'host44.example.com',
    message: lines(
      'From: Your bank <service@bank.example>',
      'To: me@home.test',
      'Subject: Your account',
      DATE,
      'Message-ID: <2@bank.example>',
      '',
      'Please log in.',
    ),
  },
  {
    from: 'win@prize.example',
    ip: '198.51.100.9',
    helo: '[198.51.100.9]',
    message: lines('From: =?utf-8?q?me=40home.test?= <win@prize.example>', 'Subject: You won', '', 'Claim your prize.'),
  },
]

async function traced({ message, ...example }: Example): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'mailwright-readme-'))
  const directory = memoryDirectory()
  await directory.addDomain('home.test')
  await directory.addAccount({ address: 'me@home.test', password: 'correct horse' })
  const clock = fakeClock()
  const filters = personalFilters(
    { dnsbl: ['bl.example.net'] },
    { hostname: 'mail.home.test', store: memoryStore(), resolver, clock, stateFile: join(folder, 'state.sqlite') },
  )
  try {
    const octets = latin1Bytes(message.replaceAll('\n', '\r\n'))
    const record = await dryRun({
      ...example,
      to: 'me@home.test',
      hostname: 'mail.home.test',
      directory,
      middleware: filters.middleware,
      content: { size: octets.length, read: (start, end) => octets.subarray(start, end) },
      clock,
      random: systemRandom,
    })
    return traceText(record)
  } finally {
    await filters.close()
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Ids, times and the size of a signed message differ from run to run. */
function masked(text: string): string {
  return text
    .replace(/Z {2}\w+ {2}/g, 'Z  id  ')
    .replace(/\(\d+(?:\.\d)? ms\)/g, '(… ms)')
    .replace(/\d+ octets/g, 'n octets')
    .replace(/[ \t]+$/gm, '')
}

test('the three traces of the README', async () => {
  const readme = readFileSync(join(import.meta.dirname, '..', '..', 'README.md'), 'utf8')
  const told = [...readme.matchAll(/```text\n(\d{4}-\d\d-\d\dT[^]*?)\n```/g)].map(([, text = '']) => masked(text))
  const traces: string[] = []
  for (const example of EXAMPLES) traces.push(masked(await traced(example)))
  assert.deepEqual(told, traces)
})
