/** How far long work is, on stderr: one line that is rewritten where a person looks, else a line every few seconds. */

/** What progress needs of a stream. */
export interface ProgressStream {
  readonly isTTY?: boolean
  readonly columns?: number
  write(text: string): unknown
}

/** Tells how far work is. */
export interface Progress {
  /** What is being done now; called as often as one likes. */
  at(text: string): void
  /** The work is over: nothing of the line stays. */
  end(): void
}

/** Milliseconds between two rewritings, and between two lines where nobody looks. */
const REWRITE = 100
const LINE = 3000

/** Progress on a stream. `now` is in milliseconds. */
export function progressOn(stream: ProgressStream, now: () => number = () => performance.now()): Progress {
  const every = stream.isTTY === true ? REWRITE : LINE
  // Where a person looks the first line comes at once; work that is over in three seconds says nothing in a log.
  let last = stream.isTTY === true ? Number.NEGATIVE_INFINITY : now()
  let isShown = false
  return {
    at(text) {
      if (now() - last < every) return
      last = now()
      if (stream.isTTY !== true) stream.write(`mailwright: ${text}\n`)
      else {
        isShown = true
        stream.write(`\r\u001b[K${text.slice(0, (stream.columns ?? 80) - 1)}`)
      }
    },
    end() {
      if (isShown) stream.write('\r\u001b[K')
      isShown = false
    },
  }
}

/** `contents, 12,000 of 340,000 (3 %)`. */
export function share(what: string, done: number, total: number): string {
  const percent = total === 0 ? 100 : Math.floor((done / total) * 100)
  return `${what}, ${done.toLocaleString('en')} of ${total.toLocaleString('en')} (${percent} %)`
}
