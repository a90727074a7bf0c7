import assert from 'node:assert/strict'
import { test } from 'node:test'
import { autoReply, decodeWords, type AutoReply, type Responder } from 'mailwright/mime'

const ANN = { local: 'ann', domain: 'example.org' }
const BOB = { local: 'bob', domain: 'example.net' }
const AT = { at: Date.parse('2026-11-24T08:00:00Z'), messageId: 'one@example.org' }
const responder: Responder = { address: ANN, aliases: [{ local: 'Ann.Lee', domain: 'example.org' }] }

function answered(
  fields: Readonly<Record<string, string | readonly string[]>>,
  options: { readonly sender?: typeof BOB | undefined; readonly by?: Responder; readonly subject?: string; readonly name?: string } = {},
): AutoReply {
  const all: Record<string, string | readonly string[]> = {
    From: 'Bob <bob@example.net>',
    To: 'ann@example.org',
    Subject: 'hello',
    'Message-ID': '<a@example.net>',
    ...fields,
  }
  const header = (name: string): readonly string[] =>
    Object.entries(all).flatMap(([key, value]) => (key.toLowerCase() === name.toLowerCase() ? [value].flat() : []))
  const { sender = BOB, by = responder, ...text } = options
  return autoReply({ sender: 'sender' in options ? options.sender : sender, header }, by, { ...AT, ...text })
}

const verdict = (...given: Parameters<typeof answered>): string => {
  const reply = answered(...given)
  return reply.reply ? 'reply' : reply.reason
}

test('an answer goes to the envelope sender, from nobody, and says what it is (RFC 3834 §3.1, §3.3, §4, §5)', () => {
  const reply = answered({ References: '<x@example.net> <y@example.net>', 'Reply-To': 'mallory@example.com' })
  assert.ok(reply.reply)
  assert.deepEqual([reply.to, reply.from, reply.smtpUtf8], [BOB, '', false])
  assert.equal(
    reply.header,
    `From: <ann@example.org>
To: <bob@example.net>
Subject: Auto: hello
Date: Tue, 24 Nov 2026 08:00:00 +0000
Message-ID: <one@example.org>
In-Reply-To: <a@example.net>
References: <x@example.net> <y@example.net> <a@example.net>
Auto-Submitted: auto-replied
MIME-Version: 1.0
`.replaceAll('\n', '\r\n'),
  )
})

test('when there is none (RFC 3834 §2; RFC 5230 §4.5, §4.6)', () => {
  const cases: readonly (readonly [Parameters<typeof answered>[0], string])[] = [
    [{}, 'reply'],
    [{ 'Auto-Submitted': 'no' }, 'reply'],
    [{ 'Auto-Submitted': '(comment) no; x=y' }, 'reply'],
    [{ 'Auto-Submitted': 'auto-replied' }, 'automatic'],
    [{ 'Auto-Submitted': 'auto-generated (by a machine)' }, 'automatic'],
    [{ 'Auto-Submitted': 'nothing-known' }, 'automatic'],
    [{ 'auto-submitted': '' }, 'automatic'],
    [{ 'Content-Type': 'multipart/report; report-type=delivery-status' }, 'automatic'],
    [{ 'X-Auto-Response-Suppress': 'DR, OOF, AutoReply' }, 'unwanted'],
    [{ 'X-Auto-Response-Suppress': 'DR' }, 'reply'],
    [{ 'List-Id': '<list.example.net>' }, 'list'],
    [{ 'List-Unsubscribe': '<mailto:x@example.net>' }, 'list'],
    [{ Precedence: 'Bulk' }, 'list'],
    [{ Precedence: 'first-class' }, 'reply'],
    [{ 'X-Spam-Flag': 'YES' }, 'spam'],
    [{ To: 'carol@example.org' }, 'not-addressed'],
    [{ To: 'carol@example.org', Cc: 'Ann Lee <ANN.LEE@Example.ORG>' }, 'reply'],
    [{ To: '"ann@example.org" <carol@example.org>' }, 'not-addressed'],
    [{ To: [] }, 'not-addressed'],
    [{ To: [], 'Resent-To': 'ann@example.org' }, 'reply'],
    [{ From: 'ann.lee@example.org' }, 'self'],
    [{ Received: Array<string>(51).fill('from a by b') }, 'loop'],
    [{ 'Delivered-To': ['ann@example.org'] }, 'reply'],
    [{ 'Delivered-To': ['ann@example.org', 'x@example.net', 'ANN@example.org'] }, 'loop'],
  ]
  for (const [fields, expected] of cases) assert.equal(verdict(fields), expected, JSON.stringify(fields))
})

test('senders that nobody reads, and ourselves (RFC 3834 §2)', () => {
  const from = (local: string, domain = 'example.net'): string => verdict({}, { sender: { local, domain } })
  for (const local of [
    'MAILER-DAEMON',
    'no-reply',
    'noreply',
    'owner-list',
    'list-request',
    'list-bounces',
    'list-bounces+ann=example.org',
    'bounce+x-1',
    'LISTSERV',
  ])
    assert.equal(from(local), 'daemon', local)
  assert.equal(from('bob'), 'reply')
  assert.equal(from('postmaster'), 'reply')
  assert.equal(from('ANN', 'example.org'), 'self')
  assert.equal(verdict({}, { sender: undefined }), 'no-sender')
})

test('a service answers though it was not named, a person does not', () => {
  const by: Responder = { address: ANN, service: true }
  assert.equal(verdict({ To: 'other@example.org' }, { by }), 'reply')
})

test('two programs that answer each other stop after one answer (S22)', () => {
  const reply = answered({})
  assert.ok(reply.reply)
  const fields = Object.fromEntries(
    reply.header
      .trim()
      .split('\r\n')
      .map(line => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 2)]),
  )
  assert.equal(verdict(fields, { sender: ANN, by: { address: BOB } }), 'automatic')
  assert.equal(verdict(fields, { sender: undefined, by: { address: BOB } }), 'no-sender')
})

test('subjects: one "Auto:", letters as encoded-words, never a new field (RFC 3834 §3.1.5; RFC 2047 §5; S13)', () => {
  const subject = (text: string, own?: string): string => {
    const reply = answered({ Subject: text }, own === undefined ? {} : { subject: own })
    return reply.reply ? (/^Subject: (.*(?:\r\n .*)*)\r\n/m.exec(reply.header)?.[1] ?? '') : ''
  }
  assert.equal(subject('Auto: Re: Auto: hello'), 'Auto: hello')
  assert.equal(subject('=?utf-8?q?gr=C3=BC=C3=9Fe?=').startsWith('=?utf-8?B?'), true)
  const long = 'Außer Haus bis Montag, in dringenden Fällen hilft die Zentrale weiter, auch während der Übergabe'
  assert.equal(decodeWords(subject('', long).replaceAll('\r\n ', ' ')), long)
  assert.ok(
    subject('', long)
      .split('\r\n')
      .every(line => line.length <= 76),
  )
  const evil = answered(
    { Subject: 'x\r\nInjected: 1', 'Message-ID': '<a@b>\r\nInjected: 2', References: '<c@d>\r\nInjected: 3' },
    { name: 'Ann "A"\r\nInjected: 4', subject: 'y\u2028\r\nInjected: 5' },
  )
  assert.ok(evil.reply)
  assert.doesNotMatch(evil.header, /^Injected/im)
  assert.match(evil.header, /^From: "Ann \\"A\\" Injected: 4" <ann@example\.org>\r\n/)
})

test('threads stay bounded (RFC 5322 §3.6.4)', () => {
  const reply = answered({ References: Array.from({ length: 5000 }, (_, index) => `<${index}@example.net>`).join(' ') })
  assert.ok(reply.reply)
  assert.match(reply.header.replaceAll('\r\n ', ' '), /^References: <0@example\.net> .*<4999@example\.net> <a@example\.net>\r$/m)
  assert.ok(reply.header.length < 3000)
})

test('addresses in letters need SMTPUTF8, names do not (RFC 6531 §3.6)', () => {
  const one = answered({}, { name: 'Jürgen' })
  assert.ok(one.reply && !one.smtpUtf8)
  const other = answered({ To: 'jürgen@example.org' }, { by: { address: { local: 'jürgen', domain: 'example.org' } } })
  assert.ok(other.reply && other.smtpUtf8)
})
