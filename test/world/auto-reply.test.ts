import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { MailServer } from 'mailwright'
import { autoReplies } from 'mailwright/filters/auto-reply'
import { memoryState } from 'mailwright/stores/memory'
import { world } from './world.ts'

test('two people who are both away answer each other once, and their servers fall silent (RFC 3834 §2; S22)', async () => {
  await using earth = world()
  const servers = new Map<string, MailServer>()
  const away = (domain: string) =>
    autoReplies({
      state: memoryState(),
      answer: () => ({ text: `Nobody is at ${domain}.` }),
      send: mail => servers.get(domain)?.send(mail) ?? Promise.reject(new Error('not there yet')),
    })
  const near = await earth.citizen('near.example', { middleware: [away('near.example')] })
  const far = await earth.citizen('far.example', { accounts: ['zoe'], middleware: [away('far.example')] })
  for (const { domain, server } of [near, far]) servers.set(domain, server)
  for (let round = 0; round < 3; round++) {
    await near.server.send({ from: 'ann@near.example', to: 'zoe@far.example', subject: `Lunch ${round}?`, text: 'Hello' })
    await far.server.send({ from: 'zoe@far.example', to: 'ann@near.example', subject: `Dinner ${round}?`, text: 'Hello' })
  }
  const toAnn = await near.inbox('ann', 4)
  const toZoe = await far.inbox('zoe', 4)
  // Whatever an answer might still bring about is under way or done once both queues are empty.
  for (const { server } of [near, far])
    while ((await server.queue?.counts())?.messages !== 0) await new Promise(resolve => setTimeout(resolve, 10))
  assert.equal((await near.inbox('ann', 4)).length, 4)
  assert.equal((await far.inbox('zoe', 4)).length, 4)
  const answers = [toAnn, toZoe].map(inbox => inbox.filter(text => text.includes('\nAuto-Submitted: auto-replied\n')))
  assert.deepEqual(
    answers.map(([text = '']) => [text.split('\n')[0], /^Subject: (Auto: \w+)/m.exec(text)?.[1], /^(Nobody.*)$/m.exec(text)?.[1]]),
    [
      ['Return-Path: <>', 'Auto: Lunch', 'Nobody is at far.example.'],
      ['Return-Path: <>', 'Auto: Dinner', 'Nobody is at near.example.'],
    ],
  )
  assert.deepEqual(
    answers.map(({ length }) => length),
    [1, 1],
  )
  assert.deepEqual([...near.errors, ...far.errors], [])
})
