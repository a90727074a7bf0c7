import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { MailEvents, Principal } from 'mailwright/contracts'
import { memoryQueue } from 'mailwright/outbound'
import { processTerminal } from '../../src/cli/terminal.ts'
import { queueTable } from '../../src/cli/queue-text.ts'
import { Departures } from '../../src/outbound/departures.ts'
import { tellOperator } from '../../src/server/personal-command.ts'
import { source } from '../outbound/agent-stage.ts'

const ACTS = 'x\u001b]0;pwned\u0007\r\nsent to root: 2.0.0\u009b2J\u2028\u202egnp.exe\u2066'
/** All that moves a cursor or turns text around. */
const ACTING = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]/
const status = { at: 0, code: '5.1.1', reply: 550, text: ACTS, remote: ACTS } as const

test('what a remote server said moves no cursor: in the queue’s table, in its JSON, and in the server’s lines (S14)', t => {
  const entry = {
    id: 'q1',
    from: ACTS,
    origin: 'submission',
    size: 1,
    queuedAt: 0,
    recipients: [{ address: ACTS, state: 'failed', attempts: 1, dueAt: 0, last: status }],
  } as unknown as Parameters<typeof queueTable>[0][number]
  assert.doesNotMatch(queueTable([entry], 0), ACTING)
  assert.equal(queueTable([entry], 0).split('\n').length, 3)

  const written: string[] = []
  const { mock } = t.mock.method(process.stdout, 'write', (text: string) => written.push(text) > 0)
  processTerminal(true).tell('', { ...entry })
  mock.restore()
  assert.doesNotMatch(written.join(''), ACTING)
  assert.equal(written.join('').split('\n').length, 2)
  assert.deepEqual(JSON.parse(written.join('')), entry, 'as JSON it is what it was')

  const lines: string[] = []
  tellOperator(
    {
      on(name, listener) {
        const event = { recipient: ACTS, status, dueAt: 0 } as unknown as Parameters<MailEvents[typeof name]>[0]
        if (name === 'sent' || name === 'delayed' || name === 'bounced') listener(event)
        return () => undefined
      },
    },
    line => void lines.push(line),
  )
  assert.equal(lines.length, 3)
  for (const line of lines) assert.doesNotMatch(line, /[\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]/)
})

test('nobody goes before everybody else’s mail by asking for it; behind it they may go (RFC 6710 §4.1; S34)', async () => {
  const queue = memoryQueue()
  const departures = new Departures({
    queue,
    clock: { now: Date.now, monotonic: Date.now, after: () => () => undefined },
    events: { emit: () => undefined },
  })
  const take = async (account: string, priority: number): Promise<string> =>
    departures.take({
      id: 'm',
      principal: { account: { id: account } } as Principal,
      sender: { local: account, domain: 'example.org' },
      recipients: [{ address: { local: 'zoe', domain: 'far.example' } }],
      content: source('Subject: x\r\n\r\nx\r\n'),
      prefix: new Uint8Array(0),
      header: () => undefined,
      smtpUtf8: false,
      priority,
    })
  for (let at = 0; at < 100; at++) await take('mallory', 9)
  const late = await take('late', -3)
  const id = await take('ann', 0)
  const leased = (await queue.lease({ limit: 10, leaseMs: 1000 })).map(lease => lease.id)
  assert.ok(leased.slice(0, 2).includes(id), 'accounts take turns')
  assert.ok(!leased.includes(late))
})
