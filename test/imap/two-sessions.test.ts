import { test } from 'node:test'
import { transcript } from 'mailwright/testing'
import { mail, world } from './world.ts'

const three = { messages: [mail('one'), mail('two'), mail('three')] }

/** Two clients in the inbox. */
const BOTH = `
  A< * OK *
  A: a1 LOGIN ann secret
  A< a1 OK *
  A: a2 SELECT INBOX
  A< ...
  A< a2 OK *
  B< * OK *
  B: b1 LOGIN ann secret
  B< b1 OK *
  B: b2 SELECT INBOX
  B< ...
  B< b2 OK *
`

test('EXPUNGE of another session is not told while sequence numbers are in use (RFC 9051 §7.5.1)', () =>
  transcript(
    world(three),
    `${BOTH}
  A: a3 STORE 1 +FLAGS.SILENT (\\Deleted)
  A< a3 OK *
  A: a4 EXPUNGE
  A< * 1 EXPUNGE
  A< a4 OK *
  B: b3 FETCH 2 (UID)
  B< * 2 FETCH (UID 2)
  B< b3 OK *
  B: b4 SEARCH UID 2:*
  B< * SEARCH 2 3
  B< b4 OK *
  B: b5 NOOP
  B< * 1 EXPUNGE
  B< b5 OK *
  B: b6 FETCH 1:* (UID)
  B< * 1 FETCH (UID 2)
  B< * 2 FETCH (UID 3)
  B< b6 OK *
`,
  ))

test('FETCH of what was expunged elsewhere is refused, never answered with another message (RFC 9051 §7.1, EXPUNGEISSUED)', () =>
  transcript(
    world(three),
    `${BOTH}
  A: a3 STORE 2 +FLAGS.SILENT (\\Deleted)
  A< a3 OK *
  A: a4 EXPUNGE
  A< * 2 EXPUNGE
  A< a4 OK *
  B: b3 FETCH 2:3 (UID RFC822.SIZE)
  B< * 3 FETCH (UID 3 RFC822.SIZE *)
  B< b3 NO [EXPUNGEISSUED] *
  B: b4 FETCH 2 (UID BODY.PEEK[])
  B< b4 NO [EXPUNGEISSUED] *
  B: b5 UID FETCH 2 (FLAGS)
  B< * 2 EXPUNGE
  B< b5 OK *
`,
  ))

test('several EXPUNGEs each count from the ones before (RFC 9051 §7.5.1)', () =>
  transcript(
    world(three),
    `${BOTH}
  A: a3 STORE 1,3 +FLAGS.SILENT (\\Deleted)
  A< a3 OK *
  A: a4 EXPUNGE
  A< * 3 EXPUNGE
  A< * 1 EXPUNGE
  A< a4 OK *
  B: b3 NOOP
  B< * 3 EXPUNGE
  B< * 1 EXPUNGE
  B< b3 OK *
  B: b4 UID SEARCH ALL
  B< * SEARCH 2
  B< b4 OK *
`,
  ))

test('new messages are told during FETCH although an EXPUNGE has to wait (RFC 9051 §7.4.1)', () =>
  transcript(
    world({ ...three, steps: it => ({ delivery: () => it.append(mail('four')) }) }),
    `${BOTH}
  A: a3 STORE 1 +FLAGS.SILENT (\\Deleted)
  A< a3 OK *
  A: a4 EXPUNGE
  A< * 1 EXPUNGE
  A< a4 OK *
  H: delivery
  B: b3 FETCH 2 (UID)
  B< * 2 FETCH (UID 2)
  B< * 4 EXISTS
  B< b3 OK *
  B: b4 FETCH 4 (UID)
  B< * 4 FETCH (UID 4)
  B< b4 OK *
  B: b5 NOOP
  B< * 1 EXPUNGE
  B< b5 OK *
  B: b6 FETCH 3 (UID)
  B< * 3 FETCH (UID 4)
  B< b6 OK *
`,
  ))

test('flags added by two sessions both survive, and each learns of the other (RFC 9051 §6.4.6)', () =>
  transcript(
    world(three),
    `${BOTH}
  A: a3 STORE 1 +FLAGS (\\Flagged)
  A< * 1 FETCH (UID 1 FLAGS (\\Flagged))
  A< a3 OK *
  B: b3 STORE 1 +FLAGS ($Work)
  B< * FLAGS (* $Work)
  B< * OK [PERMANENTFLAGS (* $Work \\*)] *
  B< * 1 FETCH (UID 1 FLAGS ($Work \\Flagged))
  B< ...
  B< b3 OK *
  A: a4 NOOP
  A< * FLAGS (* $Work)
  A< * OK [PERMANENTFLAGS (* $Work \\*)] *
  A< * 1 FETCH (UID 1 FLAGS ($Work \\Flagged))
  A< a4 OK *
`,
  ))

test('IDLE tells what the other session does: flags, expunges, arrivals (RFC 9051 §6.3.13)', () =>
  transcript(
    world({ ...three, steps: it => ({ delivery: () => it.append(mail('four')) }) }),
    `${BOTH}
  B: b3 IDLE
  B< + *
  A: a3 STORE 2 +FLAGS.SILENT (\\Deleted)
  A< a3 OK *
  B< * 2 FETCH (UID 2 FLAGS (\\Deleted))
  A: a4 EXPUNGE
  A< * 2 EXPUNGE
  A< a4 OK *
  B< * 2 EXPUNGE
  H: delivery
  B< * 3 EXISTS
  B: DONE
  B< b3 OK *
`,
  ))

test('a mailbox that is deleted while it is selected is empty from then on (RFC 9051 §6.3.5)', () =>
  transcript(
    world({ messages: [{ text: mail('one'), mailbox: 'old' }] }),
    `
  A< * OK *
  A: a1 LOGIN ann secret
  A< a1 OK *
  A: a2 SELECT old
  A< ...
  A< a2 OK *
  B< * OK *
  B: b1 LOGIN ann secret
  B< b1 OK *
  B: b2 DELETE old
  B< b2 OK *
  A: a3 NOOP
  A< * 1 EXPUNGE
  A< a3 OK *
  A: a4 UID STORE 1 +FLAGS (\\Seen)
  A< a4 NO [NONEXISTENT] *
`,
  ))

test('COPY by sequence numbers copies nothing when one of the messages is gone: all or none (RFC 9051 §6.4.7; RFC 2180 §4.4.1)', () =>
  transcript(
    world({ ...three, mailboxes: ['Other'] }),
    `${BOTH}
  A: a3 STORE 2 +FLAGS.SILENT (\\Deleted)
  A< a3 OK *
  A: a4 EXPUNGE
  A< * 2 EXPUNGE
  A< a4 OK *
  B: b3 SEARCH UID 1:*
  B< * SEARCH 1 3
  B< b3 OK *
  B: b4 COPY 1:* Other
  B< * 2 EXPUNGE
  B< b4 NO [EXPUNGEISSUED] *
  B: b5 STATUS Other (MESSAGES)
  B< * STATUS Other (MESSAGES 0)
  B< b5 OK *
  B: b6 COPY 1:* Other
  B< b6 OK [COPYUID * 1,3 1:2] *
`,
  ))
