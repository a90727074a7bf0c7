/** Traces as lines of JSON, a file for each day: written behind the mail, read by whoever asks why. */

import { createReadStream, mkdirSync, readdirSync, rmSync, statSync } from 'node:fs'
import { appendFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { CallOptions, TraceKeeper, TraceRecord } from '../../contracts/index.ts'

/** Options of {@link traceJournal}. */
export interface TraceJournalOptions {
  /** Made when it is not there; readable by its owner only, since it tells who writes to whom. */
  readonly folder: string
  /** Days that records are kept, today among them. Default 14. */
  readonly keepDays?: number
  /** Octets of one day; beyond it the rest of the day is not kept. Default 268,435,456. */
  readonly dayLimit?: number
  /** Milliseconds since the epoch. Default: the machine's clock. */
  readonly now?: () => number
  /** Told when records could not be written; they are lost then. Default: nobody is. */
  readonly onError?: (error: unknown) => void
}

/** A record longer than this loses its evidence: a thousand recipients are no reason for a megabyte. */
const LONGEST = 131_072
/** Records are written together: so many milliseconds of them are lost with a crash at most. */
const GATHER = 100
const FILE = /^\d{4}-\d\d-\d\d\.jsonl$/

/**
 * Opens the journal in a folder. Several processes may write to one.
 *
 * @example
 * ```ts
 * import { traceJournal } from 'mailwright/stores/traces'
 *
 * const traces = traceJournal({ folder: './data/traces', keepDays: 30 })
 * const [latest] = await traces.recent(1)
 * console.log(latest?.verdict.kind)
 * ```
 */
export function traceJournal(options: TraceJournalOptions): TraceKeeper {
  mkdirSync(options.folder, { recursive: true, mode: 0o700 })
  return new TraceJournal(options)
}

class TraceJournal implements TraceKeeper {
  readonly #options: TraceJournalOptions
  #waiting: string[] = []
  #writing: Promise<void> | undefined
  #timer: NodeJS.Timeout | undefined
  #day = ''
  #octets = 0

  constructor(options: TraceJournalOptions) {
    this.#options = options
  }

  keep(record: TraceRecord): void {
    let line = JSON.stringify(record)
    if (line.length > LONGEST) line = JSON.stringify({ ...record, recipients: record.recipients.slice(0, 20), trace: [] })
    this.#waiting.push(`${line}\n`)
    this.#timer ??= setTimeout(() => void this.#flush(), GATHER).unref()
  }

  async find(id: string, options: CallOptions = {}): Promise<TraceRecord | undefined> {
    await this.#flush()
    // Looked for as text first: reading JSON is what costs.
    const marked = `{"id":${JSON.stringify(id)},`
    for (const name of this.#files()) {
      for await (const line of this.#lines(name)) {
        options.signal?.throwIfAborted()
        const record = line.startsWith(marked) ? recordOf(line) : undefined
        if (record !== undefined) return record
      }
    }
    return undefined
  }

  async recent(limit: number, options: CallOptions = {}): Promise<readonly TraceRecord[]> {
    await this.#flush()
    const found: TraceRecord[] = []
    for (const name of this.#files()) {
      let last: string[] = []
      for await (const line of this.#lines(name)) {
        options.signal?.throwIfAborted()
        last.push(line)
        if (last.length > 2 * limit) last = last.slice(-limit)
      }
      for (const line of last.slice(-limit).toReversed()) {
        const record = recordOf(line)
        if (record !== undefined) found.push(record)
        if (found.length >= limit) return found
      }
    }
    return found
  }

  async close(): Promise<void> {
    await this.#flush()
  }

  #flush(): Promise<void> {
    clearTimeout(this.#timer)
    this.#timer = undefined
    if (this.#writing === undefined) {
      const writing = this.#write().finally(() => (this.#writing = undefined))
      this.#writing = writing
    }
    return this.#writing
  }

  /** Whatever comes while one write runs goes into the next. */
  async #write(): Promise<void> {
    while (this.#waiting.length > 0) {
      const text = this.#waiting.splice(0).join('')
      try {
        const path = this.#today()
        if (this.#octets + text.length > (this.#options.dayLimit ?? 268_435_456)) continue
        await appendFile(path, text, { mode: 0o600 })
        this.#octets += text.length
      } catch (error) {
        this.#options.onError?.(error)
      }
    }
  }

  #today(): string {
    const { folder, keepDays = 14, now = Date.now } = this.#options
    const day = new Date(now()).toISOString().slice(0, 10)
    const path = join(folder, `${day}.jsonl`)
    if (day !== this.#day) {
      this.#day = day
      this.#octets = statSync(path, { throwIfNoEntry: false })?.size ?? 0
      const oldest = new Date(now() - (keepDays - 1) * 86_400_000).toISOString().slice(0, 10)
      for (const name of this.#files()) if (name.slice(0, 10) < oldest) rmSync(join(folder, name), { force: true })
    }
    return path
  }

  /** The newest day first. */
  #files(): readonly string[] {
    return readdirSync(this.#options.folder)
      .filter(name => FILE.test(name))
      .toSorted()
      .toReversed()
  }

  #lines(name: string): AsyncIterable<string> {
    return createInterface({ input: createReadStream(join(this.#options.folder, name)), crlfDelay: Number.POSITIVE_INFINITY })
  }
}

/** A line that was cut by a crash is passed over. */
function recordOf(line: string): TraceRecord | undefined {
  try {
    return JSON.parse(line) as TraceRecord
  } catch {
    return undefined
  }
}
