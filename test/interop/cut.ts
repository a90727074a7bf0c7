/** A wire that breaks: forwards to a port until so many octets went through in one direction, then resets both ends. */

import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'

/** A breakable wire. */
export interface Wire extends AsyncDisposable {
  /** What clients connect to. */
  readonly port: number
  /** The next connections break after so many octets. */
  breakAfter(octets: number, direction: 'to the server' | 'to the client'): void
  /** Connections go through whole again. */
  mend(): void
}

export async function wireTo(target: number): Promise<Wire> {
  const pairs = new Set<readonly [Socket, Socket]>()
  let limit = { octets: Number.POSITIVE_INFINITY, direction: 'to the client' as 'to the server' | 'to the client' }
  const server = createServer(near => {
    const far = connect(target, '127.0.0.1')
    const pair = [near, far] as const
    const { octets: most, direction } = limit
    pairs.add(pair)
    for (const [from, to, way] of [
      [near, far, 'to the server'],
      [far, near, 'to the client'],
    ] as const) {
      let passed = 0
      from.on('data', (octets: Buffer) => {
        passed += octets.length
        if (way === direction && passed > most) reset(pair)
        else to.write(octets)
      })
      from.on('end', () => to.end())
      from.on('error', () => undefined)
      from.on('close', () => to.destroy())
    }
    near.on('close', () => pairs.delete(pair))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    breakAfter(octets, direction) {
      limit = { octets, direction }
    },
    mend() {
      limit = { ...limit, octets: Number.POSITIVE_INFINITY }
    },
    async [Symbol.asyncDispose]() {
      for (const pair of pairs) reset(pair)
      await new Promise(resolve => server.close(resolve))
    },
  }
}

/** A socket that is ending already cannot be reset: its handle would never be let go, and the process would spin at its end. */
function reset(pair: readonly [Socket, Socket]): void {
  for (const socket of pair) {
    if (socket.writableEnded || socket.destroyed) socket.destroy()
    else socket.resetAndDestroy()
  }
}
