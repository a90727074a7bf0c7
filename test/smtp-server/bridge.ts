/** An engine behind a loopback socket, and a raw client that writes octets and reads replies. */
import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { smtpEngine } from 'mailwright/smtp-server'
import type { SmtpEngine, SmtpOptions, StartTls } from 'mailwright/smtp-server'
import type { Host, LiveConnection, Principal, TlsFacts } from 'mailwright/contracts'
import { houseOf } from '../pipeline/house.ts'
import type { TestHouse } from '../pipeline/house.ts'

export interface BridgeOptions extends Partial<SmtpOptions> {
  readonly house?: Parameters<typeof houseOf>[0]
  readonly host?: Host
  readonly startTls?: StartTls
  /** What the engine is told of the peer's address. */
  readonly remote?: string
}

export interface Bridge extends AsyncDisposable {
  readonly house: TestHouse
  readonly engine: SmtpEngine
  readonly port: number
  /** Resolves when the last connection that was begun is over. */
  idle(): Promise<void>
  client(): Promise<RawClient>
}

class Live implements LiveConnection {
  tls: TlsFacts | undefined = undefined
  clientName: string | undefined = undefined
  principal: Principal | undefined = undefined
  readonly local = { address: '127.0.0.1', port: 25 }
  readonly id: string
  readonly protocol: LiveConnection['protocol']
  readonly remote: LiveConnection['remote']
  readonly signal: AbortSignal

  constructor(id: string, protocol: LiveConnection['protocol'], remote: string, signal: AbortSignal) {
    this.id = id
    this.protocol = protocol
    this.remote = { address: remote, port: 4000 }
    this.signal = signal
  }
}

export async function bridge(options: BridgeOptions = {}): Promise<Bridge> {
  const { house: houseOptions, host, startTls, remote = '127.0.0.1', ...smtp } = options
  const house = houseOf(houseOptions)
  const engine = smtpEngine(host ?? house.host, { flavour: 'smtp', ...smtp })
  const running = new Set<Promise<void>>()
  const sockets = new Set<Socket | TLSSocket>()
  let count = 0
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true, noDelay: true }, socket => {
    const gone = new AbortController()
    socket.on('close', () => gone.abort())
    sockets.add(socket)
    const run = engine.connect(socket, new Live(`c${++count}`, engine.protocol, remote, gone.signal), startTls)
    running.add(run)
    void run.then(() => running.delete(run))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    house,
    engine,
    port,
    idle: async () => void (await Promise.all(running)),
    client: () => RawClient.open(port),
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      await new Promise(resolve => server.close(resolve))
    },
  }
}

/** Writes what it is told and collects what comes back. */
export class RawClient implements Disposable {
  socket: Socket
  #text = ''
  #isClosed = false
  #wake: (() => void) | undefined

  constructor(socket: Socket) {
    this.socket = socket
    this.adopt(socket)
  }

  static async open(port: number): Promise<RawClient> {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true })
    const client = new RawClient(socket)
    await once(socket, 'connect')
    return client
  }

  /** Goes on over another socket (TLS). */
  adopt(socket: Socket): void {
    this.socket = socket
    socket.on('data', (octets: Buffer) => {
      this.#text += octets.toString('latin1')
      this.#wake?.()
    })
    socket.on('error', () => undefined)
    socket.on('close', () => {
      this.#isClosed = true
      this.#wake?.()
    })
  }

  write(text: string | Uint8Array): void {
    this.socket.write(typeof text === 'string' ? Buffer.from(text, 'latin1') : text)
  }

  /** The next whole reply, its lines joined by `\n`; `closed` when there is none any more. */
  async reply(): Promise<string> {
    for (;;) {
      const match = /^(?:\d{3}-[^\n]*\n)*\d{3} [^\n]*\r\n/.exec(this.#text)
      if (match !== null) {
        this.#text = this.#text.slice(match[0].length)
        return match[0].trimEnd().replaceAll('\r\n', '\n')
      }
      if (this.#isClosed) return this.#text === '' ? 'closed' : `closed after ${JSON.stringify(this.#text)}`
      await new Promise<void>(resolve => (this.#wake = resolve))
    }
  }

  async replies(count: number): Promise<string[]> {
    const all: string[] = []
    for (let at = 0; at < count; at++) all.push(await this.reply())
    return all
  }

  /** Everything until the server closes. */
  async rest(): Promise<string> {
    while (!this.#isClosed) await new Promise<void>(resolve => (this.#wake = resolve))
    return this.#text
  }

  /** Sends each line and checks the reply against it: `C:` and `S:` lines, `*` matches within a line. */
  async transcript(script: string): Promise<void> {
    for (const line of script.split('\n').map(text => text.trim())) {
      if (line === '') continue
      if (line.startsWith('C: ')) this.write(`${line.slice(3)}\r\n`)
      else if (line === 'C:') this.write('\r\n')
      else if (line.startsWith('S: ')) {
        const wanted = line.slice(3)
        const pattern = new RegExp(
          `^${wanted
            .split('*')
            .map(part => part.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&'))
            .join('[^]*')}$`,
        )
        const got = await this.reply()
        if (!pattern.test(got)) throw new Error(`wanted ${JSON.stringify(wanted)}\n   got ${JSON.stringify(got)}`)
      }
    }
  }

  [Symbol.dispose](): void {
    this.socket.destroy()
  }
}
