/**
 * Sends replies at the end of a turn of the event loop, those of all connections together. Each one wakes a client, and clients on the
 * same machine would take the processor in the middle of the work for others: three in a hundred of all work went into that.
 */

/** What has something to send. */
export interface Flushable {
  flush(): void
  /** Told of what `flush` threw: the others of that turn have their replies nevertheless. */
  flushFailed(error: unknown): void
}

let waiting: Flushable[] = []

/** Flushes before the event loop looks for what arrived next. */
export function flushAtTurnEnd(flushable: Flushable): void {
  if (waiting.length === 0) setImmediate(flushAll)
  waiting.push(flushable)
}

function flushAll(): void {
  const all = waiting
  waiting = []
  for (const flushable of all) {
    try {
      flushable.flush()
    } catch (error) {
      flushable.flushFailed(error)
    }
  }
}
