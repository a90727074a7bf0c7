/** The phase `command`: asked once for every command, under one name however it is spelt, and before anything happens. RFC 9051 §6, §9. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { reject } from 'mailwright/contracts'
import type { Middleware } from 'mailwright/contracts'
import { transcript } from 'mailwright/testing'
import { commands } from '../../src/imap/commands/index.ts'
import { mail, makeWorld } from './world.ts'

/** One of each, as clients spell them: in lower case, with literals that look like commands. */
const BEFORE_LOGIN = ['authenticate plain', 'starttls', 'login {3+}\r\nann secret']
const SELECTED = [
  'append INBOX {16+}\r\nx1 DELETE Drafts',
  'capability',
  'check',
  'close',
  'copy 1 Drafts',
  'uid copy 1 Drafts',
  'create {9+}\r\nNew there',
  'Delete Drafts',
  'enable condstore',
  'examine INBOX',
  'expunge',
  'uid expunge 1',
  'fetch 1 body[]',
  'Uid Fetch 1 flags',
  'getquota ""',
  'getquotaroot INBOX',
  'id nil',
  'idle',
  'list "" *',
  'lsub "" *',
  'move 1 Drafts',
  'uid move 1 Drafts',
  'namespace',
  'noop',
  'rename Drafts Others',
  'search subject {16+}\r\nx2 DELETE Drafts',
  'uid search all',
  'select Drafts',
  'status INBOX (messages)',
  'store 1 flags ()',
  'uid store 1 +flags (\\Deleted)',
  'subscribe Drafts',
  'unselect',
  'unsubscribe Drafts',
  'logout',
]

function nameOf(command: string): string {
  const [first = '', second = ''] = command.toUpperCase().split(' ')
  return first === 'UID' ? `UID ${second}` : first
}

function refused(sent: readonly string[], from: number): string {
  return sent
    .map((command, n) => `\n  C: x${from + n} ${command.replaceAll('\r\n', '\n  C: ')}\n  S: x${from + n} NO [NOPERM] Not today`)
    .join('')
}

test('the command phase is asked once for every command, under one name, before anything happens (RFC 9051 §6)', async () => {
  const asked: string[] = []
  let isOpen = false
  const gate: Middleware = {
    name: 'gate',
    async command({ command }, next) {
      if (isOpen) return next()
      asked.push(command)
      return reject('Not today')
    },
  }
  const made = await makeWorld({
    middleware: [gate],
    mailboxes: ['Drafts'],
    messages: [mail('one')],
    tls: 'none',
    imap: { allowPlaintextLogin: true },
  })
  const before = await made.account.mailboxes()
  await transcript(
    {
      ...made,
      remote: { address: '127.0.0.1' },
      close: () => void (isOpen = false),
      steps: { open: () => void (isOpen = true), shut: () => void (isOpen = false) },
    },
    `
  S: * OK *${refused(BEFORE_LOGIN, 100)}
  H: open
  C: a1 LOGIN ann secret
  S: a1 OK *
  C: a2 SELECT INBOX
  S: ...
  S: a2 OK *
  H: shut${refused(SELECTED, 200)}
  H: open
  C: a3 FETCH 1 FLAGS
  S: * 1 FETCH (FLAGS ())
  S: a3 OK *
`,
  )
  const sent = [...BEFORE_LOGIN, ...SELECTED].map(nameOf)
  assert.deepEqual(new Set(sent), new Set(commands.keys()), 'one of each')
  // A script is played more than once.
  const plays = Math.max(1, Math.round(asked.length / sent.length))
  assert.deepEqual(asked, Array.from({ length: plays }, () => sent).flat())
  assert.deepEqual(await made.account.mailboxes(), before)
  await made.store.close()
})
