import assert from 'node:assert/strict'
import { test } from 'node:test'
import { mailOf, person } from '../pipeline/house.ts'
import { bridge } from './bridge.ts'

test('a message from greeting to goodbye (RFC 5321 appendix D.1)', async () => {
  await using server = await bridge()
  using client = await server.client()
  await client.transcript(`
    S: 220 mx.example.org ESMTP ready
    C: EHLO bar.example
    S: 250-mx.example.org*250 SIZE 67108864
    C: MAIL FROM:<smith@bar.example>
    S: 250 2.1.0 *
    C: RCPT TO:<ann@example.org>
    S: 250 2.1.5 *
    C: RCPT TO:<green@example.org>
    S: 550 5.1.1 *
    C: RCPT TO:<ben@example.org>
    S: 250 2.1.5 *
    C: DATA
    S: 354 *
    C: Subject: Hello
    C:
    C: ..a dot
    C: Blah
    C: .
    S: 250 2.6.0 Message accepted, id *
    C: QUIT
    S: 221 2.0.0 *
    S: closed
  `)
  const [mail = ''] = await mailOf(server.house.store, 'ann')
  assert.match(
    mail,
    /^Return-Path: <smith@bar\.example>\nDelivered-To: ann@example\.org\nReceived: from bar\.example \(\[127\.0\.0\.1\]\)\n/,
  )
  assert.ok(mail.endsWith('\nSubject: Hello\n\n.a dot\nBlah\n'))
  await server.idle()
  assert.equal(server.house.spool.held, 0)
})

test('commands out of order (RFC 5321 §4.1.4)', async () => {
  await using server = await bridge()
  using client = await server.client()
  await client.transcript(`
    S: 220 *
    C: MAIL FROM:<a@b.example>
    S: 503 5.5.1 *
    C: HELO client.example
    S: 250 mx.example.org
    C: RCPT TO:<ann@example.org>
    S: 503 5.5.1 *
    C: DATA
    S: 503 5.5.1 *
    C: MAIL FROM:<a@b.example>
    S: 250 2.1.0 *
    C: MAIL FROM:<a@b.example>
    S: 503 5.5.1 *
    C: DATA
    S: 503 5.5.1 No valid recipients
    C: RSET
    S: 250 2.0.0 *
    C: RCPT TO:<ann@example.org>
    S: 503 5.5.1 *
    C: VRFY ann
    S: 252 2.1.5 *
    C: NOOP
    S: 250 2.0.0 OK
    C: FROB
    S: 500 5.5.1 *
  `)
})

test('paths and parameters (RFC 5321 §4.1.2, §4.1.1.11; RFC 6531 §3.4; RFC 1870 §6)', async () => {
  await using server = await bridge({ maxSize: 1000 })
  using client = await server.client()
  await client.transcript(`
    S: 220 *
    C: EHLO client.example
    S: 250-*
    C: MAIL FROM:<a@b.example> SIZE=1001
    S: 552 5.3.4 *
    C: MAIL FROM:<a@b.example> FROB=1
    S: 555 5.5.4 *
    C: MAIL FROM:<a@b.example> SIZE=1 SIZE=2
    S: 501 5.5.4 *
    C: MAIL FROM:a@b.example
    S: 501 5.1.7 *
    C: MAIL FROM:<b\u00fccher@b.example>
    S: 501 5.1.7 *
    C: MAIL FROM:<a@b.example> ENVID=ab+0
    S: 501 5.5.4 *
    C: MAIL FROM: <"a b@c"@b.example> SIZE=10 BODY=8BITMIME RET=HDRS ENVID=ab+2Bc AUTH=<>
    S: 250 2.1.0 *
    C: RCPT TO:<@relay.example:ann@EXAMPLE.org> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;ann@example.org
    S: 250 2.1.5 *
    C: RCPT TO:<ann@example.org> NOTIFY=NEVER,DELAY
    S: 501 5.5.4 *
    C: RCPT TO:<>
    S: 501 5.1.3 *
  `)
})

test('LMTP answers once for each recipient, also for one given twice (RFC 2033 §4.2)', async () => {
  await using server = await bridge({
    flavour: 'lmtp',
    house: { people: { accounts: [person('ann'), person('dan', { quota: { octets: 20 } })] } },
  })
  using client = await server.client()
  await client.transcript(`
    S: 220 mx.example.org LMTP ready
    C: EHLO front.example
    S: 500 5.5.1 *
    C: LHLO front.example
    S: 250-*
    C: MAIL FROM:<>
    S: 250 *
    C: RCPT TO:<ann@example.org>
    S: 250 *
    C: RCPT TO:<dan@example.org>
    S: 250 *
    C: RCPT TO:<ann@example.org>
    S: 250 *
    C: DATA
    S: 354 *
    C: Subject: x
    C:
    C: text
    C: .
    S: 250 2.6.0 *
    S: 552 5.2.2 *
    S: 250 2.6.0 *
    C: QUIT
    S: 221 *
  `)
  assert.equal((await mailOf(server.house.store, 'ann')).length, 1)
})

test('pipelined commands are answered in order and in one segment (RFC 2920 §3.2)', async () => {
  await using server = await bridge()
  using client = await server.client()
  await client.transcript(`
    S: 220 *
    C: EHLO client.example
    S: 250-*
  `)
  let segments = 0
  client.socket.on('data', () => segments++)
  client.write('MAIL FROM:<a@b.example>\r\nRCPT TO:<ann@example.org>\r\nRCPT TO:<nobody@example.org>\r\nDATA\r\n')
  assert.deepEqual(
    (await client.replies(4)).map(reply => reply.slice(0, 3)),
    ['250', '250', '550', '354'],
  )
  assert.equal(segments, 1)
  client.write('Subject: x\r\n\r\ny\r\n.\r\nMAIL FROM:<a@b.example>\r\nQUIT\r\n')
  assert.deepEqual(
    (await client.replies(3)).map(reply => reply.slice(0, 3)),
    ['250', '250', '221'],
  )
})

test('logging in, and sending as oneself (RFC 4954 §4; RFC 6409 §4.3, §6.1)', async () => {
  await using server = await bridge({ flavour: 'submission', allowPlaintextLogin: true })
  using client = await server.client()
  const token = Buffer.from('\0ann@example.org\0correct horse').toString('base64')
  await client.transcript(`
    S: 220 *
    C: EHLO client.example
    S: 250-*AUTH PLAIN LOGIN
    C: MAIL FROM:<ann@example.org>
    S: 530 5.7.0 *
    C: AUTH PLAIN
    S: 334*
    C: *
    S: 501 5.7.0 *
    C: AUTH FROB
    S: 504 5.5.4 *
    C: AUTH PLAIN ${Buffer.from('\0ann@example.org\0wrong').toString('base64')}
    S: 535 5.7.8 *
    C: AUTH LOGIN
    S: 334 VXNlcm5hbWU6
    C: ${Buffer.from('ann@example.org').toString('base64')}
    S: 334 UGFzc3dvcmQ6
    C: ${Buffer.from('correct horse').toString('base64')}
    S: 235 2.7.0 *
    C: AUTH PLAIN ${token}
    S: 503 5.5.1 *
    C: MAIL FROM:<ben@example.org>
    S: 553 5.7.1 *
    C: MAIL FROM:<ann@example.org>
    S: 250 *
    C: RCPT TO:<far@elsewhere.example>
    S: 550 5.4.4 *no outbound route is configured
    C: RCPT TO:<ben@example.org>
    S: 250 *
  `)
})

test('three failed logins end the connection (S23)', async () => {
  await using server = await bridge({ flavour: 'submission', allowPlaintextLogin: true })
  using client = await server.client()
  const wrong = Buffer.from('\0ann\0wrong').toString('base64')
  await client.transcript(`
    S: 220 *
    C: EHLO client.example
    S: 250-*
    C: AUTH PLAIN ${wrong}
    S: 535 *
    C: AUTH PLAIN ${wrong}
    S: 535 *
    C: AUTH PLAIN ${wrong}
    S: 421 4.7.0 *
    S: closed
  `)
})

test('no login in the clear (RFC 4954 §4)', async () => {
  await using server = await bridge({ flavour: 'submission', allowPlaintextLogin: true, remote: '192.0.2.9' })
  using client = await server.client()
  assert.match(await client.reply(), /^220 /)
  client.write('EHLO client.example\r\n')
  assert.doesNotMatch(await client.reply(), /AUTH/)
  await client.transcript(`
    C: AUTH PLAIN AGFubgBzZWNyZXQ=
    S: 538 5.7.11 *
  `)
})

test('a client that leaves in the middle of its message leaves nothing behind', async () => {
  await using server = await bridge()
  for (const leave of ['end', 'destroy'] as const) {
    using client = await server.client()
    await client.transcript(`
      S: 220 *
      C: EHLO client.example
      S: 250-*
      C: MAIL FROM:<a@b.example>
      S: 250 *
      C: RCPT TO:<ann@example.org>
      S: 250 *
      C: DATA
      S: 354 *
      C: Subject: half
    `)
    client.socket[leave]()
    await server.idle()
  }
  assert.equal((await mailOf(server.house.store, 'ann')).length, 0)
  assert.equal(server.house.spool.held, 0)
})

test('shutting down says goodbye to the idle (RFC 5321 §3.8)', async () => {
  await using server = await bridge()
  using client = await server.client()
  await client.transcript(`
    S: 220 *
    C: EHLO client.example
    S: 250-*
  `)
  server.engine.shutdown()
  assert.match(await client.reply(), /^421 4\.3\.2 /)
  await server.idle()
})
