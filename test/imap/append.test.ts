import assert from 'node:assert/strict'
import { test } from 'node:test'
import { accept, MailError, reject } from 'mailwright/contracts'
import type { Middleware } from 'mailwright/contracts'
import { transcript } from 'mailwright/testing'
import { makeWorld, mail, world, wrapMailboxLists } from './world.ts'
import type { WorldOptions } from './world.ts'

const LOGIN = `
  S: * OK *
  C: a1 LOGIN ann secret
  S: a1 OK *
`

test('APPEND with flags and date; the selected mailbox tells it (RFC 9051 §6.3.12)', () =>
  transcript(
    world(),
    `${LOGIN}
  C: a2 SELECT INBOX
  S: ...
  S: a2 OK *
  C: a3 APPEND inbox (\\seen $Work) "17-Jul-1996 02:44:25 -0700" {15}
  S: + *
  C: Subject: x
  C:
  C~ y
  C:
  S: ...
  S: * 1 EXISTS
  S: a3 OK [APPENDUID * 1] *
  C: a4 FETCH 1 (FLAGS INTERNALDATE RFC822.SIZE)
  S: * 1 FETCH (FLAGS (*\\Seen*) INTERNALDATE "17-Jul-1996 09:44:25 +0000" RFC822.SIZE 15)
  S: a4 OK *
`,
  ))

test('APPEND that is refused before its message never sees it (RFC 9051 §6.3.12; RFC 7889 §4)', () =>
  transcript(
    world({ imap: { appendLimit: 100 } }),
    `${LOGIN}
  C: a2 APPEND INBOX {101}
  S: a2 NO [TOOBIG] *
  C: a3 APPEND nowhere {4}
  S: a3 NO [TRYCREATE] *
  C: a4 APPEND nowhere {9+}
  C: A8 NOOP
  C:
  S: a4 NO [TRYCREATE] *
  C: a5 APPEND INBOX {101+}
  S: a5 NO [TOOBIG] *
  S: * BYE [TOOBIG] *
  S: (closed)
`,
  ))

test('APPEND in the form of UTF8=ACCEPT (RFC 6855 §4)', () =>
  transcript(
    world(),
    `${LOGIN}
  C: a2 ENABLE UTF8=ACCEPT
  S: * ENABLED UTF8=ACCEPT
  S: a2 OK *
  C: a3 APPEND INBOX UTF8 (~{4+}
  C: hi
  C: )
  S: a3 OK [APPENDUID * 1] *
`,
  ))

test('APPEND goes through the message phase (RFC 9051 §6.3.12)', () => {
  const noViruses: Middleware = {
    name: 'no-viruses',
    message: async (context, next) => (context.header('Subject') === 'virus' ? reject('That is a virus') : next()),
  }
  return transcript(
    world({ middleware: [noViruses] }),
    `${LOGIN}
  C: a2 APPEND INBOX {20+}
  C: Subject: virus
  C:
  C:
  C:
  S: a2 NO [NOPERM] That is a virus
  C: a3 STATUS INBOX (MESSAGES)
  S: * STATUS INBOX (MESSAGES 0)
  S: a3 OK *
`,
  )
})

test('the spool is empty after APPEND, also when the client leaves in the middle (RFC 9051 §6.3.12)', async () => {
  const made = await makeWorld()
  await transcript(
    { ...made, close: () => undefined },
    `${LOGIN}
  C: a2 APPEND INBOX {4+}
  C~ abcd\\r\\n
  S: a2 OK *
  C: a3 APPEND INBOX {400}
  S: + *
  C: only so much
  C: (gone)
`,
  )
  assert.equal(made.spool.held, 0)
  await made.store.close()
})

test('the command phase is asked before every command and may refuse it (RFC 9051 §6)', () => {
  const readers: Middleware = {
    name: 'readers',
    command: async ({ command }, next) => (command === 'DELETE' ? reject('Only reading here') : next()),
    login: async (_context, next) => ((await next()).kind === 'accept' ? accept() : reject('No')),
  }
  return transcript(
    world({ middleware: [readers], messages: [mail('one')] }),
    `${LOGIN}
  C: a2 DELETE Drafts
  S: a2 NO [NOPERM] Only reading here
  C: a3 STATUS INBOX (MESSAGES)
  S: * STATUS INBOX (MESSAGES 1)
  S: a3 OK *
`,
  )
})

test('the message of an APPEND that the command phase refuses is read past: its lines are no commands (RFC 9051 §6.3.12)', () => {
  const noAppends: Middleware = {
    name: 'no-appends',
    command: async ({ command }, next) => (command === 'APPEND' ? reject('Only reading here') : next()),
  }
  return transcript(
    world({ middleware: [noAppends], mailboxes: ['Drafts'] }),
    `${LOGIN}
  C: a2 APPEND INBOX {16+}
  C: x1 DELETE Drafts
  S: a2 NO [NOPERM] Only reading here
  C: a3 APPEND INBOX {16}
  S: a3 NO [NOPERM] Only reading here
  C: a4 STATUS Drafts (MESSAGES)
  S: * STATUS Drafts (MESSAGES 0)
  S: a4 OK *
`,
  )
})

/** An APPEND whose message is a command, behind which a command tells whether it was carried out. */
const NO_COMMAND = (answer: string): string => `${LOGIN}
  C: a2 APPEND INBOX {16+}
  C: x1 DELETE Drafts
  S: a2 ${answer}
  C: a4 STATUS Drafts (MESSAGES)
  S: * STATUS Drafts (MESSAGES 0)
  S: a4 OK *
`

test('the message is read past when the store cannot say which mailboxes there are: its lines are no commands (RFC 9051 §6.3.12)', () =>
  transcript(
    world({ mailboxes: ['Drafts'], wrapStore: store => wrapMailboxLists(store, 1), errorsExpected: true }),
    NO_COMMAND('NO [UNAVAILABLE] *'),
  ))

test('the message is read past when the spool takes none: its lines are no commands (RFC 9051 §6.3.12)', () => {
  const full: WorldOptions['wrapSpool'] = () => ({
    begin() {
      throw new MailError('no-space', 'the spool is full')
    },
  })
  return transcript(world({ mailboxes: ['Drafts'], wrapSpool: full, errorsExpected: true }), NO_COMMAND('NO [UNAVAILABLE] *'))
})

test('the message is read past when middleware throws, or answers what is no verdict (RFC 9051 §6.3.12)', async () => {
  const faults: Middleware['command'][] = [
    async ({ command }, next) => {
      if (command === 'APPEND') throw new Error('a bug')
      return next()
    },
    async ({ command }, next) => (command === 'APPEND' ? (undefined as never) : next()),
  ]
  for (const command of faults) {
    const middleware = [{ name: 'faulty', ...(command === undefined ? {} : { command }) }]
    await transcript(world({ mailboxes: ['Drafts'], middleware, errorsExpected: true }), NO_COMMAND('NO [UNAVAILABLE] *'))
  }
})

test('where more than the message follows, the next command cannot be found: the session ends with a word (RFC 9051 §3.4, §7.1.5)', async () => {
  for (const more of [' (\\Seen) {3+}', `${' '.repeat(80)}(\\Seen) {3+}`]) {
    await transcript(
      world(),
      `${LOGIN}
  C: a2 APPEND INBOX {3+}
  C: one${more}
  C: two
  S: a2 BAD *
  S: * BYE *
  S: (closed)
`,
    )
  }
})
