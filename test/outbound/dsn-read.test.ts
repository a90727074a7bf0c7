import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bounceAddresses, bounceClass, readReport, type MailReport } from 'mailwright/outbound'
import { seededRandom } from 'mailwright/testing'
import { utf8Bytes } from '../../src/bytes/index.ts'

function read(text: string, options?: Parameters<typeof readReport>[1]): Promise<MailReport | undefined> {
  const octets = utf8Bytes(text.replaceAll(/\r?\n/g, '\r\n'))
  return readReport({ size: octets.length, read: (start, end) => octets.subarray(start, end) }, options)
}

/** What a report says, in one line for each recipient. */
async function told(text: string): Promise<string> {
  const report = await read(text)
  if (report?.kind !== 'bounce') return report === undefined ? 'no report' : `${report.kind} ${report.type}`
  const lines = report.recipients.map(
    ({ address = '?', action, status = '-', reply = '-', reason = '-', permanent }) =>
      `${address} ${action} ${status} ${reply} ${reason}${permanent ? '' : ' (may pass)'}`,
  )
  return [`${report.form} ${report.originalMessageId ?? '-'}`, ...lines].join('\n')
}

const RETURNED = 'Message-ID: <one@example.org>\nFrom: ann@example.org\nSubject: hello\n'

test('a notification with several recipients, comments and odd writing (RFC 3464 §2.3)', async () => {
  const text = `From: MAILER-DAEMON@mail.example.net (Mail Delivery System)
Content-Type: multipart/report; report-type=delivery-status; boundary="x"

--x

text
--x
Content-Type: message/delivery-status

REPORTING-MTA: dns; mail.example.net
X-Queue-ID: 4kXyz
Original-Envelope-Id: Ab=C

final-recipient: RFC822; <bob@example.net>
Original-recipient: rfc822;Bob@example.net
Action: Failed (really)
Status: 5.0.0 (other)
Remote-MTA: dns; mx.example.net
Diagnostic-Code: smtp; 552 5.2.2 Mailbox
    full

Final-Recipient: rfc822; carol@example.net
Action: delayed
Status: 4.4.1
Diagnostic-Code: X-Postfix; connect to mx.example.net[192.0.2.1]:25: Connection timed out
Will-Retry-Until: Wed, 25 Nov 2026 08:00:00 +0000

Final-Recipient: utf-8; j\\x{FC}rgen@example.net
Status: 2.1.5
--x
Content-Type: text/rfc822-headers

${RETURNED}
--x--
`
  assert.equal(
    await told(text),
    `standard <one@example.org>
bob@example.net failed 5.2.2 552 mailbox-full
carol@example.net delayed 4.4.1 - temporary (may pass)
jürgen@example.net delivered 2.1.5 - - (may pass)`,
  )
  const report = await read(text)
  assert.ok(report?.kind === 'bounce')
  assert.deepEqual(
    [report.envelopeId, report.reportingServer, report.recipients[0]?.originalRecipient, report.recipients[0]?.remote],
    ['Ab=C', 'mail.example.net', 'Bob@example.net', 'mx.example.net'],
  )
})

test('parts in base64 and the types for letters beyond ASCII (RFC 6533 §4.4)', async () => {
  const status = 'Reporting-MTA: dns; mx\n\nFinal-Recipient: utf-8; jürgen@bücher.example\nAction: failed\nStatus: 5.1.1\n'
  const base64 = Buffer.from(status.replaceAll('\n', '\r\n')).toString('base64')
  assert.equal(
    await told(`Content-Type: multipart/report; report-type=global-delivery-status; boundary=x

--x
Content-Type: text/plain

hello
--x
Content-Type: message/global-delivery-status
Content-Transfer-Encoding: base64

${base64}
--x
Content-Type: message/global

${RETURNED}
Good day
--x--
`),
    'standard <one@example.org>\njürgen@bücher.example failed 5.1.1 - unknown-user',
  )
})

test('a bounce of qmail', async () => {
  assert.equal(
    await told(`Return-Path: <>
From: MAILER-DAEMON@old.example.net
Subject: failure notice

Hi. This is the qmail-send program at old.example.net.
I'm afraid I wasn't able to deliver your message to the following addresses.
This is a permanent error; I've given up. Sorry it didn't work out.

<bob@example.net>:
Sorry, no mailbox here by that name. (#5.1.1)

<carol@example.com>:
192.0.2.1 does not like recipient.
Remote host said: 554 5.7.1 Service unavailable; Client host [192.0.2.9] blocked using zen.spamhaus.org
Giving up on 192.0.2.1.

--- Below this line is a copy of the message.

Return-Path: <ann@example.org>
${RETURNED}
dan@example.net: 550 5.1.1 not this one
`),
    `qmail <one@example.org>
bob@example.net failed 5.1.1 - unknown-user
carol@example.com failed 5.7.1 554 blocked`,
  )
})

test('a bounce of Exim', async () => {
  assert.equal(
    await told(`From: Mail Delivery System <Mailer-Daemon@mx.example.net>
Auto-Submitted: auto-replied
X-Failed-Recipients: bob@example.net, carol@example.net
Subject: Mail delivery failed: returning message to sender

This message was created automatically by mail delivery software.

A message that you sent could not be delivered to one or more of its
recipients. This is a permanent error. The following address(es) failed:

  bob@example.net
    host mail.example.net [192.0.2.1]
    SMTP error from remote mail server after RCPT TO:<bob@example.net>:
    550 No such user here

  carol@example.net
    mailbox is full: retry timeout exceeded

------ This is a copy of the message, including all the headers. ------

${RETURNED}
`),
    `exim <one@example.org>
bob@example.net failed - 550 unknown-user
carol@example.net failed - - mailbox-full`,
  )
})

test('text as Postfix and Exchange write it for people', async () => {
  assert.equal(
    await told(`From: MAILER-DAEMON@mx.example.net (Mail Delivery System)
Subject: Undelivered Mail Returned to Sender

This is the mail system at host mx.example.net.

I'm sorry to have to inform you that your message could not
be delivered to one or more recipients. It's attached below.

<bob@example.net>: host mail.example.net[192.0.2.1] said: 550 5.1.1
    <bob@example.net>: Recipient address rejected: User unknown (in reply to RCPT TO command)

<carol@example.com>: host mx.example.com[192.0.2.2] said: 552 5.3.4 message too big
`),
    `text -
bob@example.net failed 5.1.1 550 unknown-user
carol@example.com failed 5.3.4 552 too-big`,
  )
  assert.equal(
    await told(`From: Microsoft Outlook <MicrosoftExchange329e71ec@corp.example>
Subject: Undeliverable: hello

Your message to bob@corp.example couldn't be delivered.

Diagnostic information for administrators:

Generating server: EX01.corp.example

bob@corp.example
Remote Server returned '550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found by SMTP address lookup'

Original message headers:

${RETURNED}
`),
    `text <one@example.org>
bob@corp.example failed 5.1.10 550 unknown-user`,
  )
  assert.equal(
    await told(`From: postmaster@example.net
Subject: Warning: could not send message for past 4 hours

The following address is still waiting:

<bob@example.net>
`),
    'text -\nbob@example.net delayed - - other (may pass)',
  )
})

test('a complaint (RFC 5965 §3)', async () => {
  assert.deepEqual(
    await read(`From: abuse@reporter.example
Content-Type: multipart/report; report-type=feedback-report; boundary=x

--x

This is a complaint.
--x
Content-Type: message/feedback-report

Feedback-Type: Abuse
User-Agent: SomeGenerator/1.0
Version: 1
Original-Mail-From: <ann@example.org>
Original-Rcpt-To: <bob@example.net>
Original-Rcpt-To: <carol@example.net>
Source-IP: 192.0.2.1
Reported-Domain: Example.ORG

--x
Content-Type: message/rfc822

${RETURNED}
spam
--x--
`),
    {
      kind: 'complaint',
      type: 'abuse',
      userAgent: 'SomeGenerator/1.0',
      sourceIp: '192.0.2.1',
      originalSender: 'ann@example.org',
      originalRecipients: ['bob@example.net', 'carol@example.net'],
      reportedDomains: ['example.org'],
      originalMessageId: '<one@example.org>',
    },
  )
})

test('a bounce to a stamped sender gives its token, a forged one says so (VERP)', async () => {
  const bounces = bounceAddresses({ domain: 'example.org', secret: 'correct horse battery' })
  const text = 'From: MAILER-DAEMON@x\nSubject: failure notice\n\n<bob@example.net>:\n550 5.1.1 unknown user\n'
  const sentTo = bounces.encode('q7-0')
  assert.deepEqual((await read(text, { sentTo, bounces }))?.token, { token: 'q7-0' })
  assert.equal((await read(text, { sentTo: { ...sentTo, local: sentTo.local.replace('q7', 'q8') }, bounces }))?.token, 'forged')
  assert.equal((await read(text, { sentTo: { local: 'ann', domain: 'example.org' }, bounces }))?.token, undefined)
})

test('ordinary mail is no report, though it speaks of one', async () => {
  assert.equal(
    await told('From: ann@example.org\nSubject: Undelivered Mail Returned to Sender\n\n<bob@example.net>: 550 5.1.1 unknown\n'),
    'no report',
  )
  assert.equal(await told('From: postmaster@example.org\nSubject: Meeting\n\nbob@example.net said: 550 is my number\n'), 'no report')
  assert.equal(
    await told(
      'Content-Type: multipart/report; boundary=x\n\n--x\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; a\n--x--\n',
    ),
    'no report',
  )
  assert.equal(await told(''), 'no report')
})

test('classes of bounces (RFC 3463 §3)', () => {
  const cases: readonly (readonly [string | undefined, number | undefined, string | undefined, string])[] = [
    ['5.1.1', 550, 'User unknown', 'unknown-user'],
    ['5.1.2', undefined, undefined, 'unknown-domain'],
    ['5.1.10', 556, 'Recipient address has a null MX', 'unknown-domain'],
    ['5.2.1', 550, 'The email account that you tried to reach is disabled', 'mailbox-disabled'],
    ['4.2.2', 452, 'The email account that you tried to reach is over quota', 'mailbox-full'],
    ['5.7.1', 554, 'Message rejected as spam', 'spam'],
    ['5.7.1', 550, 'Unauthenticated email from example.org is not accepted due to domain’s DMARC policy', 'authentication'],
    ['5.7.26', 550, undefined, 'authentication'],
    ['5.7.1', 550, 'Client host blocked using Spamhaus', 'blocked'],
    ['5.7.1', 550, 'Relaying denied', 'policy'],
    ['5.7.0', 552, 'This message was blocked because its content presents a potential security issue: virus', 'content'],
    ['5.3.4', 552, undefined, 'too-big'],
    ['5.4.6', 554, 'Too many hops', 'loop'],
    ['4.7.1', 450, 'Greylisted, try again in 5 minutes', 'rate'],
    ['4.4.1', undefined, 'Connection timed out', 'temporary'],
    ['5.4.7', undefined, 'Gave up after 5 days', 'expired'],
    ['5.4.4', undefined, 'Host not found', 'unknown-domain'],
    ['5.5.2', 500, 'Syntax error', 'protocol'],
    ['5.0.0', 550, 'no such user here', 'unknown-user'],
    [undefined, 550, undefined, 'unknown-user'],
    [undefined, 451, undefined, 'temporary'],
    [undefined, undefined, 'Something else', 'other'],
    [undefined, undefined, undefined, 'other'],
  ]
  for (const [status, reply, text, expected] of cases)
    assert.equal(bounceClass(status, reply, text), expected, JSON.stringify([status, reply, text]))
})

test('hostile reports cost no more than their length', async () => {
  const from = 'From: MAILER-DAEMON@x\nSubject: failure notice\n'
  const multipart = 'Content-Type: multipart/report; boundary=x\n\n--x\nContent-Type: message/delivery-status\n\n'
  const half = 250_000
  const started = process.cpuUsage()
  for (const body of [
    `${from}\n${'-'.repeat(half)}copy`,
    `${from}\n${'<a@b.c> 550 '.repeat(half / 12)}`,
    `${from}\n${'a@'.repeat(half / 2)}`,
    `${from}\n${'user '.repeat(half / 5)} 550 5.1.1`,
    `${from}X-Failed-Recipients: ${'a@b.c,'.repeat(half / 6)}\n\nx`,
    `${from}\nHi. This is the qmail\n\n${'<a@b.c>:\n\n'.repeat(half / 10)}`,
    `${multipart}${'Final-Recipient: rfc822; a@b.c\n\n'.repeat(half / 32)}`,
    `${multipart}Final-Recipient: rfc822; ${' a\n'.repeat(half / 3)}`,
    `${multipart}${'a: b\n'.repeat(half / 5)}`,
    `${multipart}Final-Recipient: rfc822; a@b.c\nDiagnostic-Code: smtp; ${'550 5.'.repeat(half / 6)}`,
  ])
    await read(body)
  const { user } = process.cpuUsage(started)
  console.log(`10 hostile reports of ${half} octets: ${Math.round(user / 1000)} ms of CPU`)
  assert.ok(user < 5_000_000)
})

test('random reports never throw', async () => {
  const random = seededRandom(3464)
  const pieces: readonly [string, ...string[]] = [
    'From: MAILER-DAEMON\n',
    'Subject: failure notice\n',
    '\n',
    'Content-Type: multipart/report; boundary=x\n',
    '--x\n',
    'Content-Type: message/delivery-status\n',
    'Final-Recipient: ',
    'rfc822; ',
    'a@b.c',
    '550 5.1.1 ',
    'Status: 5.1.1\n',
    ': ',
    '\u0000',
    '<',
    '>',
    'Hi. This is the qmail\n',
    '--x--\n',
    'Content-Type: message/feedback-report\n',
    'Content-Transfer-Encoding: base64\n',
    '\\x{110000}',
    '\\x{D800}',
    'utf-8;',
  ]
  for (let n = 0; n < 2000; n++) await read(Array.from({ length: random.below(40) }, () => random.pick(pieces)).join(''))
})
