import { test } from 'node:test'
import { transcript } from 'mailwright/testing'
import { mail, world } from './world.ts'

test('APPEND stores a message and says its UID (RFC 9051 §6.3.12)', () =>
  transcript(
    world(),
    `
  S: * OK *
  C: a1 LOGIN ann secret
  S: a1 OK *
  C: a2 APPEND INBOX (\\Seen) {20+}
  C: Subject: hi
  C:
  C: Yo!
  C:
  S: a2 OK [APPENDUID * 1] *
  C: a3 APPEND nowhere {4}
  S: a3 NO [TRYCREATE] *
`,
  ))

test('messages are copied and moved with their new UIDs told (RFC 9051 §6.4.7, §6.4.8; RFC 6851 §3)', () =>
  transcript(
    world({ messages: [mail('one'), mail('two'), mail('three')], mailboxes: ['Other'] }),
    `
  S: * OK *
  C: a1 LOGIN ann secret
  S: a1 OK *
  C: a2 SELECT INBOX
  S: ...
  S: a2 OK *
  C: a3 COPY 1 Other
  S: a3 OK [COPYUID * 1 1] *
  C: a4 UID COPY 2:3 Other
  S: a4 OK [COPYUID * 2:3 2:3] *
  C: a5 MOVE 1 Other
  S: * OK [COPYUID * 1 4] *
  S: * 1 EXPUNGE
  S: a5 OK *
  C: a6 UID MOVE 2 Other
  S: * OK [COPYUID * 2 5] *
  S: * 1 EXPUNGE
  S: a6 OK *
  C: a7 UID STORE 3 +FLAGS.SILENT (\\Deleted)
  S: a7 OK *
  C: a8 UID EXPUNGE 3
  S: * 1 EXPUNGE
  S: a8 OK *
  C: a9 COPY 1 Other
  S: a9 BAD *
  C: b1 UNSELECT
  S: b1 OK *
`,
  ))

test('UID FETCH and UID SEARCH speak in UIDs (RFC 9051 §6.4.9)', () =>
  transcript(
    world({ messages: [mail('needle', 'hay'), mail('other', 'needle in text')] }),
    `
  S: * OK *
  C: a1 LOGIN ann secret
  S: a1 OK *
  C: a2 EXAMINE INBOX
  S: ...
  S: a2 OK [READ-ONLY] *
  C: a3 UID FETCH 2 FLAGS
  S: * 2 FETCH (UID 2 FLAGS ())
  S: a3 OK *
  C: a4 UID SEARCH SUBJECT needle
  S: * SEARCH 1
  S: a4 OK *
  C: a5 SEARCH TEXT needle
  S: * SEARCH 1 2
  S: a5 OK *
  C: a6 SEARCH RETURN (MIN MAX COUNT) NOT DELETED
  S: * ESEARCH (TAG "a6") MIN 1 MAX 2 COUNT 2
  S: a6 OK *
  C: a7 CHECK
  S: a7 OK *
  C: a8 CLOSE
  S: a8 OK *
`,
  ))

test('keywords that differ only in case are one, however they came to the message (RFC 9051 §2.3.2)', () =>
  transcript(
    world({
      messages: [
        { text: mail('one'), flags: ['$Work', '$WORK'] },
        { text: mail('two'), flags: ['$work'] },
      ],
    }),
    `
  S: * OK *
  C: a1 LOGIN ann secret
  S: a1 OK *
  C: a2 SELECT INBOX
  S: ...
  S: a2 OK *
  C: a3 FETCH 1:2 FLAGS
  S: * 1 FETCH (FLAGS ($WORK))
  S: * 2 FETCH (FLAGS ($WORK))
  S: a3 OK *
  C: a4 SEARCH KEYWORD $work
  S: * SEARCH 1 2
  S: a4 OK *
  C: a5 STORE 1:2 -FLAGS ($wOrK)
  S: * 1 FETCH (UID 1 FLAGS ())
  S: * 2 FETCH (UID 2 FLAGS ())
  S: a5 OK *
  C: a6 STORE 1 +FLAGS (Next NEXT next)
  S: * FLAGS (*)
  S: * OK [PERMANENTFLAGS *
  S: * 1 FETCH (UID 1 FLAGS (Next))
  S: a6 OK *
  C: a7 STORE 1 -FLAGS (NEXT)
  S: * 1 FETCH (UID 1 FLAGS ())
  S: a7 OK *
  C: a8 SELECT INBOX
  S: ...
  S: * FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft $WORK Next)
  S: ...
  S: a8 OK *
  C: a9 SEARCH KEYWORD NEXT
  S: * SEARCH
  S: a9 OK *
`,
  ))
