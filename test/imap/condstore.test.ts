import { test } from 'node:test'
import { transcript } from 'mailwright/testing'
import { mail, range, world } from './world.ts'

const two = { messages: [mail('one'), mail('two')] }
const LOGIN = `
  S: * OK *
  C: a1 LOGIN ann secret
  S: a1 OK *
`

test('SELECT with CONDSTORE: STORE tells MODSEQ, a silent one too (RFC 7162 §3.1.8, §3.1.3)', () =>
  transcript(
    world(two),
    `${LOGIN}
  C: a2 SELECT INBOX (CONDSTORE)
  S: ...
  S: a2 OK [READ-WRITE] *
  C: a3 FETCH 1 (FLAGS)
  S: * 1 FETCH (FLAGS () MODSEQ (2))
  S: a3 OK *
  C: a4 STORE 1 +FLAGS (\\Seen)
  S: * 1 FETCH (UID 1 FLAGS (\\Seen) MODSEQ (4))
  S: a4 OK *
  C: a5 STORE 2 +FLAGS.SILENT (\\Seen)
  S: * 2 FETCH (UID 2 MODSEQ (5))
  S: a5 OK *
`,
  ))

test('FETCH CHANGEDSINCE answers what changed after, and with MODSEQ (RFC 7162 §3.1.4.1)', () =>
  transcript(
    world(two),
    `${LOGIN}
  C: a2 SELECT INBOX
  S: ...
  S: a2 OK *
  C: a3 UID FETCH 1:* (FLAGS) (CHANGEDSINCE 2)
  S: * OK [HIGHESTMODSEQ 3] *
  S: * 2 FETCH (UID 2 FLAGS () MODSEQ (3))
  S: a3 OK *
  C: a4 FETCH 1:* (UID) (CHANGEDSINCE 3)
  S: a4 OK *
`,
  ))

test('STORE UNCHANGEDSINCE: of two sessions one wins, the other is told MODIFIED (RFC 7162 §3.1.3)', () =>
  transcript(
    world(two),
    `
  A< * OK *
  A: a1 LOGIN ann secret
  A< a1 OK *
  A: a2 SELECT INBOX (CONDSTORE)
  A< ...
  A< a2 OK *
  B< * OK *
  B: b1 LOGIN ann secret
  B< b1 OK *
  B: b2 SELECT INBOX (CONDSTORE)
  B< ...
  B< b2 OK *
  A: a3 STORE 1 (UNCHANGEDSINCE 3) +FLAGS ($A)
  A< ...
  A< a3 OK *
  B: b3 UID STORE 1:2 (UNCHANGEDSINCE 3) +FLAGS.SILENT ($B)
  B< ...
  B< b3 OK [MODIFIED 1] *
  B: b4 FETCH 1:2 (FLAGS)
  B< * 1 FETCH (FLAGS ($A) MODSEQ (4))
  B< * 2 FETCH (FLAGS ($B) MODSEQ (5))
  B< b4 OK *
`,
  ))

test('SEARCH MODSEQ tells the highest MODSEQ of what it found (RFC 7162 §3.1.5)', () =>
  transcript(
    world(two),
    `${LOGIN}
  C: a2 SELECT INBOX (CONDSTORE)
  S: ...
  S: a2 OK *
  C: a3 SEARCH MODSEQ 3
  S: * SEARCH 2 (MODSEQ 3)
  S: a3 OK *
  C: a4 SEARCH RETURN (MIN) MODSEQ "/flags/\\\\seen" all 1
  S: * ESEARCH (TAG "a4") MIN 1 MODSEQ 2
  S: a4 OK *
`,
  ))

test('STATUS HIGHESTMODSEQ turns CONDSTORE on: what others change is told with MODSEQ (RFC 7162 §3.1)', () =>
  transcript(
    world({
      ...two,
      steps: it => ({
        change: async () => (await it.mailbox('INBOX')).flag(range(2), { kind: 'add', flags: ['\\Seen'] }),
      }),
    }),
    `${LOGIN}
  C: a2 STATUS INBOX (MESSAGES HIGHESTMODSEQ SIZE DELETED)
  S: * STATUS INBOX (MESSAGES 2 HIGHESTMODSEQ 3 SIZE * DELETED 0)
  S: a2 OK *
  C: a3 SELECT INBOX
  S: ...
  S: a3 OK *
  H: change
  C: a4 NOOP
  S: * 2 FETCH (UID 2 FLAGS (\\Seen) MODSEQ (4))
  S: a4 OK *
`,
  ))
