/** A bare IMAP client that counts octets and reads nothing twice, so that what is timed is the server. */

import { connect, type Socket } from 'node:net'

/** Where and as whom to log in. */
export interface ImapAccount {
  readonly host: string
  readonly port: number
  readonly user: string
  readonly password: string
}

/** One connection. */
export class ImapClient {
  readonly #socket: Socket
  #waiting: { readonly tag: string; readonly resolve: (answer: Buffer) => void; readonly reject: (error: Error) => void } | undefined
  #chunks: Buffer[] = []
  #size = 0
  #tail = ''
  #tags = 0
  #completion = ''
  /** Off: only the last octets of an answer are kept. */
  keep: boolean = true

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.on('data', chunk => this.#take(chunk))
    socket.on('close', () => this.#waiting?.reject(new Error('the server closed the connection')))
    socket.on('error', () => undefined)
  }

  static async open(account: ImapAccount): Promise<ImapClient> {
    const socket = connect({ host: account.host, port: account.port, noDelay: true })
    const client = new ImapClient(socket)
    await client.#answer('*')
    return client
  }

  static async login(account: ImapAccount): Promise<ImapClient> {
    const client = await ImapClient.open(account)
    await client.run(`LOGIN ${account.user} ${account.password}`)
    return client
  }

  /** Sends a command; the whole answer, or only its last octets when `keep` is off. Throws unless it is OK. */
  async run(command: string): Promise<Buffer> {
    const tag = `t${this.#tags++}`
    this.#socket.write(`${tag} ${command}\r\n`)
    const answer = await this.#answer(tag)
    if (!this.#completion.startsWith(`${tag} OK`)) throw new Error(`${command.slice(0, 80)}: ${this.#completion}`)
    return answer
  }

  /** Sends octets as they are, then waits for the tag. */
  raw(octets: Uint8Array, tag: string): Promise<Buffer> {
    this.#socket.write(octets)
    return this.#answer(tag)
  }

  /** Octets received for the last answer. */
  get received(): number {
    return this.#size
  }

  close(): void {
    this.#socket.destroy()
  }

  #answer(tag: string): Promise<Buffer> {
    this.#chunks = []
    this.#size = 0
    this.#tail = '\n'
    return new Promise((resolve, reject) => (this.#waiting = { tag, resolve, reject }))
  }

  #take(chunk: Buffer): void {
    const waiting = this.#waiting
    if (this.keep || chunk.length < 400) this.#chunks.push(chunk)
    else this.#chunks = [chunk.subarray(-400)]
    this.#size += chunk.length
    this.#tail = (this.#tail + chunk.subarray(-2000).toString('latin1')).slice(-2000)
    if (waiting === undefined || !this.#tail.endsWith('\r\n')) return
    const lastLine = this.#tail.slice(this.#tail.lastIndexOf('\n', this.#tail.length - 2) + 1)
    if (!lastLine.startsWith(`${waiting.tag} `)) return
    this.#waiting = undefined
    this.#completion = lastLine
    waiting.resolve(Buffer.concat(this.#chunks))
  }
}

/** Messages in INBOX. */
export async function countOverImap(account: ImapAccount): Promise<number> {
  const client = await ImapClient.login(account)
  const answer = await client.run('STATUS INBOX (MESSAGES)')
  client.close()
  return Number(/MESSAGES (\d+)/.exec(answer.toString('latin1'))?.[1] ?? 0)
}
