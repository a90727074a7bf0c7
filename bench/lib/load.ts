/** Clients that deliver and append as fast as they are answered, until the server dies under them. */

import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Ledger } from './ledger.ts'

/** One line-oriented conversation that ends when the connection does. */
class Conversation {
  readonly #socket: Socket
  #lines: string[] = []
  #rest = ''
  #over = false
  #wake: (() => void) | undefined

  constructor(port: number) {
    this.#socket = connect({ port, host: '127.0.0.1', noDelay: true })
    this.#socket.on('data', chunk => {
      const parts = (this.#rest + chunk.toString('latin1')).split('\r\n')
      this.#rest = parts.pop() ?? ''
      this.#lines.push(...parts)
      this.#wake?.()
    })
    const over = (): void => {
      this.#over = true
      this.#wake?.()
    }
    this.#socket.on('close', over)
    this.#socket.on('error', over)
  }

  send(octets: string | Uint8Array): void {
    this.#socket.write(octets)
  }

  /** The next line that matches; `undefined` when the connection ended first. */
  async line(matches: (line: string) => boolean): Promise<string | undefined> {
    for (;;) {
      for (let line = this.#lines.shift(); line !== undefined; line = this.#lines.shift()) {
        if (matches(line)) return line
      }
      if (this.#over) return undefined
      await new Promise<void>(resolve => (this.#wake = resolve))
    }
  }

  close(): void {
    this.#socket.destroy()
  }
}

const isReply = (line: string): boolean => /^\d\d\d /.test(line)

/** Delivers over LMTP or SMTP until the connection ends. */
export async function deliverer(port: number, greeting: 'LHLO' | 'EHLO', recipient: string, ledger: Ledger): Promise<void> {
  const talk = new Conversation(port)
  try {
    if ((await talk.line(isReply)) === undefined) return
    talk.send(`${greeting} load.example\r\n`)
    if ((await talk.line(isReply)) === undefined) return
    await transactions(talk, 'ledger@elsewhere.example', () => recipient, ledger)
  } finally {
    talk.close()
  }
}

/** Logs in and submits over SMTP until the connection ends, each message to a recipient made of its id. */
export async function submitter(
  port: number,
  user: string,
  password: string,
  recipientOf: (id: string) => string,
  ledger: Ledger,
): Promise<void> {
  const talk = new Conversation(port)
  try {
    if ((await talk.line(isReply)) === undefined) return
    talk.send('EHLO load.example\r\n')
    if ((await talk.line(isReply)) === undefined) return
    talk.send(`AUTH PLAIN ${Buffer.from(`\0${user}\0${password}`).toString('base64')}\r\n`)
    const reply = await talk.line(isReply)
    if (reply === undefined) return
    if (!reply.startsWith('235')) throw new Error(`the login was refused: ${reply}`)
    await transactions(talk, user, recipientOf, ledger)
  } finally {
    talk.close()
  }
}

/** One message after the other, until the connection ends. */
async function transactions(talk: Conversation, sender: string, recipientOf: (id: string) => string, ledger: Ledger): Promise<void> {
  for (;;) {
    const { id, octets } = ledger.message(undefined, sender)
    talk.send(`MAIL FROM:<${sender}>\r\nRCPT TO:<${recipientOf(id)}>\r\nDATA\r\n`)
    for (const expected of ['250', '250', '354']) {
      const reply = await talk.line(isReply)
      if (reply === undefined) return
      if (!reply.startsWith(expected)) throw new Error(`${expected} was expected: ${reply}`)
    }
    talk.send(octets)
    talk.send('.\r\n')
    const reply = await talk.line(isReply)
    if (reply === undefined) return
    if (reply.startsWith('250')) ledger.acknowledge(id)
    else if (!reply.startsWith('4')) throw new Error(`the message was refused: ${reply}`)
  }
}

/** Appends over IMAP until the connection ends, so many messages behind one another before it waits for their answers. */
export async function appender(port: number, user: string, password: string, ledger: Ledger, together: number = 1): Promise<void> {
  const talk = new Conversation(port)
  try {
    talk.send(`l LOGIN ${user} ${password}\r\n`)
    if ((await talk.line(line => line.startsWith('l '))) === undefined) return
    for (;;) {
      const ids: string[] = []
      for (let n = 0; n < together; n++) {
        const { id, octets } = ledger.message()
        talk.send(`a${n} APPEND INBOX {${octets.length}+}\r\n`)
        talk.send(octets)
        talk.send('\r\n')
        ids.push(id)
      }
      for (const [n, id] of ids.entries()) {
        const reply = await talk.line(line => line.startsWith(`a${n} `))
        if (reply === undefined) return
        if (reply.startsWith(`a${n} OK`)) ledger.acknowledge(id)
        else throw new Error(`APPEND was refused: ${reply}`)
      }
    }
  } finally {
    talk.close()
  }
}

/** Resolves once the load had `count` more acknowledged than `before`: however slow the machine is, there is something to lose. */
export async function acknowledgedSince(before: number, count: number, ledger: Ledger, load: readonly Promise<void>[]): Promise<void> {
  let isOver = false
  void Promise.allSettled(load).then(() => (isOver = true))
  while (!isOver && ledger.acknowledged.size < before + count) await sleep(5)
}
