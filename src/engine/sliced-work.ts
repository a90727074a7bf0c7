/** One command at a time, and never so long that the others wait: how a session shares the event loop. RFC 9051 §5.5. */

import type { Clock } from '../contracts/clock.ts'
import { nextTurn } from '../contracts/next-turn.ts'

/** Milliseconds of work after which the event loop gets its turn. */
const SLICE_MS = 4

/** What commands write to. */
export interface Outlet {
  /** Enough was gathered to be sent. */
  readonly isFull: boolean
  /** Sends it; a promise means: wait before going on. */
  flush(): Promise<void> | undefined
}

/** A session whose commands do their work in slices. */
export abstract class SlicedWork {
  abstract readonly host: { readonly clock: Clock }
  abstract readonly connection: { readonly signal: AbortSignal }
  abstract readonly out: Outlet
  #sliceBegan = 0

  /** Begins a slice of work that {@link SlicedWork.pause} measures. */
  beginSlice(): void {
    this.#sliceBegan = this.host.clock.monotonic()
  }

  /**
   * For loops, now and then: sends what is due and lets others run when this command has had its slice. Answers a promise
   * only when there is something to wait for. Throws {@link Disconnected}.
   */
  pause(): Promise<void> | undefined {
    if (this.connection.signal.aborted) throw new Disconnected()
    const pressure = this.out.isFull ? this.out.flush() : undefined
    if (pressure !== undefined) return pressure.then(() => this.beginSlice())
    if (this.host.clock.monotonic() - this.#sliceBegan < SLICE_MS) return undefined
    return nextTurn(this.host.clock).then(() => this.beginSlice())
  }
}

/** The client left, or its answer broke off: nobody is there to hear more. */
export class Disconnected extends Error {
  override readonly name: string = 'Disconnected'
}
