/** Back-pressure towards a client that reads no replies: it is given none until it does. */

import type { Socket } from 'node:net'

/** Resolves when the socket has sent what waits, or is gone; `undefined` when nothing is in the way. */
export function drained(socket: Socket): Promise<void> | undefined {
  if (!socket.writableNeedDrain || socket.destroyed) return undefined
  return new Promise(resolve => {
    const done = (): void => {
      socket.off('drain', done)
      socket.off('close', done)
      resolve()
    }
    socket.on('drain', done)
    socket.on('close', done)
  })
}
