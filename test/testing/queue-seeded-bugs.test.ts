import assert from 'node:assert/strict'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { fileURLToPath, pathToFileURL } from 'node:url'
import type { Queue, QueueLease } from 'mailwright/contracts'
import { memoryQueue, type MemoryQueueOptions } from 'mailwright/outbound'
import { type QueueFactory, queueSuite } from 'mailwright/testing'
import { queueBugs, type QueueBug } from './bugs/queueing.ts'

type Make = (options: MemoryQueueOptions) => Queue

const source = fileURLToPath(new URL('../../src', import.meta.url))

/** Sows one bug in a copy of the memory queue; answers how to make queues of it. */
async function sow({ name, file, line, broken }: QueueBug, garden: string, number: number): Promise<Make> {
  const plot = join(garden, 'outbound', `queue-${number}`)
  cpSync(join(source, 'outbound/queue'), plot, { recursive: true })
  const text = readFileSync(join(plot, file), 'utf8')
  assert.equal(text.split(line).length, 2, `"${name}" no longer fits src/outbound/queue/${file}: its line stands there not exactly once`)
  writeFileSync(
    join(plot, file),
    text.replace(line, () => broken),
  )
  const sown = (await import(pathToFileURL(join(plot, 'memory-queue.ts')).href)) as { memoryQueue: Make }
  return sown.memoryQueue
}

/** The first case that fails for a broken promise, and what it says. Without histories: a sentence must break. */
async function caughtBy(factory: QueueFactory): Promise<string | undefined> {
  for (const { name, run } of queueSuite(factory, { suppressions: false, histories: 0 })) {
    const failure = await run().then(
      () => undefined,
      (error: unknown) => (error instanceof Error ? error : new Error(String(error))),
    )
    if (failure === undefined) continue
    // A mistake in the sowing would not be a bug that was caught.
    for (const mistake of [failure, failure.cause]) if (mistake instanceof TypeError || mistake instanceof ReferenceError) throw mistake
    return `${name}\n${failure.message}`
  }
  return undefined
}

function report(t: TestContext, missed: readonly string[], all: number, enough: number): void {
  t.diagnostic(`${all - missed.length} of ${all} sown bugs were caught`)
  assert.deepEqual(missed, [], 'every bug is caught')
  assert.ok(all >= enough, 'there are enough of them to mean something')
}

test('the kit catches every bug that is sown in the memory queue (RFC 5321 §4.5.4)', async t => {
  const garden = mkdtempSync(join(tmpdir(), 'mailwright-bugs-'))
  t.after(() => rmSync(garden, { recursive: true }))
  writeFileSync(join(garden, 'package.json'), '{"type":"module"}')
  cpSync(join(source, 'contracts'), join(garden, 'contracts'), { recursive: true })
  mkdirSync(join(garden, 'outbound'))
  const missed: string[] = []
  for (const [number, bug] of queueBugs.entries()) {
    const make = await sow(bug, garden, number)
    const caught = await caughtBy({ make: async setting => ({ queue: make(setting) }) })
    if (caught === undefined) missed.push(bug.name)
    else if (process.env['MAILWRIGHT_SHOW_BUGS'] !== undefined) t.diagnostic(`${bug.name}: ${caught}`)
  }
  report(t, missed, queueBugs.length, 40)
})

/** What a crash does to queues that are not durable after all. The memory queue stands for one that is. */
const crashes: Readonly<Record<string, (queue: Queue, leases: readonly QueueLease[]) => Promise<unknown>>> = {
  'a hold is forgotten': queue => queue.release({}),
  'a pause is forgotten': async queue => {
    for (const rule of await queue.paused()) await queue.resume(rule)
  },
  'put-off mail is due at once': queue => queue.retry({}),
  'the message queued last is lost': async queue => {
    let last: string | undefined
    for await (const { id } of queue.list()) last = id
    if (last !== undefined) await queue.remove({ id: last })
  },
  'bounces are lost': queue => queue.remove({ from: '' }),
  'leases are forgotten, so that two workers have the same mail': (queue, leases) =>
    queue.settle(leases.map(({ id, token }) => ({ id, token, outcomes: [] }))),
  'everything is lost': queue => queue.remove({}),
}

/** A memory queue to which that happens at every crash. */
function breaking(crash: (queue: Queue, leases: readonly QueueLease[]) => Promise<unknown>): QueueFactory {
  const leased = new Map<Queue, QueueLease[]>()
  return {
    async make(setting) {
      const queue = memoryQueue(setting)
      const lease = queue.lease.bind(queue)
      const known: QueueLease[] = []
      leased.set(queue, known)
      queue.lease = async (request, options) => {
        const leases = await lease(request, options)
        known.push(...leases)
        return leases
      }
      return { queue }
    },
    async reopen(tried) {
      await crash(tried.queue, leased.get(tried.queue) ?? [])
      return tried
    },
  }
}

test('the kit catches what a crash does to a queue that is not durable (RFC 5321 §6.1)', async t => {
  assert.equal(await caughtBy(breaking(async () => undefined)), undefined, 'one that keeps everything is not blamed')
  const missed: string[] = []
  for (const [name, crash] of Object.entries(crashes)) {
    const caught = await caughtBy(breaking(crash))
    if (caught === undefined) missed.push(name)
    else {
      assert.match(caught, /crash/, `${name} shows after a crash`)
      if (process.env['MAILWRIGHT_SHOW_BUGS'] !== undefined) t.diagnostic(`${name}: ${caught}`)
    }
  }
  report(t, missed, Object.keys(crashes).length, 6)
})
