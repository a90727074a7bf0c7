/** A server in memory on free ports, and a client that reads lines, for the tests of this folder. */
import { once } from 'node:events'
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { createMailServer } from 'mailwright'
import type { MailServer, MailServerOptions } from 'mailwright'
import { memoryDirectory } from 'mailwright/directories/memory'
import { certificates } from 'mailwright/net'
import { memoryStore } from 'mailwright/stores/memory'
import { selfSigned } from '../../src/net/self-signed.ts'
import type { PemPair } from '../../src/net/self-signed.ts'

export const pair: PemPair = selfSigned({
  names: ['mx.example', 'localhost'],
  notBefore: Date.now() - 60_000,
  notAfter: Date.now() + 3_600_000,
})

/** Everything a server needs but its doors. */
export function parts(): Pick<MailServerOptions, 'hostname' | 'store' | 'directory' | 'tls'> {
  const directory = memoryDirectory({ accounts: { 'ann@home.test': 'correct horse' }, hashCost: { memory: 256, passes: 1 } })
  return { hostname: 'mx.example', store: memoryStore(), directory, tls: certificates([pair]) }
}

export function composed(options: Partial<MailServerOptions> = {}): MailServer {
  return createMailServer({ ...parts(), listeners: { smtp: 0, submission: 0, imap: 0, pop3: 0 }, ...options })
}

/** A client that says lines and hears them. */
export class Client {
  readonly socket: Socket
  #heard = ''
  #over = false
  #wake: (() => void) | undefined

  private constructor(socket: Socket) {
    this.socket = socket
    socket.setEncoding('latin1')
    socket.on('data', text => {
      this.#heard += String(text)
      this.#wake?.()
    })
    socket.on('error', () => undefined)
    socket.on('close', () => {
      this.#over = true
      this.#wake?.()
    })
  }

  static async dial(port: number | undefined): Promise<Client> {
    const socket = connect(port ?? 0, '127.0.0.1')
    const client = new Client(socket)
    await once(socket, 'connect')
    return client
  }

  say(line: string): void {
    this.socket.write(`${line}\r\n`)
  }

  /** Waits for a line that matches; answers everything heard since the last call. */
  async hear(pattern: RegExp): Promise<string> {
    while (!pattern.test(this.#heard)) {
      if (this.#over) throw new Error(`the server ended after ${JSON.stringify(this.#heard)}, not ${pattern}`)
      await new Promise<void>(resolve => (this.#wake = resolve))
    }
    const heard = this.#heard
    this.#heard = ''
    return heard
  }

  /** Everything until the server ends. */
  async rest(): Promise<string> {
    if (!this.#over) await once(this.socket, 'close')
    return this.#heard
  }
}
