/** Kills processes that share a queue again and again, and compares what the queue acknowledged with what became of it. RFC 5321 §6.1. */

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { QueueEntry } from 'mailwright/contracts'
import { sqliteStore } from 'mailwright/stores/sqlite'
import { type QueueFacts, readFacts } from './queue-ledger.ts'

const CHILD = join(import.meta.dirname, 'queue-torture-server.ts')

/** What came of it. */
export interface QueueTortureResult {
  readonly kills: number
  /** Messages that the queue acknowledged. */
  readonly queued: number
  /** Outcomes that the queue acknowledged. */
  readonly settled: number
  /** Acknowledged messages that are not there, and acknowledged outcomes that are not known. */
  readonly lost: readonly string[]
  /** Handed over more than once though the first time was acknowledged, and bounces or messages that are there twice. */
  readonly twice: readonly string[]
  /** Handed over again since the first time was never acknowledged: what was in flight at a kill. */
  readonly again: number
  /** Leases that were in flight at a kill. */
  readonly inFlight: number
  /** What must never be: octets that differ, bounces without a failure. */
  readonly wrong: readonly string[]
  readonly problems: readonly string[]
  /** Milliseconds from the start of a process to its first lease, the longest. */
  readonly slowestStart: number
}

/** Options of {@link queueTorture}. */
export interface QueueTortureOptions {
  readonly kills: number
  /** Places at which a process dies by itself, one after the other, before the kills at random. */
  readonly failpoints?: readonly string[]
  /** What is killed. Default: `queue-torture-server.ts`. */
  readonly program?: string
  /** Called after each kill with a line of progress. */
  readonly onProgress?: (line: string) => void
}

/**
 * Runs the loop in a folder of its own, which is removed unless something is wrong. Throws when a process ends that nobody killed: what it
 * said of it is on stderr.
 */
export async function queueTorture(options: QueueTortureOptions): Promise<QueueTortureResult> {
  const running = new Set<ChildProcess>()
  try {
    return await killAll(options, running)
  } finally {
    for (const child of running) child.kill('SIGKILL')
  }
}

async function killAll(
  { kills, failpoints = [], program = CHILD, onProgress }: QueueTortureOptions,
  running: Set<ChildProcess>,
): Promise<QueueTortureResult> {
  const folder = mkdtempSync(join(tmpdir(), 'mailwright-queue-torture-'))
  const data = join(folder, 'data')
  const ledgers = join(folder, 'ledgers')
  mkdirSync(ledgers)
  let names = 0
  const start = async (mode: 'work' | 'drain'): Promise<ChildProcess> => {
    const child = spawn(process.execPath, ['--conditions=mailwright-source', program, data, ledgers, `${names++}`, mode], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    running.add(child)
    child.once('exit', () => running.delete(child))
    await Promise.race([
      once(child.stdout, 'data'),
      once(child, 'exit').then(([code]) => Promise.reject(new Error(`a process ended with ${code}`))),
    ])
    return child
  }
  let children: readonly ChildProcess[] = await Promise.all([start('work'), start('work')])
  for (const failpoint of failpoints) {
    // A third that dies at this very place, beside the two that go on.
    const child = spawn(process.execPath, ['--conditions=mailwright-source', program, data, ledgers, `${names++}`, 'work'], {
      stdio: ['ignore', 'ignore', 'inherit'],
      env: { ...process.env, MAILWRIGHT_FAILPOINT: failpoint },
    })
    // Another signal than the failpoint's own: a place that is never passed must show.
    const patience = setTimeout(() => child.kill('SIGTERM'), 30_000)
    const [, signal] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null]
    clearTimeout(patience)
    if (signal !== 'SIGKILL') throw new Error(`a process did not die at ${failpoint}`)
  }
  for (let kill = 0; kill < kills; kill++) {
    await sleep(50 + Math.random() * 500)
    // One of two, so that the other goes on beside the dead one's leases; sometimes both.
    const dying = Math.random() < 0.3 ? children : children.slice(kill % 2, (kill % 2) + 1)
    await Promise.all(dying.map(killed))
    children = await Promise.all(children.map(async child => (dying.includes(child) ? start('work') : child)))
    if ((kill + 1) % 10 === 0) onProgress?.(`${kill + 1} of ${kills} kills`)
  }
  await Promise.all(children.map(killed))
  const last = await start('drain')
  if (!hasEnded(last)) await once(last, 'exit')
  if (last.exitCode !== 0) throw endedByItself(last)
  const facts = readFacts(ledgers)
  const store = sqliteStore({ path: data })
  const entries: QueueEntry[] = []
  const seen = new Set<string>()
  for (const state of [undefined, 'delivered', 'failed'] as const) {
    for await (const entry of store.queue.list(state === undefined ? {} : { state })) {
      if (!seen.has(entry.id)) entries.push(entry)
      seen.add(entry.id)
    }
  }
  const problems: string[] = []
  for await (const problem of store.verify({ deep: true })) if (problem.kind !== 'stray-file') problems.push(JSON.stringify(problem))
  await store.close()
  const result = { kills, ...compare(facts, entries), problems, slowestStart: Math.max(...facts.starts) }
  if (result.lost.length + result.twice.length + result.wrong.length + problems.length === 0)
    rmSync(folder, { recursive: true, force: true })
  else onProgress?.(`the folder was kept: ${folder}`)
  return result
}

/** Kills a process that is expected to run: one that is gone would never end again. */
async function killed(child: ChildProcess): Promise<void> {
  if (hasEnded(child)) throw endedByItself(child)
  const ended = once(child, 'exit')
  child.kill('SIGKILL')
  await ended
  if (child.signalCode !== 'SIGKILL') throw endedByItself(child)
}

function hasEnded({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode !== null || signalCode !== null
}

function endedByItself({ exitCode, signalCode }: ChildProcess): Error {
  return new Error(`a process ended by itself with ${exitCode ?? signalCode}: what it said is on stderr`)
}

/** Holds what was written down against what is there. */
function compare(facts: QueueFacts, entries: readonly QueueEntry[]): Omit<QueueTortureResult, 'kills' | 'problems' | 'slowestStart'> {
  const lost: string[] = []
  const twice: string[] = []
  const wrong: string[] = [...facts.wrong]
  const byKey = new Map<string, QueueEntry>()
  for (const entry of entries) {
    const key = entry.envelopeId ?? ''
    if (byKey.has(key)) twice.push(`message ${key}`)
    byKey.set(key, entry)
  }
  for (const [key, id] of facts.queued) if (byKey.get(key)?.id !== id) lost.push(`message ${key}`)
  let settled = 0
  let again = 0
  const unsettledTokens = new Set<string>()
  for (const [key, entry] of byKey) {
    for (const { index, state } of entry.recipients) {
      const name = `${key} ${index}`
      const acknowledged = facts.settled.get(name) ?? []
      settled += acknowledged.length
      const ends = acknowledged.filter(([, end]) => end !== 'deferred')
      if (ends.length > 1) twice.push(`outcome of ${name}: ${ends.map(([token, end]) => `${end} ${token}`).join(', ')}`)
      if (ends.some(([, end]) => end !== state)) lost.push(`outcome of ${name}: ${ends.join()}, and it is ${state}`)
      if (state !== 'delivered' && state !== 'failed') lost.push(`${name} never left: ${state}`)
      const tokens = facts.took.get(name) ?? []
      if (state === 'delivered' && tokens.length === 0) lost.push(`${name} is called delivered, and nobody took it`)
      const known = new Set(acknowledged.map(([token]) => token))
      for (const token of tokens) if (!known.has(token)) unsettledTokens.add(token)
      // The last one may have been acknowledged; every earlier one must not have been.
      again += Math.max(0, tokens.length - 1)
      for (const token of tokens.slice(0, -1)) if (known.has(token)) twice.push(`${name} was handed over again after ${token}`)
      const bounce = byKey.has(`bounce-${key}-${index}`)
      if (bounce !== (state === 'failed')) (bounce ? wrong : lost).push(`bounce of ${name}, which is ${state}`)
    }
  }
  return { queued: facts.queued.size, settled, lost, twice, again, inFlight: unsettledTokens.size, wrong }
}
