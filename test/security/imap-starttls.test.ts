/** STARTTLS of IMAP and what must not slip past it (P12). */
import { test } from 'node:test'
import { transcript } from 'mailwright/testing'
import { mail, world } from '../imap/world.ts'

const CLEAR = world({ tls: 'none', messages: [mail('one')] })

test('a command in the segment of STARTTLS never runs: not before TLS, not after it (RFC 9051 §6.2.1, P12)', () =>
  transcript(
    CLEAR,
    `
  S: * OK [CAPABILITY *STARTTLS LOGINDISABLED*] *
  C~ a1 STARTTLS\\r\\na2 LOGIN ann secret\\r\\na3 DELETE INBOX\\r\\na4 LOGOUT\\r\\n
  S: a1 OK Begin TLS now
  C: (tls)
  S: (nothing)
  C: a5 SELECT INBOX
  S: a5 BAD *
  C: a6 LOGIN ann secret
  S: a6 OK *
  C: a7 STATUS INBOX (MESSAGES)
  S: * STATUS INBOX (MESSAGES 1)
  S: a7 OK *
`,
  ))

test('half a command from the clear is not the beginning of one under TLS (RFC 9051 §6.2.1, P12)', () =>
  transcript(
    CLEAR,
    `
  S: * OK *
  C~ a1 STARTTLS\\r\\nevil LOGOUT\\r\\nevil CREATE "
  S: a1 OK *
  C: (tls)
  S: (nothing)
  C: a2 NOOP
  S: a2 OK *
`,
  ))

test('a literal announced in the clear does not swallow what comes under TLS (RFC 9051 §4.3, §6.2.1, P12)', () =>
  transcript(
    CLEAR,
    `
  S: * OK *
  C~ a1 STARTTLS\\r\\nevil LOGIN ann {40+}\\r\\nxx
  S: a1 OK *
  C: (tls)
  S: (nothing)
  C: a2 LOGIN ann secret
  S: a2 OK *
`,
  ))

test('an AUTHENTICATE begun in the clear gets no answer from under TLS (RFC 9051 §6.2.1, §6.2.2, P12)', () =>
  transcript(
    CLEAR,
    `
  S: * OK *
  C~ a1 STARTTLS\\r\\nevil AUTHENTICATE PLAIN\\r\\n
  S: a1 OK *
  C: (tls)
  S: (nothing)
  C: AGFubgBzZWNyZXQ=
  S: AGFubgBzZWNyZXQ= BAD *
  C: a2 SELECT INBOX
  S: a2 BAD *
  C: a3 AUTHENTICATE PLAIN AGFubgBzZWNyZXQ=
  S: a3 OK *
`,
  ))

test('STARTTLS with arguments, as a literal or under UID does not begin TLS (RFC 9051 §6.2.1, P12)', () =>
  transcript(
    CLEAR,
    `
  S: * OK *
  C: a1 STARTTLS now
  S: a1 BAD *
  C: a2 STARTTLS {4+}
  C: a3 X
  S: a2 BAD *
  C: a4 UID STARTTLS
  S: a4 BAD *
  C~ a5 STARTTLS\\r\\r\\n
  S: a5 BAD *
  S: * BYE *
  S: (closed)
`,
  ))

test('LOGIN and AUTHENTICATE in the clear take no password in any form (RFC 9051 §6.2.3, §11.7, P12)', () =>
  transcript(
    CLEAR,
    `
  S: * OK [CAPABILITY *STARTTLS LOGINDISABLED*] *
  C: a1 LOGIN ann secret
  S: a1 NO [PRIVACYREQUIRED] *
  C: a2 LOGIN {3+}
  C: ann {6+}
  C: secret
  S: a2 NO [PRIVACYREQUIRED] *
  C: a3 AUTHENTICATE PLAIN AGFubgBzZWNyZXQ=
  S: a3 NO [PRIVACYREQUIRED] *
  C: a4 AUTHENTICATE LOGIN
  S: a4 NO *
  C: a5 SELECT INBOX
  S: a5 BAD *
`,
  ))

test('STARTTLS is neither offered nor taken twice, nor after login (RFC 9051 §6.2.1, P12)', () =>
  transcript(
    CLEAR,
    `
  S: * OK *
  C: a1 STARTTLS
  S: a1 OK *
  C: (tls)
  C: a2 STARTTLS
  C: a3 LOGIN ann secret
  S: a2 BAD *
  S: a3 OK *
  C: a4 STARTTLS
  S: a4 BAD *
  C: a5 NOOP
  S: a5 OK *
`,
  ))

test('a handshake that fails ends the session without a word (RFC 9051 §6.2.1, P12)', () =>
  transcript(
    CLEAR,
    `
  S: * OK *
  C~ a1 STARTTLS\\r\\na2 NOOP\\r\\n
  S: a1 OK *
  C: (tls fails)
  S: (closed)
`,
  ))
