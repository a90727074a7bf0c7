/** Reads reports on a thread of their own, one after another, each with a deadline and a limit of memory. M5, S18. */

import { Worker } from 'node:worker_threads'
import type { Clock } from '../../../contracts/index.ts'
import type { AnyReport } from './report-worker.ts'

const WITHIN = 10_000
const MEMORY_MB = 256
const MOST_WAITING = 20

/** Reports are rare: a thread for each, none between them. */
export class ReaderThread {
  readonly #clock: Clock
  #last: Promise<unknown> = Promise.resolve()
  #waiting = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** The report; `undefined` for what is none, takes too long, or too much memory. Never rejects. */
  async read(octets: Uint8Array): Promise<AnyReport | undefined> {
    if (this.#waiting >= MOST_WAITING) return undefined
    this.#waiting++
    const turn = this.#last.then(() => this.#read(octets))
    this.#last = turn
    try {
      return await turn
    } finally {
      this.#waiting--
    }
  }

  #read(octets: Uint8Array): Promise<AnyReport | undefined> {
    return new Promise(resolve => {
      // The same ending as this file's: ".ts" from the sources, ".js" when built.
      const worker = new Worker(new URL(`./report-worker${import.meta.url.slice(-3)}`, import.meta.url), {
        name: 'mailwright reports',
        workerData: octets,
        execArgv: [],
        resourceLimits: { maxOldGenerationSizeMb: MEMORY_MB },
      })
      const settle = (report: AnyReport | undefined): void => {
        stop()
        resolve(report)
        void worker.terminate()
      }
      const stop = this.#clock.after(WITHIN, () => settle(undefined))
      worker.on('message', (report: AnyReport | undefined) => settle(report))
      worker.on('error', () => settle(undefined))
      worker.on('exit', () => settle(undefined))
    })
  }
}
