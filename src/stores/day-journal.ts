/** Records as lines of JSON, a file for each day: written behind the mail, kept for some days. */

import { createReadStream, readdirSync, rmSync, statSync } from 'node:fs'
import { appendFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { makeFolder } from '../files/folder.ts'

/** Options of journals that keep a file for each day. */
export interface DayJournalOptions {
  /** Made when it is not there; readable by its owner only, since it tells who writes to whom. */
  readonly folder: string
  /** Days that records are kept, today among them. */
  readonly keepDays: number
  /** Octets of one day; beyond it the rest of the day is not kept. */
  readonly dayLimit: number
  /** Milliseconds since the epoch. */
  readonly now: () => number
  /** Told when records could not be written; they are lost then. */
  readonly onError: (error: unknown) => void
}

/** Records are written together: so many milliseconds of them are lost with a crash at most. */
const GATHER = 100
const FILE = /^\d{4}-\d\d-\d\d\.jsonl$/

/** Lines in files by day. Several processes may write to one folder. */
export class DayJournal {
  readonly #options: DayJournalOptions
  #waiting: string[] = []
  #writing: Promise<void> | undefined
  #timer: NodeJS.Timeout | undefined
  #day = ''
  #octets = 0

  constructor(options: DayJournalOptions) {
    makeFolder(options.folder)
    this.#options = options
  }

  /** Takes a line, without its end; at once. */
  append(line: string): void {
    this.#waiting.push(`${line}\n`)
    this.#timer ??= setTimeout(() => void this.flush(), GATHER).unref()
  }

  /** Writes what waits. */
  flush(): Promise<void> {
    clearTimeout(this.#timer)
    this.#timer = undefined
    if (this.#writing === undefined) {
      const writing = this.#write().finally(() => (this.#writing = undefined))
      this.#writing = writing
    }
    return this.#writing
  }

  /** The files, the newest day first, as one stream of lines each. */
  async *days(): AsyncIterable<AsyncIterable<string>> {
    await this.flush()
    for (const name of this.#files()) yield this.#lines(name)
  }

  /** Whatever comes while one write runs goes into the next. */
  async #write(): Promise<void> {
    while (this.#waiting.length > 0) {
      const text = this.#waiting.splice(0).join('')
      try {
        const path = this.#today()
        if (this.#octets + text.length > this.#options.dayLimit) continue
        await appendFile(path, text, { mode: 0o600 })
        this.#octets += text.length
      } catch (error) {
        this.#options.onError(error)
      }
    }
  }

  #today(): string {
    const { folder, keepDays, now } = this.#options
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

/** What a line says; `undefined` for one that was cut by a crash. */
export function recordOfLine(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    return undefined
  }
}
