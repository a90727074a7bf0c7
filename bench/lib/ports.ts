/** Free ports, and waiting for servers. */

import { createSocket } from 'node:dgram'
import { connect, createServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

/**
 * Where the ports of this process begin: below those that systems give to whoever asks for any, such as another process's client, and
 * apart from those of processes that began about when this one did. So nobody takes a port between its choice and its use.
 */
const FIRST = 10_000 + (process.pid % 440) * 50
let given = 0

/** A port of loopback for a program that must be told one: free for TCP and UDP, and not given before. */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < 50; tries++) {
    const port = FIRST + (given++ % 50)
    if ((await canListen(port)) && (await canBind(port))) return port
  }
  throw new Error(`no port from ${FIRST} on is free`)
}

function canListen(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => void server.close(() => resolve(true)))
  })
}

function canBind(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const socket = createSocket('udp4')
    socket.once('error', () => resolve(false))
    socket.bind(port, '127.0.0.1', () => void socket.close(() => resolve(true)))
  })
}

/** Waits until something accepts connections on the port; throws after 20 s. */
export async function listening(port: number): Promise<void> {
  for (let round = 0; round < 200; round++) {
    const ok = await new Promise<boolean>(resolve => {
      const socket = connect(port, '127.0.0.1')
      socket.once('connect', () => (socket.destroy(), resolve(true)))
      socket.once('error', () => resolve(false))
    })
    if (ok) return
    await sleep(100)
  }
  throw new Error(`nothing listens on port ${port}`)
}
