/** Asks `mailauth` about signatures that the direct way cannot decide: on a thread, one message at a time, with a deadline. S17, S18. */

import { Worker } from 'node:worker_threads'
import type { Clock, MessageSource } from '../../contracts/index.ts'
import type { KeyLookup, SignatureReason } from '../../dkim/index.ts'
import type { FallbackVerdict, FromFallback, ToFallback } from './fallback-worker.ts'

/** Reasons that mean "not known here", not "wrong". */
const UNDECIDED: ReadonlySet<SignatureReason | undefined> = new Set<SignatureReason | undefined>([
  'unsupported-algorithm',
  'unsupported-canonicalization',
  'unsupported-query',
  'key-type',
  'large-key',
])

/** Whether a verdict is one for the fallback. */
export function isUndecided(reason: SignatureReason | undefined): boolean {
  return UNDECIDED.has(reason)
}

const MOST_OCTETS = 25 * 1024 * 1024
/** `mailauth` takes seconds for megabytes in one line. */
const LONGEST_LINE = 65_536
const MOST_WAITING = 20
const MEMORY_MB = 256
const SLICE = 256 * 1024

/** One thread, begun when it is first needed. */
export class Fallback {
  readonly #clock: Clock
  readonly #within: number
  #worker: Worker | undefined
  #last: Promise<unknown> = Promise.resolve()
  #waiting = 0

  constructor(clock: Clock, within: number) {
    this.#clock = clock
    this.#within = within
  }

  /** The verdicts, or why there are none. Never rejects. */
  async verify(source: MessageSource, lookup: KeyLookup): Promise<readonly FallbackVerdict[] | 'too large' | 'too late'> {
    if (this.#waiting >= MOST_WAITING) return 'too late'
    this.#waiting++
    const turn = this.#last.then(async () => {
      const octets = await octetsOf(source)
      return octets === undefined ? 'too large' : this.#ask(octets, lookup)
    })
    this.#last = turn.catch(() => undefined)
    try {
      return await turn
    } catch {
      return 'too late'
    } finally {
      this.#waiting--
    }
  }

  #ask(octets: Uint8Array<ArrayBuffer>, lookup: KeyLookup): Promise<readonly FallbackVerdict[] | 'too late'> {
    const worker = (this.#worker ??= this.#start())
    return new Promise(resolve => {
      const tell = (message: ToFallback): void => worker.postMessage(message, message.kind === 'verify' ? [octets.buffer] : [])
      const settle = (outcome: readonly FallbackVerdict[] | 'too late'): void => {
        stop()
        worker.off('message', hear).off('error', fail).off('exit', fail)
        worker.unref()
        resolve(outcome)
      }
      const fail = (): void => {
        settle('too late')
        this.#worker = undefined
        void worker.terminate()
      }
      const hear = (message: FromFallback): void => {
        if (message.kind === 'verdicts') {
          settle(message.verdicts)
          return
        }
        lookup(message.name).then(
          records => tell({ kind: 'answer', question: message.question, records }),
          () => tell({ kind: 'answer', question: message.question, records: undefined }),
        )
      }
      const stop = this.#clock.after(this.#within, fail)
      worker.on('message', hear).on('error', fail).on('exit', fail)
      worker.ref()
      tell({ kind: 'verify', octets })
    })
  }

  #start(): Worker {
    // The same ending as this file's: ".ts" from the sources, ".js" when built.
    return new Worker(new URL(`./fallback-worker${import.meta.url.slice(-3)}`, import.meta.url), {
      name: 'mailwright sender-auth',
      execArgv: [],
      resourceLimits: { maxOldGenerationSizeMb: MEMORY_MB },
    })
  }
}

/** The octets in memory of their own; `undefined` for what is too much for `mailauth`. */
async function octetsOf(source: MessageSource): Promise<Uint8Array<ArrayBuffer> | undefined> {
  if (source.size > MOST_OCTETS) return undefined
  const octets = new Uint8Array(source.size)
  let lineStart = 0
  for (let at = 0; at < source.size; at += SLICE) {
    const end = Math.min(source.size, at + SLICE)
    octets.set(await source.read(at, end), at)
    for (let feed = octets.indexOf(0x0a, at); feed >= 0 && feed < end; feed = octets.indexOf(0x0a, feed + 1)) {
      if (feed - lineStart > LONGEST_LINE) return undefined
      lineStart = feed + 1
    }
    if (end - lineStart > LONGEST_LINE) return undefined
  }
  return octets
}
