/** Hands messages to a thread one after the other, and ends the thread when it takes too long or too much memory. M5, M8. */

import { Worker } from 'node:worker_threads'
import type { Clock } from '../../contracts/index.ts'
import type { Finding } from './inspect.ts'
import type { InspectorData, InspectorReport } from './inspection-worker.ts'

/** Options of {@link Inspector}. */
export interface InspectorOptions extends InspectorData {
  /** Milliseconds for one message. */
  readonly within: number
  /** Messages that wait at a time. */
  readonly waiting: number
  readonly clock: Clock
}

interface Job {
  readonly message: Uint8Array
  readonly settle: (outcome: readonly Finding[] | string) => void
}

/** Megabytes that the thread's own objects may take; what archives are opened to is bounded apart. */
const MEMORY_MB = 128
/** Milliseconds after which an idle thread is let go. */
const IDLE = 60_000

/** One thread, begun at the first message. */
export class Inspector {
  readonly #options: InspectorOptions
  readonly #jobs: Job[] = []
  #worker: Worker | undefined
  #running: Job | undefined
  #stopTimer: (() => void) | undefined

  constructor(options: InspectorOptions) {
    this.#options = options
  }

  /** The findings, or in words why there are none. The octets are copied. Never rejects. */
  inspect(message: Uint8Array): Promise<readonly Finding[] | string> {
    return new Promise(resolve => {
      if (this.#jobs.length >= this.#options.waiting) {
        resolve('too many messages wait to be looked through')
        return
      }
      this.#jobs.push({ message, settle: resolve })
      this.#next()
    })
  }

  #next(): void {
    if (this.#running !== undefined) return
    const job = this.#jobs.shift()
    this.#stopTimer?.()
    if (job === undefined) {
      this.#stopTimer = this.#options.clock.after(IDLE, () => this.#end())
      return
    }
    this.#running = job
    const worker = (this.#worker ??= this.#start())
    worker.ref()
    this.#stopTimer = this.#options.clock.after(this.#options.within, () => {
      this.#end()
      this.#done(`not looked through within ${this.#options.within} ms`)
    })
    // The source keeps its octets; a view of a larger buffer must not take the whole of it along.
    const copy = job.message.slice()
    worker.postMessage(copy, [copy.buffer])
  }

  #start(): Worker {
    const { dangerous, limits } = this.#options
    // The same ending as this file's: ".ts" from the sources, ".js" when built.
    const worker = new Worker(new URL(`./inspection-worker${import.meta.url.slice(-3)}`, import.meta.url), {
      workerData: { dangerous, limits } satisfies InspectorData,
      resourceLimits: { maxOldGenerationSizeMb: MEMORY_MB, maxYoungGenerationSizeMb: 16 },
      name: 'mailwright attachments',
      execArgv: [],
    })
    worker.on('message', (report: InspectorReport) => {
      if (worker === this.#worker) this.#done('findings' in report ? report.findings : `looking through it failed: ${report.fault}`)
    })
    worker.on('error', (error: Error) => {
      if (worker !== this.#worker) return
      this.#end()
      this.#done(`looking through it failed: ${error.message}`)
    })
    return worker
  }

  #done(outcome: readonly Finding[] | string): void {
    const job = this.#running
    this.#running = undefined
    this.#worker?.unref()
    job?.settle(outcome)
    this.#next()
  }

  #end(): void {
    const worker = this.#worker
    this.#worker = undefined
    void worker?.terminate()
  }
}
