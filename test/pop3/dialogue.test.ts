import { test } from 'node:test'
import { transcript } from 'mailwright/testing'
import { LOGIN, lines, mailOf, world } from './world.ts'

const two = { messages: [mailOf(120), mailOf(200)] }

test('the example session, with USER and PASS (RFC 1939 §10)', () =>
  transcript(
    world(two),
    `
    S: +OK mx.example.org POP3 server ready
    C: USER ann@example.org
    S: +OK Now the password
    C: PASS correct horse
    S: +OK The maildrop has 2 messages (320 octets)
    C: STAT
    S: +OK 2 320
    C: LIST
    S: +OK 2 messages (320 octets)
    S: 1 120
    S: 2 200
    S: .
    C: RETR 1
    S: +OK 120 octets
    S: Subject: hello
    S:
    S: xxxx*
    S: .
    C: DELE 1
    S: +OK Message 1 is marked as deleted
    C: RETR 2
    S: +OK 200 octets
    S: ...
    S: .
    C: DELE 2
    S: +OK Message 2 is marked as deleted
    C: QUIT
    S: +OK mx.example.org signing off (0 messages left)
    S: (closed)
    C: (connect)
    ${LOGIN}
    C: STAT
    S: +OK 0 0
    C: LIST
    S: +OK 0 messages (0 octets)
    S: .
    C: QUIT
    S: +OK mx.example.org signing off (0 messages left)
    S: (closed)
  `,
  ))

test('STAT and LIST leave out what is marked (RFC 1939 §5)', () =>
  transcript(
    world(two),
    `
    ${LOGIN}
    C: LIST 2
    S: +OK 2 200
    C: DELE 1
    S: +OK *
    C: STAT
    S: +OK 1 200
    C: LIST
    S: +OK 1 message (200 octets)
    S: 2 200
    S: .
    C: LIST 1
    S: -ERR That message is marked as deleted
    C: LIST 3
    S: -ERR No such message
  `,
  ))

test('DELE of what is marked, or is not there, fails (RFC 1939 §5)', () =>
  transcript(
    world(two),
    `
    ${LOGIN}
    C: DELE 1
    S: +OK *
    C: DELE 1
    S: -ERR That message is marked as deleted
    C: RETR 1
    S: -ERR That message is marked as deleted
    C: TOP 1 0
    S: -ERR That message is marked as deleted
    C: UIDL 1
    S: -ERR That message is marked as deleted
    C: DELE 3
    S: -ERR No such message
  `,
  ))

test('RSET takes the marks away (RFC 1939 §5)', () =>
  transcript(
    world(two),
    `
    ${LOGIN}
    C: DELE 1
    S: +OK *
    C: DELE 2
    S: +OK *
    C: RSET
    S: +OK The maildrop has 2 messages (320 octets)
    C: STAT
    S: +OK 2 320
    C: QUIT
    S: +OK mx.example.org signing off (2 messages left)
    S: (closed)
  `,
  ))

test('NOOP does nothing (RFC 1939 §5)', () =>
  transcript(
    world(),
    `
    ${LOGIN}
    C: NOOP
    S: +OK Still here
  `,
  ))

test('UIDL names messages, one or all (RFC 1939 §7)', () =>
  transcript(
    world(two),
    `
    ${LOGIN}
    C: UIDL
    S: +OK Unique ids follow
    S: 1 7.1
    S: 2 7.2
    S: .
    C: UIDL 2
    S: +OK 2 7.2
    C: UIDL 3
    S: -ERR No such message
    C: DELE 1
    S: +OK *
    C: UIDL
    S: +OK Unique ids follow
    S: 2 7.2
    S: .
  `,
  ))

test('QUIT before login only says goodbye (RFC 1939 §4)', () =>
  transcript(
    world(),
    `
    S: +OK *
    C: QUIT
    S: +OK mx.example.org signing off
    S: (closed)
  `,
  ))

test('before login only some commands are there (RFC 1939 §4)', () =>
  transcript(
    world(),
    `
    S: +OK *
    C: STAT
    S: -ERR Log in first
    C: LIST
    S: -ERR Log in first
    C: RETR 1
    S: -ERR Log in first
    C: DELE 1
    S: -ERR Log in first
    C: NOOP
    S: -ERR Log in first
    C: RSET
    S: -ERR Log in first
    C: TOP 1 1
    S: -ERR Log in first
    C: UIDL
    S: -ERR Log in first
  `,
  ))

test('after login nobody can log in again (RFC 1939 §3)', () =>
  transcript(
    world(),
    `
    ${LOGIN}
    C: USER ben@example.org
    S: -ERR You are logged in already
    C: PASS correct horse
    S: -ERR You are logged in already
    C: AUTH PLAIN
    S: -ERR You are logged in already
    C: STLS
    S: -ERR You are logged in already
    C: UTF8
    S: -ERR You are logged in already
  `,
  ))

test('keywords are taken in any case, unknown ones refused (RFC 1939 §3)', () =>
  transcript(
    world(two),
    `
    ${LOGIN}
    C: stat
    S: +OK 2 320
    C: List 1
    S: +OK 1 120
    C: APOP ann c4c9334bac560ecc979e58001b3e22fb
    S: -ERR There is no such command
    C: XYZZY
    S: -ERR There is no such command
    C:
    S: -ERR Expected a command
    C: ST@T
    S: -ERR Expected a command
  `,
  ))

test('arguments that are none are refused, a trailing space is overlooked (RFC 1939 §3)', () =>
  transcript(
    world(two),
    `
    ${LOGIN}
    C: RETR
    S: -ERR Expected a message number
    C: RETR one
    S: -ERR Expected a message number
    C: RETR 0
    S: -ERR Expected a message number from 1
    C: RETR -1
    S: -ERR Expected a message number
    C: RETR 1 2
    S: -ERR Expected no further argument
    C: RETR 99999999999999999999
    S: -ERR Expected a message number
    C: TOP 1
    S: -ERR Expected a number of lines
    C: TOP 1 many
    S: -ERR Expected a number of lines
    C: STAT 1
    S: -ERR Expected no further argument
    C~ STAT \\r\\n
    S: +OK 2 320
    C~ LIST 1 \\r\\n
    S: +OK 1 120
  `,
  ))

test('a line with a bare LF, a bare CR or NUL is refused whole (RFC 1939 §3)', () =>
  transcript(
    world(two),
    `
    ${LOGIN}
    C~ STAT\\nDELE 1\\r\\n
    S: -ERR The line is not one: bare-lf
    C~ STAT\\rDELE 1\\r\\n
    S: -ERR The line is not one: bare-cr
    C~ DELE 1\\x00\\r\\n
    S: -ERR The line is not one: nul
    C: STAT
    S: +OK 2 320
  `,
  ))

test('commands that are sent together are answered in their order (RFC 2449 §6.6)', () =>
  transcript(
    world({ messages: [lines('Subject: dots', '', '.', '..', 'end')] }),
    `
    S: +OK *
    C: USER ann@example.org
    C: PASS correct horse
    C: STAT
    C: UIDL 1
    C: RETR 1
    C: DELE 1
    C: NOOP
    C: QUIT
    S: +OK Now the password
    S: +OK The maildrop has 1 message (*
    S: +OK 1 *
    S: +OK 1 7.1
    S: +OK * octets
    S: Subject: dots
    S:
    S: ..
    S: ...
    S: end
    S: .
    S: +OK Message 1 is marked as deleted
    S: +OK Still here
    S: +OK mx.example.org signing off (0 messages left)
    S: (closed)
  `.replace('    S: ...\n', '    S: ..*\n'),
  ))
