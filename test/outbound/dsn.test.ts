import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'
import { ConfigurationError, type QueuedEnvelope, type QueuedMessage } from 'mailwright/contracts'
import { isDue, memoryQueue, notifier, readReport, type NotifiableRecipient, type NotificationSubject } from 'mailwright/outbound'
import { fakeClock, seededRandom } from 'mailwright/testing'
import { utf8Bytes, utf8Text } from '../../src/bytes/index.ts'
import { requireProgram } from '../support/programs.ts'

const NOW = Date.parse('2026-11-24T08:00:00Z')
const notify = notifier({ hostname: 'mx.example.org', postmaster: 'help@example.org', clock: { now: () => NOW }, random: seededRandom(3) })

const MESSAGE = `Received: from client.example.org by mx.example.org; Mon, 23 Nov 2026 08:00:00 +0000
From: Ann <ann@example.org>
To: bob@example.net
Subject: Minutes of =?utf-8?q?our_M=C3=BCnchen?= meeting
Date: Mon, 23 Nov 2026 09:00:00 +0100
Message-ID: <one@example.org>

We met on Monday.
`.replaceAll('\n', '\r\n')

function subject(envelope: Partial<QueuedEnvelope> = {}, message: string = MESSAGE): NotificationSubject {
  const octets = utf8Bytes(message)
  return {
    envelope: { from: 'ann@example.org', origin: 'submission', queuedAt: NOW - 86_400_000, ...envelope },
    content: { size: octets.length, read: (start, end) => octets.subarray(start, end) },
  }
}

const BOB: NotifiableRecipient = {
  recipient: { address: 'bob@example.net', originalRecipient: 'rfc822;Bob@Example.NET' },
  action: 'failed',
  status: { at: NOW - 1000, reply: 550, code: '5.1.1', text: '5.1.1 <bob@example.net>: User unknown', remote: 'mail.example.net' },
}

async function textOf({ content }: QueuedMessage): Promise<string> {
  return utf8Text(await content.read(0, content.size))
}

async function only(
  recipients: readonly NotifiableRecipient[],
  about: NotificationSubject = subject(),
): Promise<{ message: QueuedMessage; text: string }> {
  const [message, ...rest] = await notify(about, recipients)
  assert.ok(message !== undefined && rest.length === 0)
  return { message, text: await textOf(message) }
}

test('a failure in full (RFC 3464 §2, §2.2, §2.3)', async () => {
  const { message, text } = await only([BOB], subject({ envelopeId: 'QQ314159' }))
  assert.deepEqual(
    { ...message, content: undefined },
    {
      from: '',
      origin: 'notification',
      recipients: [{ address: 'ann@example.org', notify: ['NEVER'] }],
      content: undefined,
      eightBit: false,
    },
  )
  const boundary = /boundary="([^"]+)"/.exec(text)?.[1] ?? ''
  const id = /^Message-ID: (\S+)/m.exec(text)?.[1] ?? ''
  const expected = `From: "Mail server mx.example.org" <help@example.org>
To: <ann@example.org>
Subject: Not delivered: bob@example.net
Date: Tue, 24 Nov 2026 08:00:00 +0000
Message-ID: ID
In-Reply-To: <one@example.org>
References: <one@example.org>
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status;
 boundary="B"

This is a notification about mail, in parts as RFC 3464 has them.

--B
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: base64

HUMAN

--B
Content-Type: message/delivery-status
Content-Transfer-Encoding: 7bit

Original-Envelope-Id: QQ314159
Reporting-MTA: dns; mx.example.org
Arrival-Date: Mon, 23 Nov 2026 08:00:00 +0000

Original-Recipient: rfc822; Bob@Example.NET
Final-Recipient: rfc822; bob@example.net
Action: failed
Status: 5.1.1
Remote-MTA: dns; mail.example.net
Diagnostic-Code: smtp; 550 5.1.1 <bob@example.net>: User unknown
Last-Attempt-Date: Tue, 24 Nov 2026 07:59:59 +0000

--B
Content-Type: text/rfc822-headers
Content-Transfer-Encoding: 7bit

${MESSAGE.slice(0, MESSAGE.indexOf('\r\n\r\n') + 2).replaceAll('\r\n', '\n')}
--B--
`.replaceAll('\n', '\r\n')
  const human = /base64\r\n\r\n([A-Za-z0-9+/=\r\n]+)\r\n\r\n/.exec(text)?.[1] ?? ''
  assert.equal(text.replaceAll(boundary, 'B').replace(id, 'ID').replace(human, 'HUMAN'), expected)
  assert.equal(
    Buffer.from(human, 'base64').toString('utf8').replaceAll('\r\n', '\n'),
    `This is the mail server mx.example.org.

Your message could not be delivered to this recipient:

  bob@example.net
    There is no mailbox of that name. Check the part of the address before
    the @, and ask the recipient another way if it looks right.
    What mail.example.net said: 550 5.1.1 <bob@example.net>: User unknown

Your message:
  Subject: Minutes of our München meeting
  Date:    Mon, 23 Nov 2026 09:00:00 +0100
  Size:    ${utf8Bytes(MESSAGE).length} bytes

This notification was written by a program. If you need help, forward it
to help@example.org. The header of your message is attached.
`,
  )
})

test('a queue takes it as it is', async () => {
  const { message } = await only([BOB])
  const queue = memoryQueue({ clock: fakeClock() })
  await queue.enqueue(message)
  await queue.close()
})

test('who is told of what (RFC 3461 §4.1, §5.2; RFC 5321 §6.1)', () => {
  const envelope = { from: 'ann@example.org', origin: 'submission' } as const
  const due = (wishes: NotifiableRecipient['recipient']['notify']): string =>
    (['failed', 'delayed', 'delivered', 'relayed', 'expanded'] as const)
      .filter(action => isDue(envelope, wishes === undefined ? {} : { notify: wishes }, action))
      .join(' ')
  assert.equal(due(undefined), 'failed delayed')
  assert.equal(due(['NEVER']), '')
  assert.equal(due(['FAILURE']), 'failed')
  assert.equal(due(['SUCCESS']), 'delivered relayed expanded')
  assert.equal(due(['SUCCESS', 'FAILURE', 'DELAY']), 'failed delayed delivered relayed expanded')
  assert.equal(isDue(envelope, { notify: ['SUCCESS'] }, 'relayed', true), false, 'the next hop tells')
  assert.equal(isDue({ ...envelope, from: '' }, {}, 'failed'), false)
  assert.equal(isDue({ ...envelope, origin: 'notification' }, { notify: ['FAILURE'] }, 'failed'), false)
})

test('no notification about notifications, to nobody, or to strangers (RFC 5321 §6.1; S21, S22)', async () => {
  assert.deepEqual(await notify(subject({ from: '' }), [BOB]), [])
  assert.deepEqual(await notify(subject({ origin: 'notification' }), [BOB]), [])
  const careful = notifier({
    hostname: 'mx.example.org',
    clock: { now: () => NOW },
    random: seededRandom(3),
    mayTell: ({ origin }) => origin !== 'forward',
  })
  assert.deepEqual(await careful(subject({ origin: 'forward' }), [BOB]), [])
  const { text, message } = await only([BOB])
  assert.match(text, /^Auto-Submitted: auto-replied\r$/m)
  assert.equal(message.from, '')
})

test('failures, delays and successes come apart, each with what is to be said', async () => {
  const carol = { address: 'carol@example.com', notify: ['SUCCESS'] } as const
  const messages = await notify(subject(), [
    BOB,
    {
      recipient: { address: 'dan@example.com' },
      action: 'delayed',
      status: { at: NOW, reply: 451, code: '4.2.2', text: 'Mailbox full' },
      retriedUntil: NOW + 86_400_000,
    },
    { recipient: carol, action: 'delivered', status: { at: NOW, code: '2.0.0', text: 'Delivered' } },
    {
      recipient: { ...carol, address: 'eve@example.com' },
      action: 'relayed',
      status: { at: NOW, reply: 250, code: '2.0.0', text: 'ok', remote: 'old.example.com' },
    },
  ])
  const texts = await Promise.all(messages.map(textOf))
  assert.deepEqual(
    texts.map(text => /^Subject: (.*)\r$/m.exec(text)?.[1]),
    ['Not delivered: bob@example.net', 'Not delivered yet: dan@example.com', 'Delivered: 2 recipients'],
  )
  assert.match(
    texts[1] ?? '',
    /Action: delayed\r\nStatus: 4\.2\.2\r\nDiagnostic-Code: smtp; 451 4\.2\.2 Mailbox full\r\nLast-Attempt-Date: .*\r\nWill-Retry-Until: Wed, 25 Nov 2026 08:00:00 \+0000\r\n/,
  )
  assert.match(texts[2] ?? '', /Action: delivered\r\nStatus: 2\.0\.0\r\nLast-Attempt-Date/)
  assert.match(texts[2] ?? '', /Action: relayed\r\nStatus: 2\.0\.0\r\nRemote-MTA: dns; old\.example\.com\r\nLast-Attempt-Date/)
})

test('a notification tells until when it was held and by when it was wanted (RFC 2852 §5; RFC 4865 §5.1.2)', async () => {
  const deliverBy = { at: NOW + 3_600_000, mode: 'notify' } as const
  const relayed = {
    recipient: { address: 'eve@example.com' },
    action: 'relayed',
    status: { at: NOW, reply: 250, code: '2.0.0', text: 'ok', remote: 'old.example.com' },
  } as const
  const [message, ...others] = await notify(subject({ deliverBy, notBefore: NOW - 60_000 }), [
    relayed,
    { ...relayed, recipient: { address: 'eva@example.com', notify: ['NEVER'] } },
  ])
  assert.ok(message !== undefined && others.length === 0)
  const text = await textOf(message)
  assert.match(
    text,
    /^Arrival-Date: .*\r\nDeliver-By-Date: Tue, 24 Nov 2026 09:00:00 \+0000\r\nFuture-Release-Request: until;2026-11-24T07:59:00\.000Z\r$/m,
  )
  assert.match(text, /^Final-Recipient: rfc822; ?eve@example\.com\r\nAction: relayed\r$/m)
  assert.doesNotMatch(text, /eva@/)
})

test('RET=FULL gives a small message back, a large one’s header, and never one that requires TLS (RFC 3461 §4.3; RFC 8689 §5)', async () => {
  const whole = async (
    envelope: Partial<QueuedEnvelope>,
    message?: string,
    action: NotifiableRecipient['action'] = 'failed',
  ): Promise<boolean> => {
    const recipient = action === 'failed' ? BOB : { ...BOB, action, status: { ...BOB.status, code: '4.4.1' as const } }
    const { text } = await only([recipient], subject(envelope, message))
    return text.includes('Content-Type: message/rfc822\r\n')
  }
  assert.equal(await whole({ returnedContent: 'FULL' }), true)
  assert.equal(await whole({ returnedContent: 'HDRS' }), false)
  assert.equal(await whole({}), false)
  assert.equal(await whole({ returnedContent: 'FULL' }, MESSAGE + 'line\r\n'.repeat(50_000)), false)
  assert.equal(await whole({ returnedContent: 'FULL' }, `${MESSAGE}${'x'.repeat(2000)}\r\n`), false, 'a line too long for a part of SMTP')
  assert.equal(await whole({ returnedContent: 'FULL' }, MESSAGE, 'delayed'), false)
  assert.equal(await whole({ returnedContent: 'FULL', requireTls: true }), false)
  assert.equal((await only([BOB], subject({ requireTls: true }))).message.requireTls, true)
  const eight = await only([BOB], subject({ returnedContent: 'FULL' }, MESSAGE.replace('Monday', 'Übermorgen')))
  assert.equal(eight.message.eightBit, true)
})

test('nothing that a stranger wrote becomes a field or a part (S13)', async () => {
  const evil = 'x\r\nInjected: 1\r\n\r\n--B\r\nContent-Type: text/html\r\n\r\n<b>\u2028Injected: 2\u0000\u001b[31m\u202egnp\rInjected: 3'
  const { text } = await only(
    [
      {
        recipient: { address: `bob\r\nInjected: 4@example.net`, originalRecipient: `rfc822;${evil}` },
        action: 'failed',
        status: { at: NOW, reply: 550, code: '5.1.1', text: evil, remote: evil },
      },
    ],
    subject(
      { from: 'ann@example.org', envelopeId: evil },
      `Subject: ${evil.replaceAll('\r\n', '\r\n ')}\r\nMessage-ID: <a>\r\n evil: 1\r\n\r\n`,
    ),
  )
  const own = text.slice(0, text.indexOf('Content-Type: message/global-headers'))
  assert.doesNotMatch(own, /^Injected/im)
  assert.doesNotMatch(own.replaceAll('\r\n', ''), /[\r\n\0\u001b\u2028\u202e]/)
  assert.doesNotMatch(own, /^evil:/m)
})

test('internationalised: in letters where the return path takes them, in seven bits where not (RFC 6533 §3, §4)', async () => {
  const recipient = { address: 'jürgen@xn--bcher-kva.example', originalRecipient: 'utf-8;j\\x{FC}rgen@bücher.example' }
  const said = { ...BOB, recipient, status: { ...BOB.status, text: '5.1.1 Empfänger unbekannt' } }
  const message = MESSAGE.replace('To: bob', 'To: jürgen')
  const ascii = await only([said], subject({ smtpUtf8: true }, message))
  assert.equal(ascii.message.smtpUtf8, undefined)
  assert.ok(!/[^\u0000-\u007f]/.test(ascii.text))
  assert.match(ascii.text, /Content-Type: message\/delivery-status\r\n/)
  assert.match(
    ascii.text,
    /Original-Recipient: utf-8; j\\x\{FC\}rgen@b\\x\{FC\}cher\.example\r\nFinal-Recipient: utf-8; j\\x\{FC\}rgen@xn--bcher-kva\.example\r\n/,
  )
  assert.match(ascii.text, /Content-Type: message\/global-headers\r\nContent-Transfer-Encoding: base64\r\n/)
  const utf8 = await only([said], subject({ from: 'änn@example.org', smtpUtf8: true, returnedContent: 'FULL' }, message))
  assert.equal(utf8.message.smtpUtf8, true)
  assert.match(utf8.text, /report-type=global-delivery-status/)
  assert.match(utf8.text, /Original-Recipient: utf-8; jürgen@bücher\.example\r\nFinal-Recipient: utf-8; jürgen@xn--bcher-kva\.example\r\n/)
  assert.match(utf8.text, /Diagnostic-Code: smtp; 550 5\.1\.1 Empfänger unbekannt\r\n/)
  assert.match(utf8.text, /Content-Type: message\/global\r\nContent-Transfer-Encoding: 8bit\r\n/)
})

test('a notification is read back as it was written', async () => {
  const { message } = await only([BOB], subject({ envelopeId: 'QQ314159' }))
  assert.deepEqual(await readReport(message.content), {
    kind: 'bounce',
    form: 'standard',
    envelopeId: 'QQ314159',
    reportingServer: 'mx.example.org',
    originalMessageId: '<one@example.org>',
    recipients: [
      {
        address: 'bob@example.net',
        originalRecipient: 'Bob@Example.NET',
        action: 'failed',
        status: '5.1.1',
        reply: 550,
        text: '550 5.1.1 <bob@example.net>: User unknown',
        remote: 'mail.example.net',
        reason: 'unknown-user',
        permanent: true,
      },
    ],
  })
})

test('one with a thousand recipients stays readable and bounded', async () => {
  const many = Array.from({ length: 1000 }, (_, index) => ({ ...BOB, recipient: { address: `user${index}@example.net` } }))
  const { message, text } = await only(many)
  assert.match(text, /^Subject: Not delivered: 1000 recipients\r$/m)
  const report = await readReport(message.content)
  assert.equal(report?.kind === 'bounce' ? report.recipients.length : 0, 1000)
})

test('names that cannot be one are refused at once', () => {
  const refused = (hostname: string, postmaster?: string): void =>
    assert.throws(
      () => notifier({ hostname, clock: { now: () => NOW }, random: seededRandom(), ...(postmaster === undefined ? {} : { postmaster }) }),
      ConfigurationError,
    )
  refused('not a host')
  refused('mx.example.org', 'a\r\nb@example.org')
})

const PYTHON = `
import sys, email, email.policy
message = email.message_from_bytes(sys.stdin.buffer.read(), policy=email.policy.SMTP)
print(message.get_content_type(), message.get_param('report-type'), message.defects)
for part in message.iter_parts():
    print(part.get_content_type(), part.defects)
groups = list(message.get_payload()[1].get_payload())
print([str(group['Reporting-MTA'] or group['Final-Recipient']) for group in groups])
`

test('another reader sees the same parts', { skip: requireProgram('python3') }, async () => {
  const { message } = await only([BOB, { ...BOB, recipient: { address: 'dan@example.net' } }])
  const { stdout, stderr } = spawnSync('python3', ['-c', PYTHON], {
    input: await message.content.read(0, message.content.size),
    encoding: 'utf8',
  })
  assert.deepEqual(
    stdout.trim().split('\n'),
    [
      'multipart/report delivery-status []',
      'text/plain []',
      'message/delivery-status []',
      'text/rfc822-headers []',
      "['dns; mx.example.org', 'rfc822; bob@example.net', 'rfc822; dan@example.net']",
    ],
    stderr,
  )
})
