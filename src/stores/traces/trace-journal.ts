/** Traces as lines of JSON, a file for each day: written behind the mail, read by whoever asks why. */

import type { CallOptions, TraceKeeper, TraceRecord } from '../../contracts/index.ts'
import { DayJournal, recordOfLine } from '../day-journal.ts'

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

/**
 * Opens the journal in a folder. Several processes may write to one. Throws what the file system throws when the folder cannot be made.
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
  const { folder, keepDays = 14, dayLimit = 268_435_456, now = Date.now, onError = () => undefined } = options
  return new TraceJournal(new DayJournal({ folder, keepDays, dayLimit, now, onError }))
}

class TraceJournal implements TraceKeeper {
  readonly #journal: DayJournal

  constructor(journal: DayJournal) {
    this.#journal = journal
  }

  keep(record: TraceRecord): void {
    const line = JSON.stringify(record)
    const isLong = line.length > LONGEST
    this.#journal.append(isLong ? JSON.stringify({ ...record, recipients: record.recipients.slice(0, 20), trace: [] }) : line)
  }

  async find(id: string, options: CallOptions = {}): Promise<TraceRecord | undefined> {
    // Looked for as text first: reading JSON is what costs.
    const marked = `{"id":${JSON.stringify(id)},`
    for await (const lines of this.#journal.days()) {
      for await (const line of lines) {
        options.signal?.throwIfAborted()
        const record = line.startsWith(marked) ? (recordOfLine(line) as TraceRecord | undefined) : undefined
        if (record !== undefined) return record
      }
    }
    return undefined
  }

  async recent(limit: number, options: CallOptions = {}): Promise<readonly TraceRecord[]> {
    const found: TraceRecord[] = []
    for await (const lines of this.#journal.days()) {
      let last: string[] = []
      for await (const line of lines) {
        options.signal?.throwIfAborted()
        last.push(line)
        if (last.length > 2 * limit) last = last.slice(-limit)
      }
      for (const line of last.slice(-limit).toReversed()) {
        const record = recordOfLine(line) as TraceRecord | undefined
        if (record !== undefined) found.push(record)
        if (found.length >= limit) return found
      }
    }
    return found
  }

  async close(): Promise<void> {
    await this.#journal.flush()
  }
}
