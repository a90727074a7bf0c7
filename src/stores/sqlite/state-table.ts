/** A table of counters in a small SQLite file of its own, read and written by a thread. Contract: `contracts/state.ts`. */

import { MessageChannel, type MessagePort, Worker } from 'node:worker_threads'
import { ConfigurationError, MailError } from '../../contracts/index.ts'
import type { CallOptions, Clock, NewStateRow, StateChange, StateRow, StateTable } from '../../contracts/index.ts'
import { checkKeys, checkNumbers, checkSpace, STATE_PAGE } from '../state-input.ts'
import { checkStateFile } from './state-rows.ts'
import type { StateRequest } from './state-rows.ts'
import type { StateCommand, StateReport } from './state-worker.ts'

/** Options of {@link sqliteState}. */
export interface SqliteStateOptions {
  /** The database file; made, readable for its owner alone, when it is not there. Not one of a mail store's. */
  readonly path: string
  /** Default: the machine's clock. */
  readonly clock?: Pick<Clock, 'now'>
  /** Rows of one space; above it the rows changed longest ago go first. Default 1,000,000 (some 100 MB). */
  readonly rowsPerSpace?: number
  /** How long to wait for other processes, in milliseconds. Default 5,000. */
  readonly busyTimeout?: number
  /** Milliseconds between two sweeps while the table is used. Default 3,600,000. */
  readonly sweepEvery?: number
}

interface Waiting {
  readonly resolve: (value: unknown) => void
  readonly reject: (error: Error) => void
}

/** Above this many calls that wait the table says `unavailable`: its callers go on without it. */
const MOST_WAITING = 10_000

/**
 * Opens a table of counters. Several processes may share the file. A crash of the process loses nothing that was answered, a
 * crash of the machine the last seconds. All work is done in a thread, many calls in one transaction.
 *
 * Throws `ConfigurationError` for a file of another program (`MW_STATE_FOREIGN`) or of a later release (`MW_STATE_NEWER`). The file is opened at
 * the first call; one that cannot be used rejects it with a `MailError`.
 *
 * @example
 * ```ts
 * import { greylist } from 'mailwright/filters/greylist'
 * import { sqliteState } from 'mailwright/stores/sqlite'
 *
 * const state = sqliteState({ path: 'data/state.sqlite' })
 * const filter = greylist({ state })
 * ```
 */
export function sqliteState(options: SqliteStateOptions): StateTable {
  return new SqliteState(options)
}

class SqliteState implements StateTable {
  readonly #options: SqliteStateOptions
  readonly #clock: Pick<Clock, 'now'>
  readonly #waiting = new Map<number, Waiting>()
  #port: MessagePort | undefined
  #nextId = 1
  #swept: number
  #stopped: MailError | undefined
  #closing: Promise<void> | undefined

  constructor(options: SqliteStateOptions) {
    checkStateFile(options.path)
    this.#options = options
    this.#clock = options.clock ?? { now: () => Date.now() }
    this.#swept = this.#clock.now()
  }

  async read(space: string, keys: readonly string[], options?: CallOptions): Promise<ReadonlyMap<string, StateRow>> {
    checkSpace(space)
    checkKeys(keys)
    const rows = (await this.#ask({ kind: 'read', space, keys }, options)) as readonly StateRow[]
    return new Map(rows.map(row => [row.key, row]))
  }

  async add(space: string, changes: readonly StateChange[], options?: CallOptions): Promise<readonly StateRow[]> {
    checkSpace(space)
    checkKeys(changes.map(({ key }) => key))
    for (const { first, second, expiresAt } of changes) checkNumbers(Number.MIN_SAFE_INTEGER, first, second, expiresAt)
    return (await this.#ask({ kind: 'add', space, changes }, options)) as readonly StateRow[]
  }

  async put(space: string, rows: readonly NewStateRow[], options?: CallOptions): Promise<void> {
    checkSpace(space)
    checkKeys(rows.map(({ key }) => key))
    for (const { first, second, expiresAt } of rows) {
      checkNumbers(0, first, second)
      checkNumbers(Number.MIN_SAFE_INTEGER, expiresAt)
    }
    await this.#ask({ kind: 'put', space, rows }, options)
  }

  async drop(space: string, keys?: readonly string[], options?: CallOptions): Promise<void> {
    checkSpace(space)
    if (keys !== undefined) checkKeys(keys)
    await this.#ask({ kind: 'drop', space, keys }, options)
  }

  async *entries(space: string, options?: CallOptions): AsyncGenerator<readonly StateRow[]> {
    checkSpace(space)
    for (let after = ''; ;) {
      const page = (await this.#ask({ kind: 'page', space, after }, options)) as readonly StateRow[]
      const last = page.at(-1)
      if (last === undefined) return
      yield page
      if (page.length < STATE_PAGE) return
      after = last.key
    }
  }

  async sweep(options?: CallOptions): Promise<number> {
    this.#swept = this.#clock.now()
    return (await this.#ask({ kind: 'sweep' }, options)) as number
  }

  close(): Promise<void> {
    return (this.#closing ??= this.#close())
  }

  async #close(): Promise<void> {
    const port = this.#port
    if (port !== undefined && this.#stopped === undefined) {
      const closed = new Promise<void>(resolve => port.once('close', () => resolve()))
      port.ref()
      port.postMessage('close' satisfies StateCommand)
      await closed
    }
    this.#stop(new MailError('unavailable', 'the table of counters was closed'))
  }

  #ask(request: StateRequest, options: CallOptions | undefined): Promise<unknown> {
    options?.signal?.throwIfAborted()
    const now = this.#clock.now()
    const answer = this.#send(request, now)
    if (now - this.#swept > (this.#options.sweepEvery ?? 3_600_000)) {
      this.#swept = now
      // Nobody waits for it; a table that cannot sweep now says so to the next caller.
      this.#send({ kind: 'sweep' }, now).catch(() => undefined)
    }
    return answer
  }

  #send(request: StateRequest, now: number): Promise<unknown> {
    return new Promise((resolve, reject) => {
      if (this.#stopped !== undefined || this.#closing !== undefined) {
        reject(this.#stopped ?? new MailError('unavailable', 'the table of counters is closing'))
        return
      }
      if (this.#waiting.size >= MOST_WAITING) {
        reject(new MailError('unavailable', 'too many calls wait for the table of counters'))
        return
      }
      const port = this.#start()
      const id = this.#nextId++
      this.#waiting.set(id, { resolve, reject })
      if (this.#waiting.size === 1) port.ref()
      port.postMessage({ id, now, request } satisfies StateCommand)
    })
  }

  #start(): MessagePort {
    if (this.#port !== undefined) return this.#port
    const { port1, port2 } = new MessageChannel()
    const { path, busyTimeout = 5000, rowsPerSpace = 1_000_000 } = this.#options
    // The same ending as this file's: ".ts" from the sources, ".js" when built.
    const worker = new Worker(new URL(`./state-worker${import.meta.url.slice(-3)}`, import.meta.url), {
      workerData: { port: port2, options: { path, busyTimeout, rowsPerSpace } },
      transferList: [port2],
      name: 'mailwright state',
      execArgv: [],
    })
    worker.unref()
    worker.on('error', error => this.#stop(new MailError('unavailable', 'the thread of the table of counters failed', { cause: error })))
    port1.on('message', (report: StateReport) => this.#hear(report))
    port1.unref()
    this.#port = port1
    return port1
  }

  #hear({ id, value, failure }: StateReport): void {
    const waiting = this.#waiting.get(id)
    this.#waiting.delete(id)
    if (this.#waiting.size === 0) this.#port?.unref()
    if (failure === undefined) waiting?.resolve(value)
    else
      waiting?.reject(
        'code' in failure ? new ConfigurationError(failure.code, failure.message) : new MailError(failure.kind, failure.message),
      )
  }

  #stop(error: MailError): void {
    this.#stopped ??= error
    for (const { reject } of this.#waiting.values()) reject(error)
    this.#waiting.clear()
    this.#port?.close()
  }
}
