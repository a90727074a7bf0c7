/**
 * The parsed view of a message that middleware may ask for: made by `mailparser` on a thread of its own, begun only when somebody
 * asks, with a deadline and a limit of memory. RFC 5322; RFC 2045; M1-M4, S18.
 */

import { Worker } from 'node:worker_threads'
import type { Clock } from '../contracts/clock.ts'
import { MailError } from '../contracts/mail-error.ts'
import type { MessageSource } from '../contracts/message.ts'
import type { ParsedMessage } from '../contracts/middleware.ts'
import type { ParserAnswer } from './parsed-worker.ts'

/** What parsing may cost. */
export interface ParseLimits {
  /** Octets of a message that are parsed. */
  readonly octets: number
  /** Milliseconds on the thread, waiting for other messages left out. */
  readonly time: number
  /** Mebibytes of JavaScript heap on the thread. */
  readonly memory: number
}

/** The limits: 25 MiB, ten seconds, 256 MiB. */
export const PARSE_LIMITS: ParseLimits = Object.freeze({ octets: 25 * 1024 * 1024, time: 10_000, memory: 256 })

/** Octets that are read at a time. */
const SLICE = 327_680

/** Parses messages one after another on a thread that begins with the first and never keeps the process alive. */
export class ParserThread {
  readonly #clock: Clock
  readonly #limits: ParseLimits
  #worker: Worker | undefined
  #last: Promise<unknown> = Promise.resolve()

  constructor(clock: Clock, limits: ParseLimits = PARSE_LIMITS) {
    this.#clock = clock
    this.#limits = limits
  }

  /**
   * Parses a message whole. Throws `MailError` `too-big` beyond the limit, `invalid` where `mailparser` gives up, `unavailable` when it
   * takes more time or memory than it may.
   */
  async parse(source: MessageSource): Promise<ParsedMessage> {
    const { octets: most } = this.#limits
    if (source.size > most) throw new MailError('too-big', `${source.size} octets are more than the ${most} that are parsed`)
    const turn = this.#last.then(async () => this.#ask(await octetsOf(source)))
    this.#last = turn.catch(() => undefined)
    return turn
  }

  #ask(octets: Uint8Array<ArrayBuffer>): Promise<ParsedMessage> {
    const worker = (this.#worker ??= this.#start())
    return new Promise((resolve, reject) => {
      const settle = (): void => {
        stop()
        worker.off('message', hear).off('error', fail).off('exit', end)
        worker.unref()
      }
      const giveUp = (message: string, cause?: unknown): void => {
        settle()
        this.#worker = undefined
        void worker.terminate()
        reject(new MailError('unavailable', message, cause === undefined ? undefined : { cause }))
      }
      const hear = (answer: ParserAnswer): void => {
        settle()
        if (answer.ok) resolve(answer.message)
        else reject(new MailError('invalid', `the message cannot be parsed: ${answer.reason}`))
      }
      const fail = (error: Error): void => giveUp('parsing the message took too much memory, or failed', error)
      const end = (): void => giveUp('parsing the message ended before its result')
      const stop = this.#clock.after(this.#limits.time, () => giveUp(`parsing the message took more than ${this.#limits.time} ms`))
      worker.on('message', hear).on('error', fail).on('exit', end)
      worker.ref()
      worker.postMessage(octets, [octets.buffer])
    })
  }

  #start(): Worker {
    // The same ending as this file's: ".ts" from the sources, ".js" when built.
    return new Worker(new URL(`./parsed-worker${import.meta.url.slice(-3)}`, import.meta.url), {
      name: 'mailwright parser',
      execArgv: [],
      resourceLimits: { maxOldGenerationSizeMb: this.#limits.memory },
    })
  }
}

/** The octets in memory of their own, read in slices between which others are served. */
async function octetsOf(source: MessageSource): Promise<Uint8Array<ArrayBuffer>> {
  const octets = new Uint8Array(source.size)
  for (let at = 0; at < source.size; at += SLICE) {
    const slice = source.read(at, Math.min(source.size, at + SLICE))
    octets.set(slice instanceof Uint8Array ? slice : await slice, at)
  }
  return octets
}
