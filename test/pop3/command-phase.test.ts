/** The phase `command`: asked once for every command, however it is spelt, and before anything happens. RFC 1939 §3, §9. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { reject } from 'mailwright/contracts'
import type { Middleware } from 'mailwright/contracts'
import { transcript } from 'mailwright/testing'
import { commands } from '../../src/pop3/commands/index.ts'
import { LOGIN, mailOf, makeWorld } from './world.ts'

const BEFORE_LOGIN = ['user ann@example.org', 'Pass correct horse', 'auth plain', 'stls', 'utf8']
const AFTER_LOGIN = ['capa', 'stat', 'list', 'List 1', 'uidl', 'retr 1', 'top 1 0', 'dele 1', 'rset', 'noop', 'quit']

function refused(sent: readonly string[]): string {
  return sent.map(command => `\n  C: ${command}\n  S: -ERR * Not today`).join('')
}

test('the command phase is asked once for every command, before anything happens (RFC 1939 §3)', async () => {
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
  const made = await makeWorld({ middleware: [gate], messages: [mailOf(120)] })
  await transcript(
    {
      ...made,
      close: () => void (isOpen = false),
      steps: { open: () => void (isOpen = true), shut: () => void (isOpen = false) },
    },
    `
  S: +OK *${refused(BEFORE_LOGIN)}
  H: open
${LOGIN.replace(/.*ready\n/, '')}
  H: shut${refused(AFTER_LOGIN)}
  H: open
  C: STAT
  S: +OK 1 120
`,
  )
  const sent = [...BEFORE_LOGIN, ...AFTER_LOGIN].map(command => command.split(' ')[0]?.toUpperCase() ?? '')
  assert.deepEqual(new Set(sent), new Set(commands.keys()), 'one of each')
  // A script is played more than once.
  const plays = Math.max(1, Math.round(asked.length / sent.length))
  assert.deepEqual(asked, Array.from({ length: plays }, () => sent).flat())
})
