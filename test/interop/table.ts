/** Which foreign client does what over which transport: the promise of the interop tests, checked by each of them at its end. */

import assert from 'node:assert/strict'

/** How a connection is protected: not at all, by STARTTLS or STLS, or by TLS from the first octet. RFC 8314 §3. */
export type Transport = 'plain' | 'starttls' | 'implicit'
export const TRANSPORTS: readonly Transport[] = ['plain', 'starttls', 'implicit']

/** What people do with mail. `reconnect`: the connection is lost in the middle, and all is as it was. */
export type Action = 'send' | 'list' | 'read' | 'flag' | 'move' | 'delete' | 'push' | 'reconnect'

/** A client of the table. */
export type ClientName =
  | 'swaks'
  | 'curl smtp'
  | 'curl imap'
  | 'curl pop3'
  | 'mbsync'
  | 'imaplib'
  | 'poplib'
  | 'smtplib'
  | 'imapflow'
  | 'nodemailer'

/** What each client can do at all; the tests make it do that over every transport. */
export const CLIENTS: Readonly<Record<ClientName, readonly Action[]>> = {
  swaks: ['send'],
  'curl smtp': ['send'],
  'curl imap': ['list', 'read', 'flag', 'move', 'delete'],
  'curl pop3': ['list', 'read', 'delete'],
  mbsync: ['list', 'read', 'flag', 'move', 'delete', 'reconnect'],
  imaplib: ['list', 'read', 'flag', 'move', 'delete', 'push', 'reconnect'],
  poplib: ['list', 'read', 'delete', 'reconnect'],
  smtplib: ['send', 'reconnect'],
  imapflow: ['list', 'read', 'flag', 'move', 'delete', 'push', 'reconnect'],
  nodemailer: ['send', 'reconnect'],
}

/** Keeps count of what a client did. */
export class Deeds {
  readonly #client: ClientName
  readonly #done = new Set<string>()

  constructor(client: ClientName) {
    this.#client = client
  }

  did(transport: Transport, ...actions: readonly Action[]): void {
    for (const action of actions) this.#done.add(`${action} over ${transport}`)
  }

  /** Fails unless everything was done that the table promises, and nothing that it does not know. */
  complete(): void {
    const promised = TRANSPORTS.flatMap(transport => CLIENTS[this.#client].map(action => `${action} over ${transport}`))
    assert.deepEqual([...this.#done].sort(byName), promised.sort(byName), this.#client)
  }
}

function byName(one: string, other: string): number {
  return one < other ? -1 : 1
}
