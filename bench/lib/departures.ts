/** Kills a server that people submit to again and again, and compares what it acknowledged with what the next server got. D16. */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { SMTPServer } from 'smtp-server'
import { sqliteStore } from 'mailwright/stores/sqlite'
import { hashOf, Ledger } from './ledger.ts'
import { submitter } from './load.ts'
import { mailwright, type OwnPeer } from './mailwright.ts'

/** What came of it. */
export interface DeparturesResult {
  readonly kills: number
  readonly acknowledged: number
  /** Acknowledged, and arrived nowhere. */
  readonly lost: readonly string[]
  /** Arrived with other octets than were submitted. */
  readonly corrupt: readonly string[]
  /** Arrivals beyond the first, all in all. */
  readonly again: number
  /** Messages that a kill met between their transmission and its settlement, at most. */
  readonly inFlight: number
  /** Arrived again although no kill was near their first arrival. */
  readonly twice: readonly string[]
  readonly slowestRestart: number
  readonly problems: readonly string[]
}

/** Options of {@link departures}. */
export interface DeparturesOptions {
  readonly kills: number
  readonly submitters?: number
  readonly onProgress?: (line: string) => void
  /** Runs on the folder in the end; what it answers are problems. */
  readonly verify?: (folder: string) => Promise<readonly string[]>
}

/** What the next server took is settled within that: milliseconds. A kill before it makes the message come again, and it may. */
const SETTLED = 400
/** For what is left after the last kill. */
const PATIENCE = 150_000

/** The next server: takes everything, and remembers when. */
export class NextServer {
  readonly arrivals: Map<string, { readonly hash: string; readonly at: number[] }> = new Map()
  readonly #server: SMTPServer

  constructor() {
    this.#server = new SMTPServer({
      authOptional: true,
      disabledCommands: ['AUTH', 'STARTTLS'],
      disableReverseLookup: true,
      onData: (stream, _session, taken) => {
        const pieces: Buffer[] = []
        stream.on('data', (piece: Buffer) => void pieces.push(piece))
        stream.on('end', () => {
          this.#arrived(Buffer.concat(pieces))
          taken(null, 'taken')
        })
      },
    })
    // Connections of the dead end as they like.
    this.#server.on('error', () => undefined)
  }

  /** Answers the port. */
  listen(wanted: number = 0): Promise<number> {
    return new Promise(resolve => {
      const { server } = this.#server
      this.#server.listen(wanted, '127.0.0.1', () => {
        const address = server.address()
        resolve(typeof address === 'object' && address !== null ? address.port : 0)
      })
    })
  }

  close(): Promise<void> {
    return new Promise(resolve => this.#server.close(() => resolve()))
  }

  #arrived(octets: Buffer): void {
    const head = octets.indexOf('\r\n\r\n')
    const id = /^X-Ledger: ([0-9a-f]+)\r$/m.exec(octets.subarray(0, head + 2).toString('latin1'))?.[1] ?? '?'
    const hash = hashOf(octets.subarray(head + 4))
    const known = this.arrivals.get(id)
    if (known === undefined) this.arrivals.set(id, { hash, at: [Date.now()] })
    else {
      known.at.push(Date.now())
      if (known.hash !== hash) this.arrivals.set(id, { hash: 'differs', at: known.at })
    }
  }
}

/** Runs the loop in a folder of its own, which is removed unless something is wrong. */
export async function departures(options: DeparturesOptions): Promise<DeparturesResult> {
  const { kills, submitters = 8, onProgress } = options
  const folder = mkdtempSync(join(tmpdir(), 'mailwright-departures-'))
  const data = join(folder, 'data')
  const ledger = new Ledger(join(folder, 'ledger'))
  const next = new NextServer()
  const words = ['--smarthost', `127.0.0.1:${await next.listen()}`]
  const killed: number[] = []
  let slowestRestart = 0
  let peer: OwnPeer = await mailwright(data, words)
  for (let kill = 0; kill < kills; kill++) {
    const { submissionPort, user, password } = peer
    const load = Array.from({ length: submitters }, () => submitter(submissionPort, user, password, 'bob@far.example', ledger))
    await sleep(50 + Math.random() * 750)
    const start = performance.now()
    killed.push(Date.now())
    const [restarted] = await Promise.all([
      peer.restart().then(again => {
        slowestRestart = Math.max(slowestRestart, performance.now() - start)
        return again
      }),
      ...load,
    ])
    peer = restarted
    onProgress?.(
      `${kill + 1} of ${kills} kills: ${ledger.acknowledged.size} acknowledged, ${next.arrivals.size} arrived, slowest restart ${slowestRestart.toFixed(0)} ms`,
    )
  }
  const missing = (): readonly string[] => [...ledger.acknowledged.keys()].filter(id => !next.arrivals.has(id))
  await peer.stopKeeping()
  await freed(data)
  peer = await mailwright(data, words)
  const waiting = await settled(data, onProgress)
  await peer.stopKeeping()
  const problems = [...((await options.verify?.(data)) ?? [])]
  if (waiting > 0) problems.push(`${waiting} messages wait in the queue for good`)
  const lost = missing()
  const corrupt = [...next.arrivals].flatMap(([id, { hash }]) =>
    (ledger.acknowledged.get(id) ?? ledger.uncertain.get(id)) === hash ? [] : [id],
  )
  const isNearKill = (at: number): boolean => killed.some(kill => at > kill - SETTLED && at < kill + SETTLED / 2)
  const arrivals = [...next.arrivals]
  const again = arrivals.reduce((sum, [, { at }]) => sum + at.length - 1, 0)
  const inFlight = arrivals.reduce((sum, [, { at }]) => sum + at.filter(isNearKill).length, 0)
  // Every arrival but the last was followed by another try: only a kill before its settlement explains that.
  const twice = arrivals.flatMap(([id, { at }]) => (at.slice(0, -1).every(isNearKill) ? [] : [id]))
  await next.close()
  ledger.close()
  if (lost.length + corrupt.length + twice.length + problems.length === 0) rmSync(folder, { recursive: true, force: true })
  else onProgress?.(`the folder was kept: ${folder}`)
  return { kills, acknowledged: ledger.acknowledged.size, lost, corrupt, again, inFlight, twice, slowestRestart, problems }
}

/** Gives back what the dead had leased, as a process does whose clock is two minutes ahead, and makes it due: nobody need wait for it. */
async function freed(data: string): Promise<void> {
  const path = join(data, 'mail')
  const ahead = sqliteStore({ path, queue: { clock: { now: () => Date.now() + 120_000 } } })
  try {
    const leases = await ahead.queue.lease({ limit: 10_000, leaseMs: 60_000 })
    await ahead.queue.settle(leases.map(({ id, token }) => ({ id, token, outcomes: [] })))
  } finally {
    await ahead.close()
  }
  const store = sqliteStore({ path })
  await store.queue.retry({})
  await store.close()
}

/** Waits until nothing is left in the queue of the server that runs; answers how many were left when patience ended. */
async function settled(data: string, onProgress: ((line: string) => void) | undefined): Promise<number> {
  const store = sqliteStore({ path: join(data, 'mail') })
  try {
    const until = Date.now() + PATIENCE
    for (let seconds = 0; ; seconds++) {
      const { messages } = await store.queue.counts()
      if (messages === 0 || Date.now() > until) return messages
      if (seconds % 10 === 0) onProgress?.(`${messages} wait, to leave`)
      await sleep(1000)
    }
  } finally {
    await store.close()
  }
}
