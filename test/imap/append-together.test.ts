/** APPENDs that come one behind the other are under way together: told in their order, and before anything else is done. RFC 9051 §5.5, §6.3.12. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MailError, reject } from 'mailwright/contracts'
import type { Middleware } from 'mailwright/contracts'
import { transcript } from 'mailwright/testing'
import { makeWorld, world, wrapAppends, type WorldOptions } from './world.ts'

const LOGIN = `
  S: * OK *
  C: a1 LOGIN ann secret
  S: a1 OK *`

/** A world whose store says after so many seconds that it appended: the first message, the second and so on. */
function slow(seconds: readonly number[], options: WorldOptions = {}, fails: Readonly<Record<number, Error>> = {}): WorldOptions {
  return {
    ...options,
    wrapStore: (store, clock) =>
      wrapAppends(store, async nth => {
        await new Promise<void>(resolve => clock.after((seconds[nth - 1] ?? 0) * 1000, resolve))
        const error = fails[nth]
        if (error !== undefined) throw error
      }),
  }
}

const THREE = `
  C: a2 APPEND INBOX {3+}
  C: one
  C: a3 APPEND INBOX {3+}
  C: two
  C: a4 APPEND INBOX {5+}
  C: three`

test('APPENDs are told in their order, whichever is durable first (RFC 9051 §5.5)', () =>
  transcript(
    world(slow([2, 3, 1])),
    `${LOGIN}${THREE}
  T: 1 seconds
  S: (nothing)
  T: 1 seconds
  S: a2 OK [APPENDUID * 1] *
  S: (nothing)
  T: 1 seconds
  S: a3 OK [APPENDUID * 2] *
  S: a4 OK [APPENDUID * 3] *
`,
  ))

test('another command waits until the APPENDs before it are told (RFC 9051 §5.5)', () =>
  transcript(
    world(slow([1, 2, 3])),
    `${LOGIN}${THREE}
  C: a5 STATUS INBOX (MESSAGES)
  S: (nothing)
  T: 2 seconds
  S: a2 OK *
  S: a3 OK *
  S: (nothing)
  T: 1 seconds
  S: a4 OK *
  S: * STATUS INBOX (MESSAGES 3)
  S: a5 OK *
`,
  ))

test('a failure is told in its turn, and the others are stored (RFC 9051 §6.3.12)', () =>
  transcript(
    world(slow([2, 1, 1], {}, { 2: new MailError('over-quota', 'full') })),
    `${LOGIN}${THREE}
  T: 1 seconds
  S: (nothing)
  T: 1 seconds
  S: a2 OK *
  S: a3 NO [OVERQUOTA] *
  S: a4 OK *
`,
  ))

test('a store that breaks under an APPEND costs that APPEND (RFC 5530 §3)', () =>
  transcript(
    world(slow([2, 1, 1], { errorsExpected: true }, { 2: new Error('broken') })),
    `${LOGIN}${THREE}
  T: 2 seconds
  S: a2 OK *
  S: a3 NO [SERVERBUG] *
  S: a4 OK *
`,
  ))

test('APPENDs that are refused before the store is asked are told in their turn too (RFC 9051 §6.3.12; RFC 7889 §4)', () => {
  const noViruses: Middleware = {
    name: 'no-viruses',
    message: async (context, next) => (context.header('Subject') === 'virus' ? reject('That is a virus') : next()),
  }
  return transcript(
    world(slow([1], { middleware: [noViruses], imap: { appendLimit: 100 } })),
    `${LOGIN}
  C: a2 APPEND INBOX {3+}
  C: one
  C: a3 APPEND nowhere {3+}
  C: two
  C: a4 APPEND INBOX {18+}
  C: Subject: virus
  C:
  C:
  C: a5 APPEND INBOX {101+}
  S: (nothing)
  T: 1 seconds
  S: a2 OK *
  S: a3 NO [TRYCREATE] *
  S: a4 NO [NOPERM] That is a virus
  S: a5 NO [TOOBIG] *
  S: * BYE [TOOBIG] *
  S: (closed)
`,
  )
})

test('an APPEND that the command phase refuses is told in its turn too (RFC 9051 §5.5)', () => {
  let asked = 0
  const picky: Middleware = {
    name: 'picky',
    // The script is played more than once.
    command: async ({ command }, next) => (command === 'APPEND' && ++asked % 3 === 2 ? reject('Not this one') : next()),
  }
  return transcript(
    world(slow([1, 1], { middleware: [picky] })),
    `${LOGIN}${THREE}
  S: (nothing)
  T: 1 seconds
  S: a2 OK *
  S: a3 NO [NOPERM] Not this one
  S: (nothing)
  T: 1 seconds
  S: a4 OK *
`,
  )
})

test('what is none comes after the APPENDs before it (RFC 9051 §2.2.2)', () =>
  transcript(
    world(slow([1, 2])),
    `${LOGIN}
  C: a2 APPEND INBOX {3+}
  C: one
  C: a3 APPEND
  S: (nothing)
  T: 1 seconds
  S: a2 OK *
  S: a3 BAD *
`,
  ))

test('the selected mailbox tells each message before its APPEND (RFC 9051 §6.3.12)', () =>
  transcript(
    world(slow([1, 2])),
    `${LOGIN}
  C: b1 SELECT INBOX
  S: ...
  S: b1 OK *
  C: a2 APPEND INBOX {3+}
  C: one
  C: a3 APPEND INBOX {3+}
  C: two
  S: (nothing)
  T: 1 seconds
  S: * 2 EXISTS
  S: a2 OK *
  T: 1 seconds
  S: a3 OK *
`,
  ))

test('a server that goes down tells of the APPENDs under way before it says BYE (RFC 9051 §7.1.5)', () =>
  transcript(
    world(slow([1, 2], { steps: it => ({ down: () => it.engine.shutdown() }) })),
    `${LOGIN}
  C: a2 APPEND INBOX {3+}
  C: one
  C: a3 APPEND INBOX {3+}
  C: two
  H: down
  S: (nothing)
  T: 1 seconds
  S: a2 OK *
  S: (nothing)
  T: 1 seconds
  S: a3 OK *
  S: * BYE *
  S: (closed)
`,
  ))

test('a client that ends after its last APPEND is told of all of them, and nothing of them stays in the spool (RFC 9051 §6.3.12)', async () => {
  const made = await makeWorld(slow([1, 2]))
  await transcript(
    { ...made, close: () => undefined },
    `${LOGIN}
  C: a2 APPEND INBOX {3+}
  C: one
  C: a3 APPEND INBOX {3+}
  C: two
  C: (end)
  S: (nothing)
  T: 2 seconds
  S: a2 OK *
  S: a3 OK *
  S: (closed)
`,
  )
  assert.equal(made.spool.held, 0)
  const inbox = await made.mailbox('INBOX')
  assert.equal((await inbox.status()).messages, 6, 'two of each replay')
  await made.store.close()
})

test('of a client that goes on while the store is stuck, so many APPENDs are taken and no more', async () => {
  let asked = 0
  const stuck: WorldOptions = {
    wrapStore: (store, clock) =>
      wrapAppends(store, async nth => {
        asked = nth
        await new Promise<void>(resolve => clock.after(1000, resolve))
      }),
    steps: () => ({ 'sixty-four were asked for': () => assert.equal(asked, 64) }),
  }
  const many = Array.from({ length: 80 }, (_, n) => `  C: x${n} APPEND INBOX {3+}\n  C: one\n`).join('')
  const told = Array.from({ length: 80 }, (_, n) => `  S: x${n} OK *\n`).join('')
  await transcript(
    world(stuck),
    `${LOGIN}
${many}  S: (nothing)
  H: sixty-four were asked for
  T: 2 seconds
${told}`,
  )
})
