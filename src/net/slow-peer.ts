/** A peer that takes less than is written to it: the writer waits, and one that takes nothing is cut off. RFC 5321 §4.5.3.2.5. */

import type { Socket } from 'node:net'
import { sharedDeadlines } from './deadlines.ts'
import type { Deadlined } from './deadlines.ts'

/** Exists only while a peer is slower than what is written to it; cuts it off when it takes nothing for `timeout` milliseconds. */
export class SlowPeer implements Deadlined {
  /** Resolves once the peer has taken what waits, or is gone. */
  readonly drained: Promise<void>
  dueTick = 0
  readonly #socket: Socket
  readonly #timeout: number
  readonly #resolve: () => void
  #sent: number

  constructor(socket: Socket, timeout: number) {
    this.#socket = socket
    this.#timeout = timeout
    this.#sent = sentBy(socket)
    const { promise, resolve } = Promise.withResolvers<void>()
    this.drained = promise
    this.#resolve = resolve
    sharedDeadlines.begin(this, timeout)
  }

  timeIsUp(): void {
    const sent = sentBy(this.#socket)
    if (sent === this.#sent) {
      this.#socket.destroy()
      return
    }
    this.#sent = sent
    sharedDeadlines.begin(this, this.#timeout)
  }

  /** The peer took what waited, or is gone. */
  release(): void {
    sharedDeadlines.cancel(this)
    this.#resolve()
  }
}

function sentBy(socket: Socket): number {
  return (socket.bytesWritten ?? 0) - socket.writableLength
}
