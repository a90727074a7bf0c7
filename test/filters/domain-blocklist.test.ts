import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TraceEntry } from 'mailwright/contracts'
import { domainBlocklist } from 'mailwright/filters/domain-blocklist'
import type { DomainBlocklistOptions } from 'mailwright/filters/domain-blocklist'
import { fakeResolver } from 'mailwright/testing'
import type { FakeRecords } from 'mailwright/testing'
import { hostOfLink, hostsIn } from '../../src/filters/domain-blocklist/hosts.ts'
import { messageText } from '../../src/filters/message-text.ts'
import { address, connectionOf, houseOf, person, spooled } from '../pipeline/house.ts'
import { source } from './mails.ts'
import { processorTime } from '../support/processor-time.ts'

async function ask(
  letter: string,
  zone: Readonly<Record<string, FakeRecords>>,
  options: Partial<DomainBlocklistOptions> = {},
  more: Parameters<typeof connectionOf>[1] = {},
): Promise<{ symbols: string[]; notes: string[]; asked: string[] }> {
  const resolver = fakeResolver(zone)
  const filter = domainBlocklist({ resolver, lists: [{ zone: 'dbl.example.net', symbol: 'DBL', score: 4 }], ...options })
  const house = houseOf({ middleware: [filter], submission: { authors: 'any' } })
  const { reception } = await house.host.receive(connectionOf('smtp', { clientName: 'mail.ehlo.example', ...more }), {
    sender: address(more.principal === undefined ? 'bob@bounce.sender.example' : 'ann@example.org'),
  })
  await reception.recipient(address('ann@example.org'))
  const { outcomes } = await reception.message(spooled(letter))
  assert.equal(outcomes[0]?.kind, 'accept')
  const entry = ((house.told('message')[0]?.['trace'] ?? []) as readonly TraceEntry[]).find(
    ({ middleware }) => middleware === 'domain-blocklist',
  )
  const asked = resolver.asked.map(question => question.replace(/^a (.*)\.dbl\.example\.net$/, '$1')).filter(name => name !== 'invalid')
  return {
    symbols: (entry?.symbols ?? []).map(({ name, score, text }) => `${name} ${score} ${text ?? ''}`),
    notes: [...(entry?.evidence ?? [])],
    asked,
  }
}

const LETTER = `From: Bob <bob@author.example>
Reply-To: other@reply.example
Content-Type: text/html

<a href="https://user@www.shop.example.co.uk:8080/x?y">click</a> or see http://plain.example/ and www.bare.example.
`

test('organisational domains of sender, author, client and links are asked about (RFC 5782 §3)', async () => {
  const { asked, symbols, notes } = await ask(LETTER, {})
  assert.deepEqual(asked.sort(), [
    'author.example',
    'bare.example',
    'ehlo.example',
    'example.co.uk',
    'plain.example',
    'reply.example',
    'sender.example',
  ])
  assert.deepEqual(symbols, [])
  assert.match(notes.join(), /nothing is listed of sender.example, author.example/)
})

test('a listed domain is told with the place where it was named, each symbol once', async () => {
  const listed = { a: ['127.0.1.2'] }
  const { symbols } = await ask(LETTER, { 'example.co.uk.dbl.example.net': listed, 'plain.example.dbl.example.net': listed })
  assert.deepEqual(symbols, ['DBL 4 example.co.uk, named in the link: dbl.example.net answers 127.0.1.2 for example.co.uk'])
})

test('a list that lists everything, refuses or fails says nothing', async () => {
  const all = await ask(LETTER, { 'invalid.dbl.example.net': { a: ['127.0.1.2'] }, 'plain.example.dbl.example.net': { a: ['127.0.1.2'] } })
  assert.deepEqual(all.symbols, [])
  assert.match(all.notes.join(), /it lists everything/)
  const refusing = await ask(LETTER, { 'plain.example.dbl.example.net': { a: ['127.255.255.254'] } })
  assert.deepEqual(refusing.symbols, [])
  const failing = await ask(LETTER, { 'plain.example.dbl.example.net': { fails: true } })
  assert.match(failing.notes.join(), /dbl.example.net could not be asked about plain.example/)
  const tried = await ask(
    LETTER,
    { 'plain.example.dbl.example.net': { a: ['127.0.1.2'] } },
    { lists: [{ zone: 'dbl.example.net', testEntry: 'test' }] },
  )
  assert.match(tried.notes.join(), /its test entry test is missing/)
})

test('the sender’s own domains come first, so that a thousand links do not drown them', async () => {
  const links = Array.from({ length: 1000 }, (_, n) => `http://h${n}.example/`).join('\n')
  const { asked, notes } = await ask(`From: <bob@author.example>\n\n${links}\n`, {}, { domains: 5 })
  assert.deepEqual(asked, ['sender.example', 'author.example', 'ehlo.example', 'h0.example', 'h1.example'])
  assert.match(notes[0] ?? '', /of \d+ domains the first 5 are asked about/)
})

test('exceptions and places are options; the client’s name costs a question', async () => {
  const options = { except: ['shop.example', 'example.co.uk'], places: ['link', 'ptr'] as const }
  const { asked } = await ask(LETTER, { '192.0.2.7': { ptr: ['host.pool.example'] } }, options)
  assert.deepEqual(asked, ['ptr 192.0.2.7', 'pool.example', 'plain.example', 'bare.example'])
})

test('mail of who has logged in is not looked at', async () => {
  const principal = { account: person('ann'), username: 'ann', scopes: ['smtp' as const], credential: 'password' }
  assert.deepEqual((await ask(LETTER, {}, {}, { principal })).asked, [])
})

test('hosts in links, as they are written to deceive', () => {
  const table: readonly (readonly [string, readonly string[]])[] = [
    ['http://good.example@evil.example/', ['evil.example']],
    ['http://good.example:x@evil.example:80/', ['evil.example']],
    ['HTTP://EVIL.Example', ['evil.example']],
    ['http://ev%69l.example/', ['evil.example']],
    ['http://evil。example/', ['evil.example']],
    ['http://bücher.example/', ['bücher.example']],
    ['(http://evil.example)', ['evil.example']],
    ['see http://evil.example.', ['evil.example']],
    ['hxxp://evil.example', ['evil.example']],
    ['http://localhost/ http://[::1]/ http:///x http://', []],
    ['www.evil.example/x and mail@www.good.example', ['www.evil.example']],
    ['http://a.example\\@b.example', ['a.example']],
  ]
  for (const [text, hosts] of table) assert.deepEqual(hostsIn(text, 100), hosts, text)
  assert.equal(hostOfLink('//evil.example/x'), 'evil.example')
  assert.equal(hostOfLink('mailto:bob@evil.example'), undefined)
  assert.equal(hostOfLink('page.html'), undefined)
})

test('M6: a million slashes, dots and www are read in linear time, and no more hosts than asked for', async () => {
  for (const shape of [
    '://',
    'http://a.b',
    'www.',
    'www.a.b ',
    '://a.b/',
    'http://@',
    'http://%',
    '://x.y@',
    '://' + '!'.repeat(590) + 'x ',
    'http://' + 'a.'.repeat(300),
  ]) {
    const text = shape.repeat(1_000_000 / shape.length)
    const began = processorTime()
    assert.ok(hostsIn(text, 200).length <= 200)
    const { parts } = await messageText(source(`Content-Type: text/html\n\n<a href="${text}">x</a>`))
    assert.ok(parts.length <= 1)
    const took = processorTime() - began
    assert.ok(took < 1500, `${shape.slice(0, 20)}: ${took.toFixed(0)} ms`)
  }
})
