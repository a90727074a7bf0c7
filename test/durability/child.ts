/** The personal server as a process of its own, perhaps under another program, and one message at a time into it. */

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Ledger } from '../../bench/lib/ledger.ts'
import { Client } from '../server/served.ts'

export const user = 'box@bench.example'
export const password = 'bench-secret-1'

const ROOT = join(import.meta.dirname, '../..')
const DOORS = ['smtp', 'submission', 'submissions', 'lmtp', 'imap', 'imaps', 'pop3', 'pop3s'] as const

export type Ports = Readonly<Record<(typeof DOORS)[number], number>>

/** A server that runs. */
export interface Running {
  readonly child: ChildProcess
  readonly ports: Ports
  /** Everything it told its operator so far. */
  told(): string
  /** Asks it to stop and answers its exit code; a signal's name when it did not end by itself. */
  stop(signal?: NodeJS.Signals): Promise<number | string>
}

/** Starts the server on a folder; `before` are words that start it, such as those of strace, `more` further options. */
export async function serverOn(data: string, before: readonly string[] = [], more: readonly string[] = []): Promise<Running> {
  const words = ['--data', data, '--domain', 'bench.example', '--user', user, '--password', password, '--json', '--allow-plaintext-login']
  const ports = DOORS.flatMap(door => [`--${door}-port`, '0'])
  const command = [
    ...before,
    process.execPath,
    '--conditions=mailwright-source',
    'examples/personal-server.ts',
    ...words,
    ...ports,
    ...more,
  ]
  const child = spawn(command[0] ?? '', command.slice(1), { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'], detached: true })
  let told = ''
  child.stderr.setEncoding('utf8').on('data', text => (told += String(text)))
  const over = once(child, 'exit') as Promise<[number | null, NodeJS.Signals | null]>
  const ready = await Promise.race([
    once(createInterface({ input: child.stdout }), 'line') as Promise<[string]>,
    over.then(([code]) => Promise.reject(new Error(`the server ended with ${code} before it was ready:\n${told}`))),
  ])
  return {
    child,
    ports: (JSON.parse(ready[0]) as { readonly ports: Ports }).ports,
    told: () => told,
    async stop(signal = 'SIGTERM') {
      // The whole group: what runs it (strace) would leave it behind.
      if (child.exitCode === null && child.signalCode === null && child.pid !== undefined) process.kill(-child.pid, signal)
      const [code, killed] = await over
      return code ?? killed ?? 'unknown'
    },
  }
}

/** Sends one message of the ledger over SMTP; the reply that decided. */
export async function sendOne(ports: Ports, ledger: Ledger, length?: number): Promise<string> {
  const client = await Client.dial(ports.smtp)
  try {
    await client.hear(/^220 /m)
    client.say('EHLO load.example')
    await client.hear(/^250 /m)
    return await transact(client, 'ledger@elsewhere.example', user, ledger, length)
  } finally {
    client.socket.destroy()
  }
}

/** One transaction with a message of the ledger; the reply that decided, noted in the ledger when it is 250. */
export async function transact(client: Client, from: string, to: string, ledger: Ledger, length?: number): Promise<string> {
  const { id, octets } = ledger.message(length, from)
  client.say(`MAIL FROM:<${from}>\r\nRCPT TO:<${to}>\r\nDATA`)
  const replies = await client.hear(/^(?:354|[45]\d\d) .*\r\n/m)
  if (!/^354 /m.test(replies)) return replies.trim()
  client.socket.write(octets)
  client.say('.')
  const reply = (await client.hear(/^\d{3} .*\r\n/m)).trim()
  if (reply.startsWith('250 ')) ledger.acknowledge(id)
  return reply
}

/** Until three messages were refused, each because the disk is full. RFC 5321 §4.2.3. */
export async function untilRefused(send: () => Promise<string>, times: number = 3): Promise<void> {
  for (let refused = 0; refused < times;) {
    const reply = await send()
    if (reply.startsWith('250 ')) continue
    assert.match(reply, FULL)
    refused++
  }
}

/** What a full disk is answered with. */
export const FULL: RegExp = /^452 4\.3\.1 /
