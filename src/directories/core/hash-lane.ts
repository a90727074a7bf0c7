/** Hashing takes turns: two at a time, so that a flood of logins leaves threads for everything else that waits on them. */

import { MailError } from '../../contracts/index.ts'

/** Node's thread pool has four threads, which files and name look-ups need too. */
const AT_ONCE = 2
/** Logins that wait; at 40 ms each the last of them waits five seconds. Beyond that the answer is "not now". */
const WAITING = 256

/** Runs work in turn; throws `unavailable` when too much waits already. */
export class HashLane {
  #running = 0
  readonly #waiting: (() => void)[] = []

  async run<T>(work: () => Promise<T>, signal: AbortSignal | undefined): Promise<T> {
    signal?.throwIfAborted()
    if (this.#running >= AT_ONCE) {
      if (this.#waiting.length >= WAITING) throw new MailError('unavailable', 'too many logins wait for their passwords to be checked')
      await new Promise<void>(resolve => {
        this.#waiting.push(resolve)
      })
    } else {
      this.#running++
    }
    try {
      // Whoever gave up while waiting costs nothing.
      signal?.throwIfAborted()
      return await work()
    } finally {
      const next = this.#waiting.shift()
      if (next === undefined) this.#running--
      else next()
    }
  }
}
