import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MailError } from 'mailwright/contracts'
import { systemClock } from 'mailwright/net'
import { PARSE_LIMITS, ParserThread } from '../../src/pipeline/parsed.ts'
import { address, connectionOf, houseOf, spooled } from './house.ts'
import { longestTurn } from '../support/processor-time.ts'

function source(text: string): { readonly size: number; read(start: number, end: number): Uint8Array } {
  const octets = Buffer.from(text, 'latin1')
  return { size: octets.length, read: (start, end) => octets.subarray(start, end) }
}

const MIXED = [
  'From: =?utf-8?q?Zo=C3=AB?= <zoe@far.example>',
  'To: friends: ann@example.org, Ben <ben@example.org>;',
  'Subject: Hello',
  'Content-Type: multipart/mixed; boundary=b',
  '',
  '--b',
  '',
  'text',
  '--b',
  'Content-Type: application/pdf',
  'Content-Disposition: attachment; filename=a.pdf',
  'Content-Transfer-Encoding: base64',
  '',
  'AAEC',
  '--b--',
  '',
].join('\r\n')

test('a message is parsed whole, on another thread (RFC 5322 §3.4; RFC 2045)', async () => {
  const parser = new ParserThread(systemClock)
  const [first, second] = await Promise.all([parser.parse(source(MIXED)), parser.parse(source('Subject: two\r\n\r\n'))])
  assert.deepEqual(first.from, [{ name: 'Zoë', address: 'zoe@far.example' }])
  assert.deepEqual(
    first.to.map(to => to.address),
    ['ann@example.org', 'ben@example.org'],
  )
  assert.deepEqual([first.subject, first.text?.trim(), first.html], ['Hello', 'text', undefined])
  assert.deepEqual(
    first.attachments.map(({ filename, contentType, content }) => [filename, contentType, [...content]]),
    [['a.pdf', 'application/pdf', [0, 1, 2]]],
  )
  assert.equal(second.subject, 'two')
})

/** Mail that was made to keep a parser busy. */
const bombs: Readonly<Record<string, () => string>> = {
  'one line of 20 MB': () => `Subject: x\r\n\r\n${'a'.repeat(20_000_000)}`,
  '50,000 attachments': () =>
    `Content-Type: multipart/mixed; boundary=b\r\n\r\n${'--b\r\nContent-Disposition: attachment\r\n\r\nx\r\n'.repeat(50_000)}--b--`,
  '200,000 recipients': () => `To: ${Array.from({ length: 200_000 }, (_, at) => `a${at}@b.example`).join(',\r\n ')}\r\n\r\n`,
  '10,000 nested parts': () =>
    Array.from({ length: 10_000 }, (_, at) => `Content-Type: multipart/mixed; boundary=b${at}\r\n\r\n--b${at}\r\n`).join(''),
  '200,000 encoded words': () => `Subject: ${'=?utf-8?q?=C3=BC?= '.repeat(200_000)}\r\n\r\n`,
  'HTML of 5 MB of tags': () => `Content-Type: text/html\r\n\r\n${'<div><a href="x">'.repeat(300_000)}`,
}

for (const [name, make] of Object.entries(bombs)) {
  test(`the event loop goes on while a message is parsed: ${name} (M1, M2, M3; G21)`, { timeout: 60_000 }, async t => {
    const message = source(make())
    const parser = new ParserThread(systemClock)
    // The thread begins outside the measurement.
    await parser.parse(source('Subject: first\r\n\r\n'))
    const parsing = (): Promise<string> =>
      parser.parse(message).then(
        ({ to, attachments }) => `parsed, ${to.length} recipients, ${attachments.length} attachments`,
        (error: unknown) => (error instanceof MailError ? `${error.kind}: ${error.message}` : Promise.reject(error)),
      )
    const { result, longest } = await longestTurn(parsing)
    t.diagnostic(`${name}: ${result}; the loop stood still for ${longest.toFixed(0)} ms at most`)
    assert.ok(longest < 100, `the loop stood still for ${longest} ms`)
    assert.equal((await parser.parse(source('Subject: next\r\n\r\n'))).subject, 'next')
  })
}

test(
  'what takes too long, or too much memory, or is too large is given up, and the next message is parsed (G22)',
  { timeout: 60_000 },
  async () => {
    const hurried = new ParserThread(systemClock, { ...PARSE_LIMITS, time: 1 })
    const slow = source(`To: ${'a@b.example, '.repeat(100_000)}\r\n\r\n`)
    await assert.rejects(hurried.parse(slow), { kind: 'unavailable' })
    await assert.rejects(hurried.parse(slow), { kind: 'unavailable' })
    const small = new ParserThread(systemClock, { ...PARSE_LIMITS, memory: 40 })
    await assert.rejects(small.parse(source(`Subject: x\r\n\r\n${'word \r\n'.repeat(3_000_000)}`)), {
      kind: 'unavailable',
      message: /too much memory/,
    })
    assert.equal((await small.parse(source('Subject: next\r\n\r\n'))).subject, 'next')
    const narrow = new ParserThread(systemClock, { ...PARSE_LIMITS, octets: 10 })
    await assert.rejects(narrow.parse(source('Subject: eleven')), { kind: 'too-big' })
  },
)

test('middleware that asks for it twice has one parse, and may live with none', async () => {
  const told: unknown[] = []
  const house = houseOf({
    middleware: [
      {
        name: 'twice',
        async message(context, next) {
          const [one, other] = await Promise.all([context.parsed(), context.parsed()])
          told.push(one === other, one.subject)
          return next()
        },
      },
    ],
  })
  const { reception } = await house.host.receive(connectionOf(), { sender: address('zoe@far.example') })
  await reception.recipient(address('ann@example.org'))
  const { outcomes } = await reception.message(spooled('Subject: Hello\n\ntext\n'))
  assert.deepEqual([told, outcomes[0]?.kind], [[true, 'Hello'], 'accept'])
})
