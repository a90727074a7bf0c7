import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MailError, defer, reject } from 'mailwright/contracts'
import type { Middleware } from 'mailwright/contracts'
import { memoryDirectory } from 'mailwright/directories/memory'
import { transcript } from 'mailwright/testing'
import { LOGIN, base64, makeWorld, world } from './world.ts'

const CHEAP = { memory: 8, passes: 1 }

test('a wrong password and an unknown name get one answer (RFC 1939 §13; RFC 3206 §5; S23)', () =>
  transcript(
    world(),
    `
    S: +OK *
    C: USER ann@example.org
    S: +OK Now the password
    C: PASS wrong
    S: -ERR [AUTH] That is not a valid login
    C: USER nobody@example.org
    S: +OK Now the password
    C: PASS wrong
    S: -ERR [AUTH] That is not a valid login
    C: USER ann@example.org
    S: +OK Now the password
    C: PASS correct horse
    S: +OK The maildrop has 0 messages (0 octets)
  `,
  ))

test('after three failed logins the connection ends (S23)', () =>
  transcript(
    world(),
    `
    S: +OK *
    C: USER ann@example.org
    C: PASS one
    C: USER ann@example.org
    C: PASS two
    C: AUTH PLAIN ${base64('\0ann@example.org\0three')}
    C: USER ann@example.org
    C: PASS correct horse
    S: +OK Now the password
    S: -ERR [AUTH] That is not a valid login
    S: +OK Now the password
    S: -ERR [AUTH] That is not a valid login
    S: -ERR [AUTH] That is not a valid login
    S: -ERR [AUTH] Too many failed logins
    S: (closed)
  `,
  ))

test('PASS comes right after USER (RFC 1939 §7)', () =>
  transcript(
    world(),
    `
    S: +OK *
    C: PASS correct horse
    S: -ERR Give USER first
    C: USER ann@example.org
    S: +OK *
    C: CAPA
    S: ...
    S: .
    C: PASS correct horse
    S: -ERR Give USER first
    C: USER ann@example.org
    S: +OK *
    C: XYZZY
    S: -ERR *
    C: PASS correct horse
    S: -ERR Give USER first
    C: USER ann@example.org
    S: +OK *
    C: PASS wrong
    S: -ERR *
    C: PASS correct horse
    S: -ERR Give USER first
  `,
  ))

test('spaces belong to the password (RFC 1939 §7)', () =>
  transcript(
    world({ directory: memoryDirectory({ accounts: { 'ann@example.org': ' two  spaces ' }, hashCost: CHEAP }) }),
    `
    S: +OK *
    C: USER ann@example.org
    S: +OK *
    C~ PASS  two  spaces \\r\\n
    S: +OK *
  `,
  ))

test('names and passwords are UTF-8, in whatever normal form (RFC 6856 §2.2)', () =>
  transcript(
    world({ directory: memoryDirectory({ accounts: { 'ann@example.org': 'gr\u00fc\u00dfe an alle' }, hashCost: CHEAP }) }),
    `
    S: +OK *
    C~ USER \\xFF\\r\\n
    S: -ERR [AUTH] That is not UTF-8
    C: USER ann@example.org
    S: +OK *
    C~ PASS gr\\xFC\\xDFe an alle\\r\\n
    S: -ERR [AUTH] That is not UTF-8
    C: USER ann@example.org
    S: +OK *
    C: PASS gru\u0308\u00dfe an alle
    S: +OK *
  `,
  ))

test('AUTH PLAIN with and without an initial response (RFC 5034 §4; RFC 4616 §2)', async () => {
  const response = base64('\0ann@example.org\0correct horse')
  await transcript(
    world(),
    `
    S: +OK *
    C: AUTH PLAIN ${response}
    S: +OK The maildrop has 0 messages (0 octets)
  `,
  )
  await transcript(
    world(),
    `
    S: +OK *
    C: auth plain
    S: + *
    C: ${response}
    S: +OK The maildrop has 0 messages (0 octets)
  `,
  )
})

test('AUTH LOGIN asks twice (RFC 1734 §2)', () =>
  transcript(
    world(),
    `
    S: +OK *
    C: AUTH LOGIN
    S: + ${base64('Username:')}
    C: ${base64('ann@example.org')}
    S: + ${base64('Password:')}
    C: ${base64('correct horse')}
    S: +OK The maildrop has 0 messages (0 octets)
    C: STAT
    S: +OK 0 0
  `,
  ))

test('AUTH is cancelled by an asterisk, and fails for what is no answer (RFC 5034 §4)', () =>
  transcript(
    world(),
    `
    S: +OK *
    C: AUTH PLAIN
    S: + *
    C: *
    S: -ERR Login cancelled
    C: AUTH PLAIN
    S: + *
    C: no base64!
    S: -ERR That is no answer to the challenge
    C: AUTH PLAIN =
    S: -ERR That is no answer to the challenge
    C: AUTH PLAIN
    S: + *
    C~ a\\x00b\\r\\n
    S: -ERR That is no answer to the challenge
    C: AUTH CRAM-MD5
    S: -ERR That mechanism is not known here
    C: AUTH
    S: -ERR Expected a mechanism
    C: AUTH PLAIN = =
    S: -ERR Expected no further argument
    C: AUTH PLAIN ${base64('\0ann@example.org\0correct horse')}
    S: +OK *
  `,
  ))

test('a long answer to a challenge is taken, a longer one refused (RFC 5034 §4)', () =>
  transcript(
    world(),
    `
    S: +OK *
    C: AUTH PLAIN
    S: + *
    C: ${base64(`\0ann@example.org\0${'p'.repeat(1000)}`)}
    S: -ERR [AUTH] That is not a valid login
    C: AUTH PLAIN
    S: + *
    C: ${base64(`\0ann@example.org\0${'p'.repeat(5000)}`)}
    S: -ERR That is no answer to the challenge
    C: AUTH PLAIN ${base64('\0ann@example.org\0correct horse')}
    S: +OK *
  `,
  ))

test('acting for somebody else is refused (RFC 4616 §2)', () =>
  transcript(
    world(),
    `
    S: +OK *
    C: AUTH PLAIN ${base64('ben@example.org\0ann@example.org\0correct horse')}
    S: -ERR [AUTH] That is not a valid login
    C: AUTH PLAIN ${base64('ann@example.org\0ann@example.org\0correct horse')}
    S: +OK *
  `,
  ))

test('who is not allowed POP3 does not log in, nor does a disabled account (RFC 3206 §5)', async () => {
  const directory = memoryDirectory({
    accounts: { 'ann@example.org': 'correct horse', 'ben@example.org': 'correct horse' },
    hashCost: CHEAP,
  })
  await directory.disable('ben@example.org')
  const imapOnly = await directory.addAppPassword('ann@example.org', 'phone', ['imap'])
  await transcript(
    world({ directory }),
    `
    S: +OK *
    C: USER ben@example.org
    S: +OK *
    C: PASS correct horse
    S: -ERR [AUTH] That is not a valid login
    C: USER ann@example.org
    S: +OK *
    C: PASS ${imapOnly}
    S: -ERR [AUTH] That is not a valid login
    C: USER ann@example.org
    S: +OK *
    C: PASS correct horse
    S: +OK *
  `,
  )
})

test('middleware may refuse a login, for good or for now (RFC 3206 §4)', async () => {
  let times = 0
  const gate: Middleware = {
    name: 'gate',
    login: async (_context, next) => {
      times++
      if (times % 3 === 1) return reject('Not from there', '5.7.1')
      return times % 3 === 2 ? defer('Too\r\nmany', '4.7.0') : next()
    },
  }
  await transcript(
    world({ middleware: [gate] }),
    `
    S: +OK *
    C: USER ann@example.org
    S: +OK *
    C: PASS correct horse
    S: -ERR [SYS/PERM] Not from there
    C: USER ann@example.org
    S: +OK *
    C: PASS correct horse
    S: -ERR [SYS/TEMP] Too*many
    C: USER ann@example.org
    S: +OK *
    C: PASS correct horse
    S: +OK *
  `,
  )
})

test('middleware may refuse a connection or a command', async () => {
  await transcript(
    world({ middleware: [{ name: 'closed', connect: async () => defer('Come back later', '4.3.2') }] }),
    `
    S: -ERR [SYS/TEMP] Come back later
    S: (closed)
  `,
  )
  const readOnly: Middleware = {
    name: 'read-only',
    command: async ({ command }, next) => (command === 'DELE' ? reject('Nothing is deleted here') : next()),
  }
  await transcript(
    world({ middleware: [readOnly] }),
    `
    ${LOGIN}
    C: DELE 1
    S: -ERR [SYS/PERM] Nothing is deleted here
    C: NOOP
    S: +OK Still here
  `,
  )
})

test('logging in has a deadline, however many words it takes (RFC 1939 §3)', async () => {
  await transcript(
    world(),
    `
    S: +OK *
    T: 40 seconds
    C: USER ann@example.org
    S: +OK *
    T: 19 seconds
    S: (nothing)
    T: 1 second
    S: (closed)
  `,
  )
  await transcript(
    world(),
    `
    S: +OK *
    T: 40 seconds
    C: AUTH PLAIN
    S: + *
    C~ AG
    T: 15 seconds
    C~ Fu
    T: 5 seconds
    S: (closed)
  `,
  )
})

test('a session that says nothing ends after ten minutes, and each command begins them anew (RFC 1939 §3)', () =>
  transcript(
    world(),
    `
    ${LOGIN}
    T: 9 minutes
    C: NOOP
    S: +OK Still here
    T: 9 minutes
    C: NOOP
    S: +OK Still here
    T: 599 seconds
    S: (nothing)
    T: 1 second
    S: (closed)
  `,
  ))

test('a directory or a store that cannot tell is no wrong password (RFC 3206 §4)', async () => {
  const away = new MailError('unavailable', 'host db-7 refused the connection')
  const directory = memoryDirectory({ accounts: { 'ann@example.org': 'correct horse' }, hashCost: CHEAP })
  await transcript(
    world({
      directory: {
        serves: domain => directory.serves(domain),
        resolve: address => directory.resolve(address),
        verify: () => Promise.reject(away),
      },
      errorsExpected: true,
    }),
    `
    S: +OK *
    C: USER ann@example.org
    S: +OK *
    C: PASS correct horse
    S: -ERR [SYS/TEMP] Logins cannot be checked at present, please try again later
  `,
  )
  await transcript(
    world({
      wrapStore: store => ({ ...store, open: () => Promise.reject(away), close: () => store.close() }),
      errorsExpected: true,
    }),
    `
    S: +OK *
    C: USER ann@example.org
    S: +OK *
    C: PASS correct horse
    S: -ERR [SYS/TEMP] The mail is not reachable at the moment
    C: STAT
    S: -ERR Log in first
  `,
  )
})

test('every login is told, with its mechanism and never with its secret', async () => {
  const made = await makeWorld()
  await transcript(
    made,
    `
    S: +OK *
    C: USER ann@example.org
    C: PASS wrong
    C: AUTH PLAIN ${base64('\0ann@example.org\0correct horse')}
    S: +OK *
    S: -ERR *
    S: +OK *
  `,
  )
  const logins = made.test.events.flatMap(told => (told.name === 'login' ? [told.event] : []))
  const told = logins.map(({ username, mechanism, ok }) => ({ username, mechanism, ok }))
  const once = [
    { username: 'ann@example.org', mechanism: 'USER', ok: false },
    { username: 'ann@example.org', mechanism: 'PLAIN', ok: true },
  ]
  assert.deepEqual(told, [...once, ...once, ...once])
  assert.doesNotMatch(JSON.stringify(logins), /correct horse|wrong/)
})
