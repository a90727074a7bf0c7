import { test } from 'node:test'
import { transcript } from 'mailwright/testing'
import { world } from './world.ts'

const LOGIN = `
  S: * OK *
  C: a1 LOGIN ann secret
  S: a1 OK *
`

test('names are modified UTF-7 until IMAP4rev2 or UTF8=ACCEPT is enabled (RFC 3501 §5.1.3; RFC 9051 §5.1)', () =>
  transcript(
    world({ mailboxes: ['Entwürfe', 'a&b'] }),
    `${LOGIN}
  C: a2 LIST "" "E*"
  S: * LIST (\\HasNoChildren) "/" Entw&APw-rfe
  S: a2 OK *
  C: a3 LIST "" "a&-%"
  S: * LIST (\\HasNoChildren) "/" a&-b
  S: a3 OK *
  C: a4 ENABLE IMAP4rev2
  S: * ENABLED IMAP4rev2
  S: a4 OK *
  C: a5 LIST "" "a&%"
  S: * LIST (\\HasNoChildren) "/" a&b
  S: a5 OK *
`,
  ))

test('names that cannot be are refused: encoded ASCII, NUL, empty levels, second spellings (RFC 9051 §5.1; RFC 3501 §5.1.3)', () =>
  transcript(
    world(),
    `${LOGIN}
  C: a2 CREATE "&AC8-etc"
  S: a2 NO [CANNOT] *
  C: a3 CREATE "&AAA-"
  S: a3 NO [CANNOT] *
  C: a4 CREATE "a//b"
  S: a4 NO [CANNOT] *
  C: a5 CREATE "&Jjo-&Jjo-"
  S: a5 NO [CANNOT] *
  C: a6 CREATE "../../etc/passwd"
  S: a6 OK *
  C: a7 CREATE iNbOx
  S: a7 NO [ALREADYEXISTS] *
  C: a8 CREATE "'; DROP TABLE mailbox; --"
  S: a8 OK *
  C: a9 STATUS "'; DROP TABLE mailbox; --" (MESSAGES)
  S: * STATUS "'; DROP TABLE mailbox; --" (MESSAGES 0)
  S: a9 OK *
`,
  ))

test('LIST with its extensions: SUBSCRIBED, RECURSIVEMATCH, SPECIAL-USE, STATUS (RFC 9051 §6.3.9; RFC 5819 §2; RFC 6154 §2)', () =>
  transcript(
    world({ mailboxes: ['Foo', 'Foo/Bar', { name: 'Sent', specialUse: 'Sent' }] }),
    `${LOGIN}
  C: a2 SUBSCRIBE Foo/Bar
  S: a2 OK *
  C: a3 LIST (SUBSCRIBED) "" *
  S: * LIST (\\HasNoChildren \\Subscribed) "/" Foo/Bar
  S: a3 OK *
  C: a4 LIST (SUBSCRIBED RECURSIVEMATCH) "" %
  S: * LIST (\\HasChildren) "/" Foo (*CHILDINFO* ("SUBSCRIBED"))
  S: a4 OK *
  C: a5 LIST (SPECIAL-USE) "" * RETURN (STATUS (MESSAGES UIDNEXT))
  S: * LIST (\\HasNoChildren \\Sent) "/" Sent
  S: * STATUS Sent (MESSAGES 0 UIDNEXT 1)
  S: a5 OK *
  C: a6 LIST "" ("INBOX" "Fo%")
  S: * LIST (\\HasNoChildren) "/" INBOX
  S: * LIST (\\HasChildren) "/" Foo
  S: a6 OK *
  C: a7 LIST "" ""
  S: * LIST (\\Noselect) "/" ""
  S: a7 OK *
  C: a8 LSUB "" %
  S: * LSUB (\\Noselect) "/" Foo
  S: a8 OK *
  C: a9 CREATE Archive (USE (\\Archive))
  S: a9 OK *
  C: b1 CREATE Other (USE (\\Archive))
  S: b1 NO [USEATTR] *
`,
  ))

test('RENAME of the inbox moves its messages (RFC 9051 §6.3.6)', () =>
  transcript(
    world({ messages: ['Subject: a\r\n\r\n', 'Subject: b\r\n\r\n'] }),
    `${LOGIN}
  C: a2 RENAME INBOX old/mail
  S: a2 OK *
  C: a3 STATUS INBOX (MESSAGES)
  S: * STATUS INBOX (MESSAGES 0)
  S: a3 OK *
  C: a4 STATUS old/mail (MESSAGES)
  S: * STATUS old/mail (MESSAGES 2)
  S: a4 OK *
  C: a5 RENAME old old/under
  S: a5 NO [CANNOT] *
`,
  ))

test('a name that only stands for those below it is left out when they are all listed (RFC 9051 §6.3.9.6)', () =>
  transcript(
    world({ mailboxes: ['Foo/Bar', 'Foo/Baz'] }),
    `
  S: * OK *
  C: a1 LOGIN ann secret
  S: a1 OK *
  C: a2 SUBSCRIBE Foo/Bar
  S: a2 OK *
  C: a3 LIST (SUBSCRIBED RECURSIVEMATCH) "" *
  S: * LIST (\\HasNoChildren \\Subscribed) "/" Foo/Bar
  S: a3 OK *
  C: a4 LIST (SUBSCRIBED RECURSIVEMATCH) "" (% %/Baz)
  S: * LIST (*) "/" Foo (CHILDINFO ("SUBSCRIBED"))
  S: a4 OK *
  C: a5 CREATE Foo
  S: a5 OK *
  C: a6 LIST (SUBSCRIBED RECURSIVEMATCH) "" % RETURN (STATUS (MESSAGES))
  S: * LIST (*) "/" Foo (CHILDINFO ("SUBSCRIBED"))
  S: a6 OK *
`,
  ))
