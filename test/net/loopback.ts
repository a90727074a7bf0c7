/** Listeners and plain clients on loopback, for the tests of this folder. */
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { once } from 'node:events'
import type { Transport } from 'mailwright/contracts'
import { listen, socketTransport } from 'mailwright/net'
import type { AcceptedSocket, Listener, ListenOptions, TransportSettings } from 'mailwright/net'

export interface House {
  readonly listener: Listener
  /** The next connection that was accepted, as a transport. */
  accepted(): Promise<Transport>
  dial(): Promise<Socket>
  readonly drops: string[]
  [Symbol.asyncDispose](): Promise<void>
}

/** Opens a door on a free port and hands out what comes in. */
export async function house(options: Partial<ListenOptions> = {}, settings: TransportSettings = {}): Promise<House> {
  const arrived: Transport[] = []
  const waiting: ((transport: Transport) => void)[] = []
  const drops: string[] = []
  const clients: Socket[] = []
  const listener = await listen({
    port: 0,
    onConnection: (accepted: AcceptedSocket) => {
      const transport = socketTransport(accepted.socket, accepted, settings)
      const taker = waiting.shift()
      if (taker === undefined) arrived.push(transport)
      else taker(transport)
    },
    onDrop: (_ends, reason) => drops.push(reason),
    ...options,
  })
  return {
    listener,
    drops,
    accepted: () => {
      const transport = arrived.shift()
      return transport === undefined ? new Promise(resolve => waiting.push(resolve)) : Promise.resolve(transport)
    },
    dial: async () => {
      const socket = options.path === undefined ? connect(listener.port, '127.0.0.1') : connect(options.path)
      socket.on('error', () => undefined)
      clients.push(socket)
      await once(socket, 'connect')
      return socket
    },
    [Symbol.asyncDispose]: async () => {
      listener.close()
      listener.destroy()
      for (const client of clients) client.destroy()
      await listener.done
    },
  }
}

/** Everything a client receives until the server ends. */
export async function everything(socket: Socket): Promise<string> {
  let text = ''
  socket.on('data', octets => (text += octets.toString('latin1')))
  if (!socket.closed) await once(socket, 'close')
  return text
}

export function octets(text: string): Uint8Array {
  return new TextEncoder().encode(text)
}

export function text(arrival: Uint8Array | undefined | 'timeout'): string | undefined {
  return arrival instanceof Uint8Array ? new TextDecoder().decode(arrival) : arrival
}
