/** The ledger of acknowledged messages, kept outside the server and synced before anything else is sent. */

import { createHash, randomBytes } from 'node:crypto'
import { closeSync, fsyncSync, openSync, writeSync } from 'node:fs'

/** Messages that the server said it has. */
export class Ledger {
  readonly #file: number
  readonly acknowledged: Map<string, string> = new Map()
  /** Sent, but the answer was never seen: may be there once, or not at all. */
  readonly uncertain: Map<string, string> = new Map()

  constructor(path: string) {
    this.#file = openSync(path, 'a')
  }

  /** The answer was seen: from here on the server owes the message. */
  acknowledge(id: string): void {
    const hash = this.uncertain.get(id)
    if (hash === undefined) throw new Error(`${id} was acknowledged but never sent`)
    writeSync(this.#file, `${id} ${hash}\n`)
    fsyncSync(this.#file)
    this.acknowledged.set(id, hash)
    this.uncertain.delete(id)
  }

  /** A new message, 1 to 40 KB or of `length` random octets in hexadecimal, noted as uncertain until it is acknowledged. */
  message(length: number = someLength(), from: string = 'ledger@elsewhere.example'): { readonly id: string; readonly octets: Buffer } {
    const id = randomBytes(9).toString('hex')
    const body = `${randomBytes(length).toString('hex').replace(/.{70}/g, '$&\r\n')}\r\n`
    this.uncertain.set(id, hashOf(body))
    return { id, octets: Buffer.from(`From: ${from}\r\nSubject: ${id}\r\nX-Ledger: ${id}\r\n\r\n${body}`) }
  }

  close(): void {
    closeSync(this.#file)
  }
}

function someLength(): number {
  return Math.random() < 0.02 ? 400_000 : 500 + Math.floor(Math.random() ** 3 * 20_000)
}

/** What identifies a body. */
export function hashOf(body: string | Buffer): string {
  return createHash('sha256').update(body).digest('hex')
}
