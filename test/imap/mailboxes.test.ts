import { test } from 'node:test'
import { transcript } from 'mailwright/testing'
import { mail, world } from './world.ts'

test('mailboxes are made, listed, subscribed to, renamed and deleted (RFC 9051 §6.3.4-§6.3.9)', () =>
  transcript(
    world(),
    `
  S: * OK *
  C: a1 LOGIN ann secret
  S: a1 OK *
  C: a2 CREATE owatagusiam/
  S: a2 OK *
  C: a3 CREATE owatagusiam/blurdybloop
  S: a3 OK *
  C: a4 CREATE INBOX
  S: a4 NO [ALREADYEXISTS] *
  C: a5 LIST "" owatagusiam*
  S: * LIST (\\HasChildren) "/" owatagusiam
  S: * LIST (\\HasNoChildren) "/" owatagusiam/blurdybloop
  S: a5 OK *
  C: a6 SUBSCRIBE owatagusiam/blurdybloop
  S: a6 OK *
  C: a7 LSUB "" *
  S: * LSUB (*) "/" owatagusiam/blurdybloop
  S: a7 OK *
  C: a8 UNSUBSCRIBE owatagusiam/blurdybloop
  S: a8 OK *
  C: a9 RENAME owatagusiam sarasoop
  S: a9 OK *
  C: b1 LIST "" *
  S: * LIST (\\HasNoChildren) "/" INBOX
  S: * LIST (\\HasChildren) "/" sarasoop
  S: * LIST (\\HasNoChildren) "/" sarasoop/blurdybloop
  S: b1 OK *
  C: b2 DELETE sarasoop/blurdybloop
  S: b2 OK *
  C: b3 DELETE sarasoop/blurdybloop
  S: b3 NO [NONEXISTENT] *
  C: b4 DELETE INBOX
  S: b4 NO *
  C: b5 NAMESPACE
  S: * NAMESPACE (("" "/")) NIL NIL
  S: b5 OK *
`,
  ))

test('STATUS tells counts, ID who this is, QUOTA what is used (RFC 9051 §6.3.11; RFC 2971 §3; RFC 9208 §4)', () =>
  transcript(
    world({ messages: [mail('one')], quota: { octets: 1_048_576 } }),
    `
  S: * OK *
  C: a1 LOGIN ann secret
  S: a1 OK *
  C: a2 STATUS INBOX (MESSAGES UIDNEXT UNSEEN DELETED)
  S: * STATUS INBOX (MESSAGES 1 UIDNEXT 2 UNSEEN 1 DELETED 0)
  S: a2 OK *
  C: a3 ID ("name" "test")
  S: * ID (*)
  S: a3 OK *
  C: a4 GETQUOTAROOT INBOX
  S: * QUOTAROOT INBOX *
  S: * QUOTA * (STORAGE *)
  S: a4 OK *
  C: a5 GETQUOTA ""
  S: * QUOTA "" (STORAGE *)
  S: a5 OK *
  C: a6 ENABLE IMAP4rev2 X-UNKNOWN
  S: * ENABLED IMAP4rev2
  S: a6 OK *
`,
  ))

test('AUTHENTICATE PLAIN with an initial response (RFC 9051 §6.2.2; RFC 4616 §2)', () =>
  transcript(
    world(),
    `
  S: * OK *
  C: a1 AUTHENTICATE PLAIN AGFubgBzZWNyZXQ=
  S: a1 OK *
  C: a2 CHECK
  S: a2 BAD *
`,
  ))
