/**
 * A process that uses a queue until it is killed: queues messages, leases, hands what it leased to a server that it makes up,
 * settles. Arguments: the store's folder, the ledgers' folder, its own name, `work` or `drain` (ends when nothing is left).
 */

import { createHash, randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { QueuedMessage, QueueLease, RecipientOutcome } from 'mailwright/contracts'
import { sqliteStore } from 'mailwright/stores/sqlite'
import { QueueLedger } from './queue-ledger.ts'

const [, , folder = '', ledgers = '', name = '', mode = 'work'] = process.argv

/** Short, so that what the dead held comes back soon. */
const LEASE = 1500

/** Messages that wait at most, so that the workers keep up. */
const MOST = 400

const began = performance.now()
const store = sqliteStore({ path: folder, pollInterval: 50, segmentSize: 4_000_000, compactEvery: 0 })
const { queue } = store
const ledger = new QueueLedger(ledgers, name)
let isStarted = false

function sourceOf(text: string): QueuedMessage['content'] {
  const octets = new TextEncoder().encode(text)
  return { size: octets.length, read: (start, end) => octets.subarray(start, end) }
}

function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}

/** A message that says of itself what it must be. */
function textOf(key: string): string {
  const body = key.repeat(20 + (Number.parseInt(key.slice(-3), 16) % 400))
  return `X-Key: ${key}\r\nX-Hash: ${hashOf(body)}\r\n\r\n${body}`
}

async function enqueueOne(): Promise<void> {
  const key = randomBytes(8).toString('hex')
  const seed = Number.parseInt(key.slice(0, 4), 16)
  const recipients = Array.from({ length: 1 + (seed % 3) }, (_, at) => ({ address: `r${at}@d${(seed + at) % 9}.example` }))
  const message: QueuedMessage = {
    from: 'ann@example.org',
    origin: 'api',
    account: `a${seed % 4}`,
    envelopeId: key,
    recipients,
    prefix: new TextEncoder().encode('Received: here\r\n'),
    content: sourceOf(textOf(key)),
    idempotencyKey: key,
  }
  // Twice at once, as who got no answer does: it is one message all the same.
  const answers = await Promise.all([queue.enqueue(message), ...(seed % 5 === 0 ? [queue.enqueue(message)] : [])])
  const ids = new Set(answers.map(({ id }) => id))
  if (ids.size !== 1) ledger.write([`wrong ${key} became ${[...ids].join(' and ')}`])
  ledger.write([`queued ${key} ${answers[0]?.id ?? ''}`])
}

async function compactAlways(): Promise<void> {
  for (;;) {
    await sleep(1500)
    // At once, under the eyes of who reads: what is queued must outlive it.
    await store.compact({ grace: 0 })
  }
}

async function enqueueAlways(): Promise<void> {
  for (;;) {
    const { messages } = await queue.counts()
    if (messages > MOST) await sleep(20)
    for (let at = 0; at < 10; at++) await enqueueOne()
  }
}

function outcomeOf(key: string, index: number, attempts: number): RecipientOutcome {
  const now = Date.now()
  const chance = Number.parseInt(hashOf(`${key}.${index}.${attempts}`).slice(0, 2), 16)
  if (key.startsWith('bounce') || chance < 180) return { kind: 'delivered', status: { at: now, code: '2.0.0', text: 'fine' } }
  if (chance < 215) return { kind: 'failed', status: { at: now, code: '5.1.1', text: 'no such user' } }
  return { kind: 'deferred', status: { at: now, code: '4.2.0', text: 'later' }, dueAt: now + 30 + chance }
}

/** Whether the octets are those that were queued. */
async function check({ envelope, content }: QueueLease): Promise<void> {
  const text = new TextDecoder().decode(await content.read(0, content.size))
  const [, key, hash, body = ''] = /^(?:Received: here\r\n)?X-Key: (.*)\r\nX-Hash: (.*)\r\n\r\n([^]*)$/.exec(text) ?? []
  if (key !== envelope.envelopeId || hashOf(body) !== hash) ledger.write([`wrong octets of ${envelope.envelopeId ?? ''}`])
}

async function workAlways(): Promise<void> {
  for (;;) {
    const leases = await queue.lease({ limit: 25, leaseMs: LEASE, perDestination: 10 })
    if (!isStarted) {
      isStarted = true
      ledger.write([`started ${Math.round(performance.now() - began)}`])
      process.stdout.write('ready\n')
    }
    if (leases.length === 0) {
      if (mode === 'drain' && (await queue.counts()).messages === 0) return
      await sleep(10)
      continue
    }
    for (const lease of leases) await check(lease)
    const plan = leases.map(lease => ({
      lease,
      key: lease.envelope.envelopeId ?? '',
      outcomes: lease.recipients.map(({ index, attempts }) => ({
        index,
        outcome: outcomeOf(lease.envelope.envelopeId ?? '', index, attempts),
      })),
    }))
    const all = plan.flatMap(({ lease, key, outcomes }) => outcomes.map(({ index, outcome }) => ({ lease, key, index, outcome })))
    // From here on the other end has it, whatever becomes of us.
    ledger.write(
      all.flatMap(({ lease, key, index, outcome }) => (outcome.kind === 'delivered' ? [`took ${key} ${index} ${lease.token}`] : [])),
    )
    const lost = new Set(await queue.renew(leases, LEASE))
    const notifications = all.flatMap(({ lease, key, index, outcome }) => {
      if (outcome.kind !== 'failed') return []
      const bounce = `bounce-${key}-${index}`
      const message: QueuedMessage = {
        from: '',
        origin: 'notification',
        envelopeId: bounce,
        recipients: [{ address: 'ann@example.org' }],
        content: sourceOf(textOf(bounce)),
      }
      return [{ about: lease.id, token: lease.token, message }]
    })
    const settlements = plan.map(({ lease: { id, token }, outcomes }) => ({ id, token, outcomes }))
    for (const token of await queue.settle(settlements, { notifications })) lost.add(token)
    ledger.write(
      all.flatMap(({ lease, key, index, outcome }) =>
        lost.has(lease.token) ? [] : [`settled ${key} ${index} ${lease.token} ${outcome.kind}`],
      ),
    )
  }
}

if (mode === 'drain') await workAlways()
else await Promise.all([compactAlways(), enqueueAlways(), enqueueAlways(), enqueueAlways(), workAlways(), workAlways()])
await store.close()
ledger.close()
