import { test } from 'node:test'
import { transcript } from 'mailwright/testing'
import { world, mail } from './world.ts'

test('a session from greeting to goodbye: CAPABILITY, LOGIN, NOOP, LOGOUT (RFC 9051 §6.1, §6.2.3)', () =>
  transcript(
    world(),
    `
  S: * OK [CAPABILITY IMAP4rev1 IMAP4rev2 *AUTH=PLAIN*] mx.example.org ready
  C: a1 CAPABILITY
  S: * CAPABILITY IMAP4rev1 IMAP4rev2 LITERAL+ *
  S: a1 OK *
  C: a2 LOGIN ann wrong
  S: a2 NO [AUTHENTICATIONFAILED] *
  C: a3 LOGIN ann secret
  S: a3 OK [CAPABILITY IMAP4rev1 IMAP4rev2 *IDLE*CONDSTORE*] *
  C: a4 noop
  S: a4 OK *
  C: a5 LOGOUT
  S: * BYE *
  S: a5 OK *
  S: (closed)
`,
  ))

test('LOGIN with literals, synchronizing and not (RFC 9051 §4.3; RFC 7888 §4)', () =>
  transcript(
    world(),
    `
  S: * OK *
  C: a1 LOGIN {3}
  S: + *
  C: ann {6+}
  C: secret
  S: a1 OK *
`,
  ))

test('SELECT, FETCH, STORE and EXPUNGE as IMAP4rev1 knows them (RFC 3501 §6.3.1, §6.4)', () =>
  transcript(
    world({ messages: [mail('one'), { text: mail('two'), flags: ['\\Seen'] }] }),
    `
  S: * OK *
  C: a1 LOGIN ann secret
  S: a1 OK *
  C: a2 SELECT inbox
  S: * 2 EXISTS
  S: * 0 RECENT
  S: * OK [UNSEEN 1] *
  S: * OK [UIDVALIDITY *] *
  S: * OK [UIDNEXT 3] *
  S: * FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft)
  S: * OK [PERMANENTFLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft \\*)] *
  S: * OK [HIGHESTMODSEQ *] *
  S: a2 OK [READ-WRITE] *
  C: a3 FETCH 1:* (UID FLAGS RFC822.SIZE INTERNALDATE)
  S: * 1 FETCH (UID 1 FLAGS () RFC822.SIZE * INTERNALDATE " 1-Jan-2026 12:00:00 +0000")
  S: * 2 FETCH (UID 2 FLAGS (\\Seen) RFC822.SIZE * INTERNALDATE " 1-Jan-2026 12:00:00 +0000")
  S: a3 OK *
  C: a4 STORE 1 +FLAGS (\\Deleted)
  S: * 1 FETCH (UID 1 FLAGS (\\Deleted))
  S: a4 OK *
  C: a5 EXPUNGE
  S: * 1 EXPUNGE
  S: a5 OK *
  C: a6 SEARCH ALL
  S: * SEARCH 1
  S: a6 OK *
  C: a7 FETCH 1 BODY.PEEK[HEADER.FIELDS (Subject)]
  S: * 1 FETCH (BODY[HEADER.FIELDS (Subject)] {16}
  S: Subject: two
  S:
  S: )
  S: a7 OK *
`,
  ))

test('IDLE tells what happens, and commands may follow DONE at once (RFC 9051 §6.3.13)', () =>
  transcript(
    world({
      messages: [mail('one')],
      steps: it => ({ delivery: () => it.append(mail('two')) }),
    }),
    `
  S: * OK *
  C: a1 LOGIN ann secret
  S: a1 OK *
  C: a2 SELECT INBOX
  S: ...
  S: a2 OK *
  C: a3 IDLE
  S: + *
  H: delivery
  S: * 2 EXISTS
  T: 121 seconds
  S: * OK Still here
  C: DONE
  C: a4 NOOP
  S: a3 OK *
  S: a4 OK *
`,
  ))
