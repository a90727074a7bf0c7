import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fakeConnection, transcript } from 'mailwright/testing'
import type { ConnectionFacts, Middleware } from 'mailwright/contracts'
import { mail, makeWorld, world, wrapRecords } from './world.ts'
import { rawClient } from '../pop3/raw.ts'

const LOGIN = `
  S: * OK *
  C: a1 LOGIN ann secret
  S: a1 OK *
`

test('literals that are too large are refused before they are sent, or end the connection (RFC 9051 §4.3; RFC 7888 §4)', () =>
  transcript(
    world(),
    `
  S: * OK *
  C: a1 LOGIN {4294967295}
  S: a1 NO [TOOBIG] *
  C: a2 LOGIN {-1}
  S: a2 BAD *
  C: a3 LOGIN ann {9000+}
  S: a3 BAD *
  S: * BYE *
  S: (closed)
`,
  ))

test('a line that is none never lets its rest run as a command (RFC 9051 §2.2.1)', () =>
  transcript(
    world(),
    `
  S: * OK *
  C~ a1 NOOP\\na2 LOGOUT\\r\\n
  S: a1 BAD *
  S: * BYE *
  S: (closed)
`,
  ))

test('nesting has an end, in SEARCH and elsewhere (RFC 9051 §6.4.4)', () =>
  transcript(
    world({ messages: [mail('one')] }),
    `${LOGIN}
  C: a2 NOOP ((((((((((
  S: a2 BAD *
  C: a3 SELECT INBOX
  S: ...
  S: a3 OK *
  C: a4 SEARCH ${'('.repeat(60)}ALL${')'.repeat(60)}
  S: a4 BAD *
  C: a5 SEARCH ${'NOT '.repeat(200)}ALL
  S: a5 BAD *
  C: a6 SEARCH ${'NOT '.repeat(40)}ALL
  S: * SEARCH 1
  S: a6 OK *
`,
  ))

test('FETCH answers an item once however often it is asked for (RFC 9051 §6.4.5)', () =>
  transcript(
    world({ messages: [mail('one', 'x')] }),
    `${LOGIN}
  C: a2 SELECT INBOX
  S: ...
  S: a2 OK *
  C: a3 FETCH 1 (${'BODY.PEEK[TEXT] '.repeat(100)}BODY.PEEK[TEXT])
  S: * 1 FETCH (BODY[TEXT] {3}
  S: x
  S: )
  S: a3 OK *
`,
  ))

test('STARTTLS: what was sent behind it in the clear never runs (RFC 9051 §6.2.1)', () =>
  transcript(
    world({ tls: 'none' }),
    `
  S: * OK [CAPABILITY *STARTTLS LOGINDISABLED*] *
  C: a1 LOGIN ann secret
  S: a1 NO [PRIVACYREQUIRED] *
  C: a2 AUTHENTICATE PLAIN AGFubgBzZWNyZXQ=
  S: a2 NO [PRIVACYREQUIRED] *
  C: a3 STARTTLS
  C: a4 NOOP
  S: a3 OK *
  C: (tls)
  C: a5 CAPABILITY
  S: * CAPABILITY *AUTH=PLAIN*
  S: a5 OK *
  C: a6 STARTTLS
  S: a6 BAD *
  C: a7 LOGIN ann secret
  S: a7 OK *
`,
  ))

test('silence ends a session: a minute before login, half an hour after it (RFC 9051 §5.4)', async () => {
  await transcript(
    world(),
    `
  S: * OK *
  T: 61 seconds
  S: * BYE *
  S: (closed)
`,
  )
  await transcript(
    world(),
    `${LOGIN}
  T: 29 minutes
  C: a2 NOOP
  S: a2 OK *
  T: 31 minutes
  S: * BYE *
  S: (closed)
`,
  )
})

test('three failed logins end the connection (RFC 9051 §11.7; S23)', () =>
  transcript(
    world(),
    `
  S: * OK *
  C: a1 LOGIN ann a
  S: a1 NO *
  C: a2 LOGIN ann b
  S: a2 NO *
  C: a3 LOGIN ann c
  S: a3 NO *
  S: * BYE *
  S: (closed)
`,
  ))

test('who is refused for having too many sessions has not logged in (RFC 9051 §6.2.3)', async () => {
  const connections: ConnectionFacts[] = []
  const watching: Middleware = {
    name: 'watching',
    login: (context, next) => {
      connections.push(context.connection)
      return next()
    },
  }
  await transcript(
    world({ imap: { sessionsPerAccount: 1 }, middleware: [watching] }),
    `
  A< * OK *
  A: a1 LOGIN ann secret
  A< a1 OK *
  B< * OK *
  B: b1 LOGIN ann secret
  B< b1 NO [LIMIT] *
  B: b2 LOGIN ann secret
  B< b2 NO [LIMIT] *
`,
  )
  const [first, second] = connections
  assert.deepEqual([first?.principal?.username, second?.principal], ['ann', undefined])
})

test('an account has so many sessions and no more (RFC 9051 §6.2.3)', () =>
  transcript(
    world({ imap: { sessionsPerAccount: 1 } }),
    `
  A< * OK *
  A: a1 LOGIN ann secret
  A< a1 OK *
  B< * OK *
  B: b1 LOGIN ann secret
  B< b1 NO [LIMIT] *
  A: a2 LOGOUT
  A< * BYE *
  A< a2 OK *
  A< (closed)
  B: b2 LOGIN ann secret
  B< b2 OK *
`,
  ))

test('a faulty line in IDLE ends the session: a literal may follow it (RFC 9051 §6.3.13)', () =>
  transcript(
    world({ mailboxes: ['Drafts'] }),
    `${LOGIN}
  C: a2 IDLE
  S: + *
  C: a3 APPEND INBOX "\x00" {16+}
  C: x1 DELETE Drafts
  S: a2 BAD *
  S: * BYE *
  S: (closed)
`,
  ))

test('IDLE without DONE: the next command counts as DONE and is run (RFC 9051 §6.3.13)', () =>
  transcript(
    world({ messages: [mail('one')] }),
    `${LOGIN}
  C: a2 IDLE
  S: + *
  C: a3 STATUS INBOX (MESSAGES)
  S: a2 OK *
  S: * STATUS INBOX (MESSAGES 1)
  S: a3 OK *
`,
  ))

test('a client that does not read is not read from either (RFC 9051 §5.5)', async () => {
  const made = await makeWorld({ messages: [mail('one', 'x'.repeat(100_000))] })
  const { transport, peer } = fakeConnection({ tls: { version: 'TLSv1.3', cipher: 'x' } })
  const connection = {
    id: 'c',
    protocol: 'imap' as const,
    remote: transport.remote,
    local: transport.local,
    tls: transport.tls,
    clientName: undefined,
    principal: undefined,
    signal: transport.signal,
  }
  const served = made.engine.serve(transport, connection)
  const say = (text: string): void => peer.send(new TextEncoder().encode(`${text}\r\n`))
  const settle = (): Promise<void> => new Promise(resolve => setImmediate(resolve))
  say('a1 LOGIN ann secret')
  say('a2 SELECT INBOX')
  await settle()
  await settle()
  peer.stopReading()
  for (let i = 0; i < 100; i++) say(`b${i} FETCH 1 BODY.PEEK[]`)
  for (let i = 0; i < 50; i++) await settle()
  assert.ok(peer.waiting < 500_000, `${peer.waiting} octets wait for a client that does not read`)
  peer.vanish()
  await served
  await made.store.close()
})

test('a command that is given up because its client left is no fault of the server (RFC 9051 §7.1.5)', async () => {
  let leave: () => void = () => undefined
  const made = await makeWorld({
    messages: [mail('one')],
    wrapStore: store =>
      wrapRecords(store, record => {
        leave()
        return record
      }),
  })
  let signal: AbortSignal | undefined
  const client = await rawClient({
    ...made.engine,
    serve: (transport, connection) => {
      signal = connection.signal
      return made.engine.serve(transport, { ...connection, protocol: 'imap' })
    },
  })
  await client.say('a LOGIN ann secret\r\nb SELECT INBOX\r\n')
  leave = () => {
    client.peer.vanish()
    // As a store does between two pages.
    signal?.throwIfAborted()
  }
  await client.say('c FETCH 1 BODY.PEEK[]\r\n')
  await client.done
  assert.equal(signal?.aborted, true, 'the client left in the middle of FETCH')
  assert.deepEqual(made.errors, [])
})
