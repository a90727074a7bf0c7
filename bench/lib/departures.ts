/** Kills a server that people submit to again and again, and compares what it acknowledged with what the next server got. D16. */

import { copyFileSync, existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as sleep } from 'node:timers/promises'
import { SMTPServer } from 'smtp-server'
import { sqliteStore } from 'mailwright/stores/sqlite'
import { DELIVERED } from '../../src/stores/sqlite/queue-schema.ts'
import { hashOf, Ledger } from './ledger.ts'
import { acknowledgedSince, submitter } from './load.ts'
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
  /** Messages that a kill met between their arrival and its settlement. */
  readonly inFlight: number
  /** Arrived again although no kill met them so. */
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

/** So many messages each kill follows at least. */
const LEAST = 12
/** For what is left after the last kill. */
const PATIENCE = 150_000

/** What arrived of a message, and in which lives of the server that sent it. */
interface Arrivals {
  readonly hash: string
  readonly lives: number[]
}

/** The next server: takes everything, and remembers what. One for each life of the server that sends, when its lives are of interest. */
export class NextServer {
  readonly arrivals: Map<string, Arrivals>
  readonly #life: number
  readonly #server: SMTPServer

  constructor(arrivals: Map<string, Arrivals> = new Map(), life: number = 0) {
    this.arrivals = arrivals
    this.#life = life
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
    return new Promise(resolve => void this.#server.listen(wanted, '127.0.0.1', () => resolve(this.port)))
  }

  get port(): number {
    const address = this.#server.server.address()
    return typeof address === 'object' && address !== null ? address.port : 0
  }

  close(): Promise<void> {
    return new Promise(resolve => this.#server.close(() => resolve()))
  }

  #arrived(octets: Buffer): void {
    const head = octets.indexOf('\r\n\r\n')
    const id = /^X-Ledger: ([0-9a-f]+)\r$/m.exec(octets.subarray(0, head + 2).toString('latin1'))?.[1] ?? '?'
    const hash = hashOf(octets.subarray(head + 4))
    const known = this.arrivals.get(id)
    if (known === undefined) this.arrivals.set(id, { hash, lives: [this.#life] })
    else {
      known.lives.push(this.#life)
      if (known.hash !== hash) this.arrivals.set(id, { hash: 'differs', lives: known.lives })
    }
  }
}

/** Runs the loop in a folder of its own, which is removed unless something is wrong. */
export async function departures(options: DeparturesOptions): Promise<DeparturesResult> {
  const { kills, submitters = 8, onProgress } = options
  const folder = mkdtempSync(join(tmpdir(), 'mailwright-departures-'))
  const data = join(folder, 'data')
  const ledger = new Ledger(join(folder, 'ledger'))
  const arrivals = new Map<string, Arrivals>()
  const servers: NextServer[] = []
  /** Begins a life of the server. What arrives late from the one before is told apart by the port. */
  const begun = async (): Promise<OwnPeer> => {
    const next = new NextServer(arrivals, servers.length)
    servers.push(next)
    return mailwright(data, ['--smarthost', `127.0.0.1:${await next.listen()}`])
  }
  /** Of each life, the messages that its end met unsettled. */
  const open: ReadonlySet<string>[] = []
  let slowestRestart = 0
  let peer = await begun()
  for (let kill = 0; kill < kills; kill++) {
    const { submissionPort, user, password } = peer
    const load = Array.from({ length: submitters }, () => submitter(submissionPort, user, password, id => `${id}@far.example`, ledger))
    const before = ledger.acknowledged.size
    await sleep(50 + Math.random() * 750)
    await acknowledgedSince(before, LEAST, ledger, load)
    await peer.kill()
    open.push(unsettled(data))
    const start = performance.now()
    const [again] = await Promise.all([
      begun().then(restarted => {
        slowestRestart = Math.max(slowestRestart, performance.now() - start)
        return restarted
      }),
      ...load,
    ])
    peer = again
    onProgress?.(
      `${kill + 1} of ${kills} kills: ${ledger.acknowledged.size} acknowledged, ${arrivals.size} arrived, slowest restart ${slowestRestart.toFixed(0)} ms`,
    )
  }
  const missing = (): readonly string[] => [...ledger.acknowledged.keys()].filter(id => !arrivals.has(id))
  await peer.stopKeeping()
  await freed(data)
  peer = await mailwright(data, ['--smarthost', `127.0.0.1:${servers.at(-1)?.port}`])
  const waiting = await settled(data, onProgress)
  await peer.stopKeeping()
  const problems = [...((await options.verify?.(data)) ?? [])]
  if (waiting > 0) problems.push(`${waiting} messages wait in the queue for good`)
  const lost = missing()
  const corrupt = [...arrivals].flatMap(([id, { hash }]) =>
    (ledger.acknowledged.get(id) ?? ledger.uncertain.get(id)) === hash ? [] : [id],
  )
  const all = [...arrivals]
  const again = all.reduce((sum, [, { lives }]) => sum + lives.length - 1, 0)
  const inFlight = all.reduce((sum, [id, { lives }]) => sum + lives.filter(life => open[life]?.has(id)).length, 0)
  // Every arrival but the last was followed by another try: only the end of that life before the settlement explains it.
  const twice = all.flatMap(([id, { lives }]) => {
    const inOrder = lives.toSorted((one, other) => one - other)
    return inOrder.slice(0, -1).every((life, at) => life !== inOrder[at + 1] && open[life]?.has(id)) ? [] : [id]
  })
  for (const server of servers) await server.close()
  ledger.close()
  if (lost.length + corrupt.length + twice.length + problems.length === 0) rmSync(folder, { recursive: true, force: true })
  else onProgress?.(`the folder was kept: ${folder}`)
  return { kills, acknowledged: ledger.acknowledged.size, lost, corrupt, again, inFlight, twice, slowestRestart, problems }
}

/** The messages that the dead server had not settled: read from a copy of its database, so that the next server finds all as it was. */
function unsettled(data: string): ReadonlySet<string> {
  const copy = mkdtempSync(join(tmpdir(), 'mailwright-departures-'))
  try {
    for (const name of ['mail.sqlite', 'mail.sqlite-wal']) {
      const file = join(data, 'mail', name)
      if (existsSync(file)) copyFileSync(file, join(copy, name))
    }
    const database = new DatabaseSync(join(copy, 'mail.sqlite'))
    const rows = database.prepare(`SELECT address FROM queue_recipient WHERE state < ${DELIVERED}`).all()
    database.close()
    return new Set(rows.map(({ address }) => String(address).split('@')[0] ?? ''))
  } finally {
    rmSync(copy, { recursive: true, force: true })
  }
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
