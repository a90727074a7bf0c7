import assert from 'node:assert/strict'
import { test } from 'node:test'
import { against, brief, mail, sent } from './client-world.ts'

test('a server of the first hour: HELO, one command at a time (RFC 5321 §3.2)', () =>
  against(
    `
    S: 220 mx.example
    C: EHLO us.example
    S: 500 what?
    C: HELO us.example
    S: 250 mx.example
    C: MAIL FROM:<ann@us.example>
    S: 250 fine
    C: RCPT TO:<bob@mx.example>
    S: 250 fine
    C: RCPT TO:<eve@mx.example>
    S: 550 5.1.1 no eve here
    C: DATA
    S: 354 go on
    C: Subject: hello
    C:${' '}
    C: Good morning.
    C: .
    S: 250 taken
    C: QUIT
    C: (leaves)
  `,
    {},
    async world => {
      const { outcomes, notifies } = await sent(world, mail(['bob@mx.example', 'eve@mx.example']))
      assert.deepEqual(brief(outcomes), ['delivered 2.0.0', 'failed 5.1.1'])
      assert.equal(outcomes[1]?.status.text, 'no eve here')
      assert.equal(outcomes[1]?.status.reply, 550)
      assert.equal(outcomes[1]?.status.remote, 'mx.example')
      assert.equal(notifies, false)
    },
  ))

test('PIPELINING: MAIL, every RCPT and DATA in one write (RFC 2920 §3.1)', () =>
  against(
    `
    S: 220 mx.example
    C: EHLO us.example
    S: 250-mx.example
    S: 250-PIPELINING
    S: 250-SIZE 1000000
    S: 250 8BITMIME
    C: MAIL FROM:<ann@us.example> SIZE=33
    C: RCPT TO:<bob@mx.example>
    C: RCPT TO:<"eve and adam"@mx.example>
    C: DATA
    S: 250 fine
    S: 250 fine
    S: 450 4.2.1 later
    S: 354 go on
    C: ...
    C: Good morning.
    C: .
    S: 250 2.6.0 taken
    C: QUIT
    C: (leaves)
  `,
    {},
    async world => {
      const { outcomes } = await sent(world, mail(['bob@mx.example', 'eve and adam@mx.example']))
      assert.deepEqual(brief(outcomes), ['delivered 2.6.0', 'deferred 4.2.1'])
    },
  ))

test('nobody is accepted, DATA is granted all the same: a single dot (RFC 2920 §3.1), and the session goes on', () =>
  against(
    `
    S: 220 mx.example
    C: EHLO us.example
    S: 250-mx.example
    S: 250 PIPELINING
    C: MAIL FROM:<ann@us.example>
    C: RCPT TO:<eve@mx.example>
    C: DATA
    S: 250 fine
    S: 550 no
    S: 354 go on
    C: .
    S: 554 5.5.1 no valid recipients
    C: MAIL FROM:<ann@us.example>
    C: RCPT TO:<bob@mx.example>
    C: DATA
    S: 250 fine
    S: 250 fine
    S: 354 go on
    C: ...
    C: .
    S: 250 taken
    C: QUIT
    C: (leaves)
  `,
    {},
    async world => {
      const opened = await world.open()
      assert.ok(opened.kind === 'open')
      const first = await opened.session.send(mail(['eve@mx.example']))
      assert.deepEqual(brief(first.outcomes), ['failed 5.1.0'])
      assert.equal(first.reusable, true)
      assert.deepEqual(brief((await opened.session.send(mail(['bob@mx.example']))).outcomes), ['delivered 2.0.0'])
      opened.session.quit()
    },
  ))

test('a transaction that was left open is reset before the next (RFC 5321 §4.1.1.5)', () =>
  against(
    `
    S: 220 mx.example
    C: EHLO us.example
    S: 250-mx.example
    S: 250 PIPELINING
    C: MAIL FROM:<ann@us.example>
    C: RCPT TO:<eve@mx.example>
    C: DATA
    S: 250 fine
    S: 550 no
    S: 503 5.5.1 no valid recipients
    C: RSET
    C: MAIL FROM:<>
    C: RCPT TO:<bob@mx.example>
    C: DATA
    S: 250 fine
    S: 250 fine
    S: 250 fine
    S: 354 go on
    C: ...
    C: .
    S: 250 taken
    C: QUIT
    C: (leaves)
  `,
    {},
    async world => {
      const opened = await world.open()
      assert.ok(opened.kind === 'open')
      assert.deepEqual(brief((await opened.session.send(mail(['eve@mx.example']))).outcomes), ['failed 5.1.0'])
      assert.deepEqual(brief((await opened.session.send(mail(['bob@mx.example'], { from: '' }))).outcomes), ['delivered 2.0.0'])
      opened.session.quit()
    },
  ))

test('MAIL refused: what was pipelined is heard to the end, everyone shares the refusal (RFC 2920 §3.1)', () =>
  against(
    `
    S: 220 mx.example
    C: EHLO us.example
    S: 250-mx.example
    S: 250 PIPELINING
    C: MAIL FROM:<ann@us.example>
    C: RCPT TO:<bob@mx.example>
    C: RCPT TO:<eve@mx.example>
    C: DATA
    S: 451 4.7.1 greylisted
    S: 503 5.5.1 MAIL first
    S: 503 5.5.1 MAIL first
    S: 503 5.5.1 MAIL first
    C: QUIT
    C: (leaves)
  `,
    {},
    async world => {
      const { outcomes, reusable } = await sent(world, mail(['bob@mx.example', 'eve@mx.example']))
      assert.deepEqual(brief(outcomes), ['deferred 4.7.1', 'deferred 4.7.1'])
      assert.equal(reusable, true)
    },
  ))

test('too many recipients (452): the rest goes in another transaction (RFC 5321 §4.5.3.1.10)', () =>
  against(
    `
    S: 220 mx.example
    C: EHLO us.example
    S: 250-mx.example
    S: 250 PIPELINING
    C: MAIL FROM:<ann@us.example>
    C: RCPT TO:<a@mx.example>
    C: RCPT TO:<b@mx.example>
    C: RCPT TO:<c@mx.example>
    C: DATA
    S: 250 fine
    S: 250 fine
    S: 552 5.5.3 too many
    S: 452 4.2.2 mailbox full
    S: 354 go on
    C: ...
    C: .
    S: 250 taken
    C: MAIL FROM:<ann@us.example>
    C: RCPT TO:<b@mx.example>
    C: DATA
    S: 250 fine
    S: 250 fine
    S: 354 go on
    C: ...
    C: .
    S: 250 taken
    C: QUIT
    C: (leaves)
  `,
    {},
    async world => {
      const { outcomes } = await sent(world, mail(['a@mx.example', 'b@mx.example', 'c@mx.example']))
      assert.deepEqual(brief(outcomes), ['delivered 2.0.0', 'delivered 2.0.0', 'deferred 4.2.2'])
    },
  ))

test('CHUNKING and PIPELINING: the whole transaction in one write (RFC 3030 §4.2)', () =>
  against(
    `
    S: 220 mx.example
    C: EHLO us.example
    S: 250-mx.example
    S: 250-PIPELINING
    S: 250-CHUNKING
    S: 250 8BITMIME
    C: MAIL FROM:<ann@us.example>
    C: RCPT TO:<bob@mx.example>
    C: RCPT TO:<eve@mx.example>
    C: BDAT 27 LAST
    C: Subject: hello
    C:${' '}
    C: .dot
    C: x
    S: 250 fine
    S: 250 fine
    S: 550 5.1.1 no
    S: 250 taken
    C: QUIT
    C: (leaves)
  `,
    {},
    async world => {
      const { outcomes } = await sent(world, mail(['bob@mx.example', 'eve@mx.example'], { body: 'Subject: hello\n\n.dot\rx' }))
      assert.deepEqual(brief(outcomes), ['delivered 2.0.0', 'failed 5.1.1'])
    },
  ))

test('CHUNKING without PIPELINING: BDAT when somebody is accepted (RFC 3030 §2)', () =>
  against(
    `
    S: 220 mx.example
    C: EHLO us.example
    S: 250-mx.example
    S: 250 CHUNKING
    C: MAIL FROM:<ann@us.example>
    S: 250 fine
    C: RCPT TO:<bob@mx.example>
    S: 250 fine
    C: BDAT 33 LAST
    C: Subject: hello
    C:${' '}
    C: Good morning.
    S: 554 5.6.0 not such mail
    C: QUIT
    C: (leaves)
  `,
    {},
    async world => {
      const { outcomes } = await sent(world, mail(['bob@mx.example']))
      assert.deepEqual(brief(outcomes), ['failed 5.6.0'])
    },
  ))

test('LMTP: LHLO, and a reply for each recipient that was accepted (RFC 2033 §4.2)', () =>
  against(
    `
    S: 220 mx.example LMTP
    C: LHLO us.example
    S: 250-mx.example
    S: 250-PIPELINING
    S: 250 ENHANCEDSTATUSCODES
    C: MAIL FROM:<ann@us.example>
    C: RCPT TO:<a@mx.example>
    C: RCPT TO:<b@mx.example>
    C: RCPT TO:<c@mx.example>
    C: DATA
    S: 250 2.1.0 fine
    S: 250 2.1.5 fine
    S: 550 5.1.1 no
    S: 250 2.1.5 fine
    S: 354 go on
    C: ...
    C: .
    S: 250 2.1.5 a has it
    S: 452 4.2.2 c is full
    C: QUIT
    C: (leaves)
  `,
    { lmtp: true },
    async world => {
      const { outcomes } = await sent(world, mail(['a@mx.example', 'b@mx.example', 'c@mx.example']))
      assert.deepEqual(brief(outcomes), ['delivered 2.1.5', 'failed 5.1.1', 'deferred 4.2.2'])
      assert.equal(outcomes[0]?.status.text, 'a has it')
    },
  ))

test('DSN parameters go along where they are understood (RFC 3461 §4)', () =>
  against(
    `
    S: 220 mx.example
    C: EHLO us.example
    S: 250-mx.example
    S: 250 DSN
    C: MAIL FROM:<ann@us.example> RET=HDRS ENVID=QQ+2B314
    S: 250 fine
    C: RCPT TO:<bob@mx.example> NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;b+2Bb@first.example
    S: 250 fine
    C: DATA
    S: 354 go on
    C: ...
    C: .
    S: 250 taken
    C: QUIT
    C: (leaves)
  `,
    {},
    async world => {
      const message = mail([], { envelopeId: 'QQ+314', returnedContent: 'HDRS' })
      const { outcomes, notifies } = await sent(world, {
        ...message,
        recipients: [{ address: 'bob@mx.example', notify: ['SUCCESS', 'FAILURE'], originalRecipient: 'rfc822;b+b@first.example' }],
      })
      assert.deepEqual(brief(outcomes), ['delivered 2.0.0'])
      assert.equal(notifies, true)
    },
  ))

test('a smarthost is logged in to with PLAIN, or with LOGIN, over TLS (RFC 4954 §4)', async () => {
  const opening = `
    S: 220 mx.example
    C: EHLO us.example
    S: 250-mx.example
    S: 250 STARTTLS
    C: STARTTLS
    S: 220 go
    C: (tls)
    C: EHLO us.example
    S: 250-mx.example`
  const options = {
    tls: { level: 'encrypted', source: 'settings', serverName: 'mx.example' },
    hop: { credentials: { username: 'ann', password: 'pass' } },
  } as const
  await against(
    `${opening}\nS: 250 AUTH LOGIN PLAIN\nC: AUTH PLAIN AGFubgBwYXNz\nS: 235 in\nC: QUIT\nC: (leaves)`,
    options,
    async world => {
      const opened = await world.open()
      assert.ok(opened.kind === 'open')
      opened.session.quit()
    },
  )
  await against(
    `${opening}\nS: 250 AUTH LOGIN\nC: AUTH LOGIN\nS: 334 VXNlcm5hbWU6\nC: YW5u\nS: 334 UGFzc3dvcmQ6\nC: cGFzcw==\nS: 535 5.7.8 no\nC: QUIT\nC: (leaves)`,
    options,
    async world => {
      const opened = await world.open()
      assert.equal(opened.kind === 'refused' && opened.status.code, '4.7.8')
    },
  )
})

test('a password is not sent in the clear (RFC 4954 §4)', () =>
  against(
    `
    S: 220 mx.example
    C: EHLO us.example
    S: 250-mx.example
    S: 250 AUTH PLAIN
    C: QUIT
    C: (leaves)
  `,
    { hop: { credentials: { username: 'ann', password: 'pass' } } },
    async world => {
      const opened = await world.open()
      assert.equal(opened.kind === 'refused' && opened.status.code, '4.7.8')
    },
  ))

test('530 is about the session, not about the message (RFC 3207 §4)', () =>
  against(
    `
    S: 220 mx.example
    C: EHLO us.example
    S: 250 mx.example
    C: MAIL FROM:<ann@us.example>
    S: 530 5.7.0 Must issue a STARTTLS command first
    C: QUIT
    C: (leaves)
  `,
    {},
    async world => {
      assert.deepEqual(brief((await sent(world, mail(['bob@mx.example']))).outcomes), ['deferred 4.7.0'])
    },
  ))
