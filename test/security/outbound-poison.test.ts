import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MailError } from 'mailwright/contracts'
import type { QueuedMessage } from 'mailwright/contracts'
import { memoryQueue } from 'mailwright/outbound'
import { source, stageOf } from '../outbound/agent-stage.ts'

test('words of NOTIFY, RET and origin that callers without types make up are not queued (RFC 3461 §4.1, §4.3; S13)', async () => {
  const queue = memoryQueue()
  const evil = 'FULL\r\nRCPT TO:<victim@far.example>'
  const message: QueuedMessage = {
    from: 'ann@example.org',
    origin: 'api',
    recipients: [{ address: 'bob@far.example' }],
    content: source('Subject: x\r\n\r\nx\r\n'),
  }
  for (const more of [{ returnedContent: evil }, { origin: evil }, { recipients: [{ address: 'bob@far.example', notify: [evil] }] }])
    await assert.rejects(queue.enqueue({ ...message, ...more } as unknown as QueuedMessage), { kind: 'invalid' })
})

test('a message that can never be sent is tried as seldom as any other, and given up in the end (RFC 5321 §4.5.4.1)', async () => {
  let tries = 0
  const stage = stageOf(async lease => {
    if (lease.destination !== 'far.example') return { attempts: [] }
    tries += 1
    throw new MailError('corrupt', 'the content of a queued message is lost')
  })
  const id = await stage.enqueue(['bob@far.example'], { recipients: [{ address: 'bob@far.example', notify: ['NEVER'] }] })
  stage.agent.start()
  await stage.pass(5 * 86_400_000 + 3_600_000)
  assert.ok(tries > 25 && tries < 45, `${tries} tries`)
  assert.equal((await stage.queue.show(id))?.recipients[0]?.state, 'failed')
  assert.equal(stage.errors.length, tries)
  await stage.agent.stop(0)
})
