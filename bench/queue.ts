/**
 * `npm run bench -- queue`: how fast mail is queued durably, leased in batches and settled, and how soon a process that starts
 * with a long queue has its first lease. Goals: 20,000 leases a second; 100,000 queued messages, first lease within 2 seconds.
 */

import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Queue, QueueLease, Settlement } from 'mailwright/contracts'
import { sqliteStore } from 'mailwright/stores/sqlite'
import { median, printTable } from './lib/figures.ts'

/** Calls that are under way at a time while queueing. */
const WIDTH = 200

const BATCH = 500

/** What a round measured: operations a second, and processor seconds for a thousand. */
interface Rate {
  readonly rate: number
  readonly cpu: number
}

async function measured(count: number, work: () => Promise<void>): Promise<Rate> {
  const cpu = process.cpuUsage()
  const start = performance.now()
  await work()
  const seconds = (performance.now() - start) / 1000
  const { user, system } = process.cpuUsage(cpu)
  return { rate: count / seconds, cpu: (user + system) / 1000 / count }
}

async function fill(queue: Queue, count: number, destinations: number): Promise<void> {
  const text = new TextEncoder().encode(`Subject: bench\r\n\r\n${'x'.repeat(70)}\r\n`)
  let next = 0
  await Promise.all(
    Array.from({ length: WIDTH }, async () => {
      for (let at = next++; at < count; at = next++) {
        // Contents differ, as those of real mail do: none is stored for another.
        const octets = new TextEncoder().encode(
          `Message-ID: <${at}@bench.example>\r\n${new TextDecoder().decode(text)}${'y'.repeat(3000)}\r\n`,
        )
        await queue.enqueue({
          from: 'ann@bench.example',
          origin: 'submission',
          account: `account ${at % 100}`,
          recipients: [{ address: `r${at}@d${at % destinations}.example` }],
          prefix: new TextEncoder().encode(`Received: by bench.example; ${at}\r\n`),
          content: { size: octets.length, read: (from, to) => octets.subarray(from, to) },
        })
      }
    }),
  )
}

function deliveredOf({ id, token, recipients }: QueueLease): Settlement {
  const status = { at: Date.now(), reply: 250, code: '2.0.0', text: 'queued as 1234', remote: 'mx.d.example' } as const
  return { id, token, outcomes: recipients.map(({ index }) => ({ index, outcome: { kind: 'delivered', status } })) }
}

/** Starts another process on the folder and answers the milliseconds from before it opens the store to its first leases. */
function restart(folder: string): number {
  const { stdout, stderr } = spawnSync(process.execPath, ['--conditions=mailwright-source', import.meta.filename, folder], {
    encoding: 'utf8',
  })
  const ms = Number(stdout)
  if (!Number.isFinite(ms) || stdout === '') throw new Error(`the process that restarts failed: ${stderr}`)
  return ms
}

/** Runs and prints everything; `scale` 1 is 100,000 messages. */
export async function queue(rounds: number, scale: number): Promise<void> {
  const count = Math.max(1000, Math.round(100_000 * scale))
  const rows: string[][] = []
  for (const destinations of [1, 50, Math.max(100, count / 10)]) {
    const enqueued: Rate[] = []
    const leased: Rate[] = []
    const settled: Rate[] = []
    const restarts: number[] = []
    const counts: number[] = []
    for (let round = 0; round < rounds; round++) {
      const folder = mkdtempSync(join(tmpdir(), 'mailwright-bench-queue-'))
      const first = sqliteStore({ path: folder, compactEvery: 0 })
      enqueued.push(await measured(count, () => fill(first.queue, count, destinations)))
      await first.close()
      restarts.push(restart(folder))
      const store = sqliteStore({ path: folder, compactEvery: 0 })
      const start = performance.now()
      const { waiting } = await store.queue.counts()
      counts.push(performance.now() - start)
      const batches: (readonly QueueLease[])[] = []
      leased.push(
        await measured(waiting, async () => {
          for (;;) {
            const leases = await store.queue.lease({ limit: BATCH, leaseMs: 600_000 })
            if (leases.length === 0) return
            batches.push(leases)
          }
        }),
      )
      settled.push(
        await measured(waiting, async () => {
          for (const leases of batches) await store.queue.settle(leases.map(deliveredOf))
        }),
      )
      await store.close()
      rmSync(folder, { recursive: true, force: true })
    }
    const rate = (rates: readonly Rate[]): string => `${Math.round(median(rates.map(({ rate: one }) => one)))}/s`
    const cpu = (rates: readonly Rate[]): string => `${median(rates.map(({ cpu: one }) => one)).toFixed(3)} s`
    rows.push([
      `${count} to ${destinations} destinations`,
      `${rate(enqueued)}, ${cpu(enqueued)}`,
      `${rate(leased)}, ${cpu(leased)}`,
      `${rate(settled)}, ${cpu(settled)}`,
      `${median(restarts).toFixed(0)} ms`,
      `${median(counts).toFixed(0)} ms`,
    ])
  }
  printTable(
    ['queue', 'enqueued, CPU per 1,000', `leased by ${BATCH}, CPU per 1,000`, 'settled, CPU per 1,000', 'restart to first lease', 'counts'],
    rows,
  )
}

const [, script = '', folder] = process.argv
if (script === import.meta.filename && folder !== undefined) {
  const start = performance.now()
  const store = sqliteStore({ path: folder, compactEvery: 0 })
  const leases = await store.queue.lease({ limit: BATCH, leaseMs: 1 })
  if (leases.length === 0) throw new Error('nothing was due')
  process.stdout.write(String(performance.now() - start))
  await store.close()
}
