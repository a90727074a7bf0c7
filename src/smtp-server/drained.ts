/** Back-pressure towards a client that reads no replies: it is given none until it does. */

import type { Socket } from 'node:net'
import type { Watchdog } from './watchdog.ts'

/** Resolves when the socket has sent what waits, or is gone; `undefined` when nothing is in the way. Until then it is the client's time. */
export function drained(socket: Socket, watchdog: Watchdog): Promise<void> | undefined {
  if (!socket.writableNeedDrain || socket.destroyed) return undefined
  watchdog.unheard()
  return new Promise(resolve => {
    const done = (): void => {
      socket.off('drain', done)
      socket.off('close', done)
      watchdog.busy()
      resolve()
    }
    socket.on('drain', done)
    socket.on('close', done)
  })
}
