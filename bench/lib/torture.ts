/** Kills the server again and again while it is loaded, and compares what it acknowledged with what it has. */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { sqliteStore } from 'mailwright/stores/sqlite'
import { median } from './figures.ts'
import { ImapClient } from './imap-client.ts'
import { hashOf, Ledger } from './ledger.ts'
import { acknowledgedSince, appender, deliverer } from './load.ts'
import { mailwright, type OwnPeer } from './mailwright.ts'

/** So many messages each kill follows at least. */
const LEAST = 12

/** What came of it. */
export interface TortureResult {
  readonly kills: number
  readonly acknowledged: number
  /** Acknowledged, and not there. */
  readonly lost: readonly string[]
  /** There, with other octets than were sent. */
  readonly corrupt: readonly string[]
  /** There more often than it was sent. */
  readonly duplicate: readonly string[]
  /** There although the answer was never seen, which is allowed. */
  readonly unacknowledged: number
  /** Milliseconds from the start of the process until it accepted connections, the longest of all restarts. */
  readonly slowestRestart: number
  /** The same, of the restart in the middle. */
  readonly medianRestart: number
}

/** Options of {@link torture}. */
export interface TortureOptions {
  readonly kills: number
  readonly senders?: number
  readonly appenders?: number
  /** Called after each kill with a line of progress. */
  readonly onProgress?: (line: string) => void
  /** Runs on the folder after the last restart; what it answers are problems. */
  readonly verify?: (folder: string) => Promise<readonly string[]>
}

/** Runs the loop in a folder of its own, which is removed unless something is wrong. */
export async function torture(options: TortureOptions): Promise<TortureResult & { readonly problems: readonly string[] }> {
  const folder = mkdtempSync(join(tmpdir(), 'mailwright-torture-'))
  const ledger = new Ledger(join(folder, 'ledger'))
  const data = join(folder, 'data')
  const seen = new Map<string, string>()
  const lost = new Set<string>()
  const corrupt = new Set<string>()
  const duplicate = new Set<string>()
  const restarts: number[] = []
  let nextUid = 1
  let peer: OwnPeer = await mailwright(data)
  for (let kill = 0; kill < options.kills; kill++) {
    const load: Promise<void>[] = []
    for (let n = 0; n < (options.senders ?? 16); n++) {
      load.push(
        n % 2 === 0 ? deliverer(peer.lmtpPort ?? 0, 'LHLO', peer.user, ledger) : deliverer(peer.smtpPort ?? 0, 'EHLO', peer.user, ledger),
      )
    }
    for (let n = 0; n < (options.appenders ?? 4); n++) {
      load.push(appender(peer.imapPort ?? 0, peer.user, peer.password, ledger, n % 2 === 0 ? 1 : 20))
    }
    const before = ledger.acknowledged.size
    await sleep(50 + Math.random() * 750)
    await acknowledgedSince(before, LEAST, ledger, load)
    const start = performance.now()
    // The clients take their time to notice: that is no part of the restart.
    const restart = peer.restart().then(next => {
      restarts.push(performance.now() - start)
      return next
    })
    const [restarted] = await Promise.all([restart, Promise.all(load)])
    peer = restarted
    nextUid = await check(peer, nextUid, seen, ledger, corrupt, duplicate)
    for (const id of ledger.acknowledged.keys()) if (!seen.has(id)) lost.add(id)
    options.onProgress?.(
      `${kill + 1} of ${options.kills} kills: ${ledger.acknowledged.size} acknowledged, ${lost.size} lost, ${corrupt.size} corrupt, ${duplicate.size} duplicate, slowest restart ${Math.max(...restarts).toFixed(0)} ms`,
    )
  }
  seen.clear()
  await check(peer, 1, seen, ledger, corrupt, duplicate)
  for (const id of ledger.acknowledged.keys()) if (!seen.has(id)) lost.add(id)
  const unacknowledged = [...seen.keys()].filter(id => !ledger.acknowledged.has(id)).length
  await peer.restart().then(last => last.stopKeeping())
  const problems = (await options.verify?.(data)) ?? []
  ledger.close()
  if (lost.size + corrupt.size + duplicate.size + problems.length === 0) rmSync(folder, { recursive: true, force: true })
  else options.onProgress?.(`the folder was kept: ${folder}`)
  return {
    kills: options.kills,
    acknowledged: ledger.acknowledged.size,
    lost: [...lost],
    corrupt: [...corrupt],
    duplicate: [...duplicate],
    unacknowledged,
    slowestRestart: Math.max(...restarts),
    medianRestart: median(restarts),
    problems,
  }
}

/** Reads every message from `first` on over IMAP and compares it; answers the UID to go on with. */
export async function check(
  peer: Pick<OwnPeer, 'imapPort' | 'user' | 'password'>,
  first: number,
  seen: Map<string, string>,
  ledger: Ledger,
  corrupt: Set<string>,
  duplicate: Set<string>,
): Promise<number> {
  const client = await ImapClient.login({ host: '127.0.0.1', port: peer.imapPort ?? 0, user: peer.user, password: peer.password })
  await client.run('SELECT INBOX')
  let next = first
  const status = (await client.run('STATUS INBOX (UIDNEXT)')).toString('latin1')
  const end = Number(/UIDNEXT (\d+)/.exec(status)?.[1])
  for (; next < end; next = Math.min(end, next + 500)) {
    const answer = await client.run(`UID FETCH ${next}:${Math.min(end, next + 500) - 1} (UID BODY.PEEK[])`)
    for (const octets of literals(answer)) {
      const head = octets.indexOf('\r\n\r\n')
      const id = /^X-Ledger: ([0-9a-f]+)\r$/m.exec(octets.subarray(0, head + 2).toString('latin1'))?.[1] ?? '?'
      const hash = hashOf(octets.subarray(head + 4))
      if (seen.has(id)) duplicate.add(id)
      seen.set(id, hash)
      const expected = ledger.acknowledged.get(id) ?? ledger.uncertain.get(id)
      if (expected !== hash) corrupt.add(id)
    }
  }
  client.close()
  return next
}

/** The literals of an answer, in their order. */
function* literals(answer: Buffer): Generator<Buffer> {
  let at = 0
  for (;;) {
    const open = answer.indexOf('{', at)
    if (open < 0) return
    const close = answer.indexOf('}\r\n', open)
    const length = Number(answer.subarray(open + 1, close).toString('latin1'))
    if (close < 0 || !Number.isInteger(length)) {
      at = open + 1
      continue
    }
    yield answer.subarray(close + 3, close + 3 + length)
    at = close + 3 + length
  }
}

/** What the store itself finds wrong in a data folder, every octet read. */
export async function verified(folder: string): Promise<readonly string[]> {
  const store = sqliteStore({ path: join(folder, 'mail') })
  const problems: string[] = []
  // Octets that nobody was told of may lie in a segment after a kill; compaction collects them.
  for await (const problem of store.verify({ deep: true })) if (problem.kind !== 'stray-file') problems.push(JSON.stringify(problem))
  await store.close()
  return problems
}
