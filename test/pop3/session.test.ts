import assert from 'node:assert/strict'
import { test } from 'node:test'
import { transcript } from 'mailwright/testing'
import { LOGIN, append, inboxOf, mailOf, makeWorld, world } from './world.ts'

const TWO = [mailOf(120), mailOf(200)]

test('only QUIT deletes: a client that vanishes loses nothing (RFC 1939 §6, P15)', () =>
  transcript(
    world({ messages: TWO }),
    `${LOGIN}
    C: DELE 1
    S: +OK *
    C: (gone)
    C: (connect)
    ${LOGIN}
    C: DELE 2
    S: +OK *
    C: (end)
    S: (closed)
    C: (connect)
    ${LOGIN}
    C: STAT
    S: +OK 2 320
  `,
  ))

test('unique ids are the same in every session and never come again (RFC 1939 §7)', async () => {
  const make = world({ messages: TWO, steps: ({ inbox }) => ({ deliver: () => append(inbox, mailOf(50)) }) })
  await transcript(
    make,
    `${LOGIN}
    C: UIDL
    S: +OK *
    S: 1 *.1
    S: 2 *.2
    S: .
    C: UIDL 2
    S: +OK 2 *.2
    C: UIDL 3
    S: -ERR No such message
    C: DELE 2
    S: +OK *
    C: QUIT
    S: +OK *
    S: (closed)
    H: deliver
    C: (connect)
    ${LOGIN}
    C: UIDL
    S: +OK *
    S: 1 *.1
    S: 2 *.3
    S: .
  `,
  )
})

test('TOP gives the header, the empty line and so many lines of the body (RFC 1939 §7)', () =>
  transcript(
    world({
      messages: ['Subject: x\r\nTo: ann\r\n\r\none\r\n..two\r\nthree\r\n', 'Subject: only a header\r\n', 'Subject: x\r\n\r\nno line end'],
    }),
    `${LOGIN}
    C: TOP 1 0
    S: +OK *
    S: Subject: x
    S: To: ann
    S:
    S: .
    C: TOP 1 2
    S: +OK *
    S: Subject: x
    S: To: ann
    S:
    S: one
    S: ...two
    S: .
    C: TOP 1 999999999
    S: +OK *
    S: ...
    S: three
    S: .
    C: TOP 2 5
    S: +OK *
    S: Subject: only a header
    S: .
    C: TOP 3 5
    S: +OK *
    S: Subject: x
    S:
    S: no line end
    S: .
    C: TOP 1
    S: -ERR Expected a number of lines
    C: TOP 1 -1
    S: -ERR Expected a number of lines
    C: TOP 0 1
    S: -ERR Expected a message number from 1
  `,
  ))

test('lines that begin with a dot get another one, whatever the message is (RFC 1939 §3)', () =>
  transcript(
    world({ messages: ['.\r\n..\r\n.x\r\n\r\n.\r\nend\r\n.', ''] }),
    `${LOGIN}
    C: RETR 1
    S: +OK 22 octets
    S: ..
    S: ...
    S: ..x
    S:
    S: ..
    S: end
    S: ..
    S: .
    C: RETR 2
    S: +OK 0 octets
    S: .
  `,
  ))

test('the maildrop is a snapshot: deliveries wait for the next session, what is removed elsewhere is gone (RFC 1939 §4, I35)', () =>
  transcript(
    world({
      messages: TWO,
      steps: ({ inbox }) => ({
        deliver: () => append(inbox, mailOf(50)),
        'remove 1': async () => inbox.expunge([{ first: 1 as never, last: 1 as never }]),
      }),
    }),
    `${LOGIN}
    H: deliver
    C: STAT
    S: +OK 2 320
    C: LIST 3
    S: -ERR No such message
    H: remove 1
    C: STAT
    S: +OK 2 320
    C: RETR 1
    S: -ERR That message was removed elsewhere
    C: TOP 1 0
    S: -ERR That message was removed elsewhere
    C: DELE 1
    S: +OK *
    C: QUIT
    S: +OK *
    S: (closed)
    C: (connect)
    ${LOGIN}
    C: LIST
    S: +OK 2 messages (250 octets)
    S: 1 200
    S: 2 50
    S: .
  `,
  ))

test('two sessions of one maildrop: each deletes what it marked, no more (I35)', () =>
  transcript(
    world({ messages: [...TWO, mailOf(300)] }),
    `
    A< +OK *
    A: USER ann@example.org
    A: PASS correct horse
    A< +OK *
    A< +OK The maildrop has 3 messages (620 octets)
    B< +OK *
    B: USER ann@example.org
    B: PASS correct horse
    B< +OK *
    B< +OK The maildrop has 3 messages (620 octets)
    A: DELE 1
    A: QUIT
    A< +OK *
    A< +OK *
    A< (closed)
    B: LIST 1
    B< +OK 1 120
    B: DELE 1
    B: DELE 3
    B: QUIT
    B< +OK *
    B< +OK *
    B< +OK * (1 message left)
    B< (closed)
    A: (connect)
    A< +OK *
    A: USER ann@example.org
    A: PASS correct horse
    A< +OK *
    A< +OK The maildrop has 1 message (200 octets)
  `,
  ))

test('header text beyond ASCII is replaced until the client asks for UTF8, sizes agree (RFC 6856 §2.1)', () =>
  transcript(
    world({ messages: ['Subject: grün\r\n\r\ngrün\r\n'] }),
    `${LOGIN}
    C: LIST 1
    S: +OK 1 25
    C: RETR 1
    S: +OK 25 octets
    S: Subject: gr??n
    S:
    S: grün
    S: .
    C: QUIT
    S: +OK *
    S: (closed)
    C: (connect)
    S: +OK *
    C: UTF8
    S: +OK UTF-8 it is
    C: USER ann@example.org
    C: PASS correct horse
    S: +OK *
    S: +OK *
    C: RETR 1
    S: +OK 25 octets
    S: Subject: grün
    S:
    S: grün
    S: .
    C: TOP 1 0
    S: +OK *
    S: Subject: grün
    S:
    S: .
  `,
  ))

test('only a whole command begins the ten minutes anew, octets do not (RFC 1939 §3)', () =>
  transcript(
    world({ messages: TWO }),
    `${LOGIN}
    T: 9 minutes
    C: NOOP
    S: +OK *
    T: 9 minutes
    C~ NO
    T: 50 seconds
    C~ O
    T: 15 seconds
    S: (closed)
  `,
  ))

test('shutdown tells idle sessions at once, and deletes nothing', () =>
  transcript(
    world({ messages: TWO, steps: ({ engine }) => ({ stop: () => engine.shutdown() }) }),
    `${LOGIN}
    C: DELE 1
    S: +OK *
    H: stop
    S: -ERR [SYS/TEMP] The server is going down
    S: (closed)
    C: (connect)
    S: +OK *
    S: -ERR [SYS/TEMP] The server is going down
    S: (closed)
  `,
  ))

test('nothing is left of a session: the expunge of QUIT is one change (RFC 1939 §6)', async () => {
  let expunges = 0
  await transcript(
    async () => {
      const made = await makeWorld({ messages: [mailOf(60), mailOf(60), mailOf(60), mailOf(60)] })
      const { account } = await inboxOf(made.test)
      account.watch(change => {
        if (change.kind === 'expunged') expunges++
      })
      return made
    },
    `${LOGIN}
    C: DELE 1
    C: DELE 2
    C: DELE 4
    C: QUIT
    S: +OK *
    S: +OK *
    S: +OK *
    S: +OK * (1 message left)
    S: (closed)
  `,
  )
  assert.equal(expunges, 3)
})

test('CAPA tells what can be used here and now (RFC 2449 §5, RFC 2595 §4, RFC 3206 §6)', () =>
  transcript(
    world({ clear: true }),
    `
    S: +OK *
    C: CAPA
    S: +OK *
    S: TOP
    S: UIDL
    S: RESP-CODES
    S: AUTH-RESP-CODE
    S: PIPELINING
    S: EXPIRE NEVER
    S: UTF8 USER
    S: STLS
    S: IMPLEMENTATION mailwright
    S: .
    C: STLS
    S: +OK *
    C: (tls)
    C: CAPA
    S: +OK *
    S: TOP
    S: UIDL
    S: RESP-CODES
    S: AUTH-RESP-CODE
    S: PIPELINING
    S: EXPIRE NEVER
    S: UTF8 USER
    S: USER
    S: SASL PLAIN LOGIN
    S: IMPLEMENTATION mailwright
    S: .
  `,
  ))
