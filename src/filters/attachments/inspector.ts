/** Hands messages to a process of its own one after the other, and kills it when it takes too long or too much memory. M5, M8. */

import { fork } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
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

/** Megabytes that the process's own objects may take; what archives are opened to is bounded apart. */
const MEMORY_MB = 128
/** Milliseconds after which an idle process is let go. */
const IDLE = 60_000

/** One process, begun at the first message. */
export class Inspector {
  readonly #options: InspectorOptions
  readonly #jobs: Job[] = []
  #child: ChildProcess | undefined
  #running: Job | undefined
  #stopTimer: (() => void) | undefined

  constructor(options: InspectorOptions) {
    this.#options = options
  }

  /** The findings, or in words why there are none. Never rejects. */
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
    const child = (this.#child ??= this.#start())
    child.ref()
    child.channel?.ref()
    this.#stopTimer = this.#options.clock.after(this.#options.within, () => {
      this.#end()
      this.#done(`not looked through within ${this.#options.within} ms`)
    })
    // A process that has just ended takes nothing; its end is told by itself.
    child.send(job.message, () => undefined)
  }

  #start(): ChildProcess {
    const { dangerous, limits } = this.#options
    // The same ending as this file's: ".ts" from the sources, ".js" when built.
    const child = fork(new URL(`./inspection-worker${import.meta.url.slice(-3)}`, import.meta.url), [], {
      // Octets go as they are, and nothing of our secrets or options goes along.
      serialization: 'advanced',
      env: {},
      execArgv: [`--max-old-space-size=${MEMORY_MB}`, '--max-semi-space-size=16'],
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    })
    child.on('message', (report: InspectorReport) => {
      if (child === this.#child) this.#done('findings' in report ? report.findings : `looking through it failed: ${report.fault}`)
    })
    const failed = (text: string): void => {
      if (child !== this.#child) return
      this.#end()
      this.#done(`looking through it failed: ${text}`)
    }
    child.on('error', error => failed(error.message))
    child.on('exit', (code, signal) => failed(`the process ended with ${signal ?? code ?? 'nothing'}`))
    child.send({ dangerous, limits } satisfies InspectorData, () => undefined)
    return child
  }

  #done(outcome: readonly Finding[] | string): void {
    const job = this.#running
    this.#running = undefined
    // What waits for a message only must not keep the server's process alive.
    this.#child?.unref()
    this.#child?.channel?.unref()
    job?.settle(outcome)
    this.#next()
  }

  #end(): void {
    const child = this.#child
    this.#child = undefined
    child?.kill('SIGKILL')
  }
}
