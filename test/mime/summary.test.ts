import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  canonicalAddress,
  canonicalDomain,
  headerFields,
  parseSentDate,
  readSummary,
  rebased,
  sectionPlace,
  summarise,
  SummaryBuilder,
  SummaryCursor,
} from 'mailwright/mime'
import { parseForm } from './form.ts'

const NESTED = [
  'Date: Wed, 17 Jul 1996 02:23:25 -0700 (PDT)',
  'From: Terry Gray <gray@cac.washington.edu>',
  'Subject: =?utf-8?q?IMAP4rev2_W=C3=96RK?=',
  'To: imap@cac.washington.edu',
  'Message-Id: <B27397-0100000@cac.washington.edu>',
  'Content-Type: multipart/mixed; boundary=outer',
  '',
  '--outer',
  'Content-Type: text/plain; charset=utf-8',
  'Content-Transfer-Encoding: quoted-printable',
  '',
  'Gr=C3=BC=C3=9Fe   aus',
  'Wien',
  '--outer',
  'Content-Type: message/rfc822',
  '',
  'Subject: inner',
  'Content-Type: multipart/alternative; boundary=inner',
  '',
  '--inner',
  '',
  'a',
  '--inner',
  'Content-Type: text/html',
  '',
  '<b>a</b>',
  '--inner--',
  '--outer--',
  '',
].join('\r\n')

test('parts are numbered through multiparts and messages (RFC 9051 §6.4.5.1)', () => {
  const summary = readSummary(summarise(Buffer.from(NESTED)))
  assert.deepEqual(
    summary.parts.map(({ path, location }) => `${path.join('.')} ${location.type}/${location.subtype}`),
    [' multipart/mixed', '1 text/plain', '2 message/rfc822', '2.1 text/plain', '2.2 text/html'],
  )
  const part = summary.part([2, 2])
  assert.ok(part)
  assert.equal(NESTED.slice(part.bodyStart, part.bodyEnd), '<b>a</b>')
  const embedded = summary.part([2])?.embedded
  assert.ok(embedded)
  assert.equal(
    NESTED.slice(embedded.headerStart, embedded.bodyStart),
    'Subject: inner\r\nContent-Type: multipart/alternative; boundary=inner\r\n\r\n',
  )
})

test('fields are decoded for searching, the preview for showing (RFC 2047 §6, RFC 8970 §3)', () => {
  const summary = readSummary(summarise(Buffer.from(NESTED)))
  assert.equal(summary.field('subject'), 'imap4rev2 wörk')
  assert.equal(summary.field('bcc'), '')
  assert.equal(summary.preview, 'Grüße aus Wien')
  assert.equal(summary.sentDate, Date.UTC(1996, 6, 17, 9, 23, 25))
  assert.equal(summary.sentDay, Date.UTC(1996, 6, 17) / 86_400_000)
})

test('a prefix moves every part and leaves envelope and structure as they are', () => {
  const prefix = 'Delivered-To: ann@example.org\r\n'
  const whole = prefix + NESTED
  const summary = readSummary(rebased(summarise(Buffer.from(NESTED)), prefix.length))
  assert.equal(whole.slice(0, summary.headerSize).endsWith('boundary=outer\r\n\r\n'), true)
  const part = summary.part([1])
  assert.ok(part)
  assert.equal(whole.slice(part.bodyStart, part.bodyEnd), 'Gr=C3=BC=C3=9Fe   aus\r\nWien')
  assert.equal(summary.part([])?.headerStart, 0)
  assert.deepEqual(summary.bodyStructure, readSummary(summarise(Buffer.from(NESTED))).bodyStructure)
})

test('octets beyond ASCII go into literals, groups and routes into their places (RFC 9051 §7.5.2)', () => {
  const message =
    'From: "Joe \\"Q\\" Public" <@a,@b:joe@c.example> (x)\r\nTo: A Group:Ed <ed@d.example>,joe@e.example;, (Pete) pete@f\r\nSubject: Grüße\r\n\r\n'
  const summary = readSummary(summarise(Buffer.from(message)))
  assert.deepEqual(parseForm(summary.envelope), [
    null,
    'Grüße',
    [['Joe "Q" Public', '@a,@b', 'joe', 'c.example']],
    [['Joe "Q" Public', '@a,@b', 'joe', 'c.example']],
    [['Joe "Q" Public', '@a,@b', 'joe', 'c.example']],
    [
      [null, null, 'A Group', null],
      ['Ed', null, 'ed', 'd.example'],
      [null, null, 'joe', 'e.example'],
      [null, null, null, null],
      ['Pete', null, 'pete', 'f'],
    ],
    null,
    null,
    null,
    null,
  ])
  assert.match(Buffer.from(summary.envelope).toString('latin1'), /\{7\}\r\n/)
})

test('octets that are no summary are said to be corrupt', () => {
  assert.throws(() => readSummary(new Uint8Array(0)), { kind: 'corrupt' })
  assert.throws(() => readSummary(new Uint8Array(500).fill(9)), { kind: 'corrupt' })
})

test('header fields are read as they stand, nonsense between them is passed over (RFC 5322 §2.2, RFC 7103 §7)', () => {
  const block = Buffer.from(' stray\r\nSubject: a\r\n b\r\nno field\r\n and its rest\r\nX-Empty:\r\nTo : c\n\r\nbody: no\r\n')
  assert.deepEqual(
    [...headerFields(block)].map(field => [field.name, field.value, field.raw.length]),
    [
      ['Subject', 'a b', 16],
      ['X-Empty', '', 10],
      ['To', 'c', 7],
    ],
  )
})

test('dates are read as mail writes them (RFC 5322 §3.3, §4.3)', () => {
  const at = (text: string): string | undefined => {
    const date = parseSentDate(text)
    return date === undefined ? undefined : new Date(date.time).toISOString()
  }
  assert.equal(at('Fri, 21 Nov 1997 09:55:06 -0600'), '1997-11-21T15:55:06.000Z')
  assert.equal(at('21 Nov 97 09:55 GMT'), '1997-11-21T09:55:00.000Z')
  assert.equal(at('Thu, 13 Feb 1969 23:32:54 -0330'), '1969-02-14T03:02:54.000Z')
  assert.equal(at('yesterday'), undefined)
})

test('an address has one spelling (RFC 5321 §4.1.2, RFC 5890 §2.3.2)', () => {
  assert.deepEqual(canonicalAddress('Ann@EXAMPLE.org'), { local: 'Ann', domain: 'example.org' })
  assert.deepEqual(canonicalAddress('"a@b c"@example.org'), { local: 'a@b c', domain: 'example.org' })
  assert.equal(canonicalDomain('BÜCHER.example'), 'xn--bcher-kva.example')
  assert.equal(canonicalDomain('xn--bcher-kva.example'), 'xn--bcher-kva.example')
  for (const bad of [
    'a/b.example',
    'ex%41mple.com',
    '1.2.3',
    '0x7f.1',
    'a..b',
    '-a.example',
    'exam\u00adple.com',
    'e\u202example.com',
    '℀.example',
    'a_b@c',
  ]) {
    assert.equal(canonicalDomain(bad), undefined, bad)
  }
  for (const bad of ['@a.example', 'a b@c.example', 'a@', '"a@c.example', 'a\r\nb@c.example', 'a\u202eb@c.example', '.a@c.example']) {
    assert.equal(canonicalAddress(bad), undefined, bad)
  }
})

test('a cursor reads summaries where they lie, one after another', () => {
  const summaries = [NESTED, 'Subject: second\r\nFrom: ann@example.org\r\n\r\nx', 'x'].map(text => summarise(Buffer.from(text)))
  const octets = Buffer.concat(summaries)
  const cursor = new SummaryCursor()
  let start = 0
  for (const each of summaries) {
    const summary = readSummary(each)
    assert(cursor.moveTo(octets, start, start + each.length))
    for (const [section, expected] of [
      ['envelope', summary.envelope],
      ['bodyStructure', summary.bodyStructure],
      ['body', summary.body],
      ['subject', Buffer.from(summary.field('subject'))],
      ['references', Buffer.from(summary.field('references'))],
    ] as const) {
      cursor.find(sectionPlace(section))
      assert.deepEqual(octets.subarray(cursor.from, cursor.to), Buffer.from(expected), section)
    }
    assert.equal(cursor.sentDay, summary.sentDay)
    for (const text of ['wörk', 'second', 'imap4', 'nowhere']) {
      assert.equal(cursor.fieldHas('subject', Buffer.from(text)), summary.field('subject').includes(text), text)
      assert.equal(summary.fieldHas('subject', Buffer.from(text)), summary.field('subject').includes(text), text)
    }
    start += each.length
  }
  assert(!cursor.moveTo(octets, 1, octets.length), 'no summary begins there')
  assert(!cursor.moveTo(octets, 0, 10), 'cut short')
})

test('lines that are told make the same summary as lines that are counted', () => {
  for (const text of [NESTED, 'Subject: a\r\n\r\none\r\ntwo\r\nthree', 'Subject: no body\r\n', '']) {
    const counting = new SummaryBuilder()
    const told = new SummaryBuilder({}, true)
    for (const builder of [counting, told]) for (let at = 0; at < text.length; at += 11) builder.push(Buffer.from(text.slice(at, at + 11)))
    const lines = { feeds: text.split('\n').length - 1, longest: Math.max(...text.split(/(?<=\n)/).map(line => line.length)) }
    assert.deepEqual(told.finish(lines), counting.finish(), JSON.stringify(text))
    assert.equal(told.longestLine, counting.longestLine, JSON.stringify(text))
  }
})

test('what a summary is made of is not kept: the slices may be written over at once', () => {
  const text = `Subject: kept\r\n\r\n${'The beginning of the text. '.repeat(4)}\r\n`
  const builder = new SummaryBuilder()
  for (let at = 0; at < text.length; at += 7) {
    const slice = Buffer.from(text.slice(at, at + 7))
    builder.push(slice)
    slice.fill(0)
  }
  assert.deepEqual(builder.finish(), summarise(new TextEncoder().encode(text)))
})
