/** Patterns of LIST that cost more than they say (P4). */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { transcript } from 'mailwright/testing'
import { world } from '../imap/world.ts'
import { processorTime } from '../support/processor-time.ts'

test('no pattern of LIST holds the server up: wildcards without end, more letters than any name has (RFC 9051 §6.3.9, P4)', async () => {
  const mailboxes = Array.from({ length: 30 }, (_, index) => `${'x'.repeat(200)}${index}`)
  const began = processorTime()
  await transcript(
    world({ mailboxes }),
    `
  S: * OK *
  C: a1 LOGIN ann secret
  S: a1 OK *
  C: a2 LIST "" "${'%x'.repeat(15_000)}"
  S: a2 OK *
  C: a3 LIST "" "${'%'.repeat(30_000)}!"
  S: a3 OK *
  C: a4 LIST "" "${'%*'.repeat(10_000)}x29"
  S: * LIST (\\HasNoChildren) "/" "*x29"
  S: a4 OK *
`,
  )
  assert.ok(processorTime() - began < 10_000)
})

test('an extended LIST takes 32 patterns and no more (RFC 5258 §3; P8)', () =>
  transcript(
    world(),
    `
  S: * OK *
  C: a1 LOGIN ann secret
  S: a1 OK *
  C: a2 LIST "" (${Array.from({ length: 33 }, (_, n) => `%${n}*`).join(' ')})
  S: a2 BAD *
  C: a3 LIST "" (INBOX ${Array.from({ length: 31 }, (_, n) => `x${n}*`).join(' ')})
  S: * LIST (\\HasNoChildren) "/" INBOX
  S: a3 OK *
`,
  ))
