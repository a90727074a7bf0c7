/** The callers' end of the writer: gathers requests, hands their octets over, tells changes, then settles promises. */

import { MessageChannel, type MessagePort, Worker } from 'node:worker_threads'
import { MailError } from '../../contracts/mail-error.ts'
import type { AccountChange, Failure, Operation, Request, WriterCommand, WriterCounters, WriterOptions, WriterReport } from './operation.ts'

interface Waiting {
  readonly resolve: (value: unknown) => void
  readonly reject: (error: MailError) => void
}

/** A failure as an error again. */
export function errorOf({ kind, message, cause }: Failure): MailError {
  return new MailError(kind, message, cause === undefined ? undefined : { cause })
}

/** Talks to the writer's thread, which it starts at the first request. */
export class WriterClient {
  readonly #options: WriterOptions
  readonly #tell: (change: AccountChange) => void
  readonly #waiting = new Map<number, Waiting>()
  #worker: Worker | undefined
  #port: MessagePort | undefined
  #nextId = 1
  #requests: Request[] = []
  #octets: ArrayBuffer[] = []
  #stopped: Failure | undefined
  #closed: (() => void) | undefined
  #counters: WriterCounters = { groups: 0, operations: 0, segmentSyncs: 0 }

  constructor(options: WriterOptions, tell: (change: AccountChange) => void) {
    this.#options = options
    this.#tell = tell
  }

  /** What the writer had done when it answered last. */
  get counters(): Readonly<WriterCounters> {
    return this.#counters
  }

  /** Throws when nothing is written any more. */
  checkRunning(): void {
    if (this.#stopped !== undefined) throw errorOf(this.#stopped)
  }

  /**
   * Asks for an operation; resolves when it is durable. Arrays whose buffers are in `octets` are given away. What is asked in
   * one turn of the event loop travels together.
   */
  request(operation: Operation, octets: readonly ArrayBuffer[] = []): Promise<unknown> {
    return new Promise((resolve, reject) => {
      if (this.#stopped !== undefined) {
        reject(errorOf(this.#stopped))
        return
      }
      const port = this.#start()
      const id = this.#nextId++
      this.#waiting.set(id, { resolve, reject })
      if (this.#requests.length === 0) setImmediate(() => this.#send(port))
      this.#requests.push({ id, operation })
      this.#octets.push(...octets)
      if (this.#waiting.size === 1) port.ref()
    })
  }

  #send(port: MessagePort): void {
    const command: WriterCommand = { kind: 'requests', requests: this.#requests }
    const octets = this.#octets
    this.#requests = []
    this.#octets = []
    port.postMessage(command, octets)
  }

  #start(): MessagePort {
    if (this.#port !== undefined) return this.#port
    const { port1, port2 } = new MessageChannel()
    // The same ending as this file's: ".ts" from the sources, ".js" when built.
    this.#worker = new Worker(new URL(`./writer-worker${import.meta.url.slice(-3)}`, import.meta.url), {
      workerData: { port: port2, options: this.#options },
      transferList: [port2],
      name: 'mailwright writer',
      execArgv: [],
    })
    this.#worker.unref()
    this.#worker.on('error', error => this.#fail(error))
    this.#worker.on('exit', () => this.#fail(new Error('the writer ended')))
    port1.on('message', (report: WriterReport) => this.#hear(report))
    this.#port = port1
    return port1
  }

  #hear(report: WriterReport): void {
    switch (report.kind) {
      case 'stopped':
        this.#stopped = report.failure
        return
      case 'closed':
        this.#closed?.()
        return
      case 'answers':
        this.#counters = report.counters
        for (const { id, changes, outcome } of report.answers) {
          for (const change of changes) this.#tell(change)
          const waiting = this.#waiting.get(id)
          this.#waiting.delete(id)
          if (outcome.ok) waiting?.resolve(outcome.value)
          else waiting?.reject(errorOf(outcome.failure))
        }
        if (this.#waiting.size === 0) this.#port?.unref()
    }
  }

  /** The thread is gone: whether what was asked last was done is not known here, so it counts as failed. */
  #fail(error: unknown): void {
    const text = error instanceof Error ? error.message : String(error)
    this.#stopped ??= { kind: 'unavailable', message: `the writer of the mail store ended (${text}): start again` }
    for (const { reject } of this.#waiting.values()) {
      reject(new MailError('unavailable', this.#stopped.message, { cause: error }))
    }
    this.#waiting.clear()
    this.#port?.close()
    this.#closed?.()
  }

  /** Ends what was asked for, then the thread. */
  async close(): Promise<void> {
    const port = this.#port
    const worker = this.#worker
    if (port === undefined || worker === undefined) return
    if (this.#stopped === undefined || this.#waiting.size > 0) {
      await new Promise<void>(resolve => {
        this.#closed = resolve
        port.ref()
        // After what was asked for in this turn.
        setImmediate(() => port.postMessage({ kind: 'close' } satisfies WriterCommand))
      })
    }
    this.#stopped ??= { kind: 'unavailable', message: 'the store is closed' }
    port.close()
    await worker.terminate()
  }
}
