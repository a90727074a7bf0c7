/** Servers as processes of their own, so that their resident set is theirs alone: one without limits of connections, one with a large mailbox. */

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { residentOf } from '../../bench/lib/resident.ts'

const ROOT = join(import.meta.dirname, '../..')
const user = 'box@bench.example'
const password = 'bench-secret-1'

export interface RoomyServer extends AsyncDisposable {
  readonly imap: number
  /** Octets resident at this moment. */
  resident(): number
  /** Gives back what the heap does not need; only the one with the large mailbox does. */
  collect(): void
  /** Octets resident once nothing changes any more. */
  settled(): Promise<number>
}

/** With no limits of connections. */
export function roomyServer(): Promise<RoomyServer> {
  const folder = mkdtempSync(join(tmpdir(), 'mailwright-roomy-'))
  return started('roomy-server.ts', folder, () => rmSync(folder, { recursive: true, force: true }))
}

/** With so many messages in the INBOX. */
export function largeServer(messages: number): Promise<RoomyServer> {
  return started('million-server.ts', String(messages))
}

async function started(script: string, word: string, after: () => void = () => undefined): Promise<RoomyServer> {
  // As `npm start` runs it: what an attack costs is not to be lost in a heap for the young that grows by itself.
  const words = ['--max-semi-space-size=4', '--expose-gc', '--conditions=mailwright-source', `bench/lib/${script}`, word, user, password]
  const child = spawn(process.execPath, words, {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'inherit'],
    // The C library gives back what is freed: what it would keep could hide what an attack takes.
    env: { ...process.env, MALLOC_MMAP_THRESHOLD_: '131072', MALLOC_TRIM_THRESHOLD_: '131072' },
  })
  const over = once(child, 'exit')
  const [line] = (await Promise.race([
    once(createInterface({ input: child.stdout }), 'line'),
    over.then(() => Promise.reject(new Error('the server ended before it was ready'))),
  ])) as [string]
  const { ports } = JSON.parse(line) as { readonly ports: { readonly imap: number } }
  const resident = (): number => residentOf(child.pid ?? 0)
  return {
    imap: ports.imap,
    resident,
    collect: () => void child.kill('SIGUSR2'),
    async settled() {
      let last = resident()
      for (let quiet = 0; quiet < 4;) {
        await sleep(250)
        const now = resident()
        quiet = Math.abs(now - last) < 500_000 ? quiet + 1 : 0
        last = now
      }
      return last
    },
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL')
      await over
      after()
    },
  }
}

/** A client that remembers no more than the end of what it heard. */
export class Guest {
  readonly socket: Socket
  #heard = ''
  #wake: (() => void) | undefined

  constructor(port: number) {
    this.socket = connect({ port, host: '127.0.0.1' })
    this.socket.on('error', () => undefined)
    this.socket.on('close', () => this.#wake?.())
    this.socket.on('data', octets => {
      this.#heard = (this.#heard + octets.toString('latin1')).slice(-2000)
      this.#wake?.()
    })
  }

  /** Waits until it hears something, and forgets it. */
  async hear(pattern: RegExp): Promise<void> {
    while (!pattern.test(this.#heard)) {
      if (this.socket.closed) throw new Error(`it ended after ${JSON.stringify(this.#heard)}`)
      await new Promise<void>(resolve => (this.#wake = resolve))
    }
    this.#heard = ''
  }

  say(text: string): void {
    this.socket.write(text)
  }

  async logIn(): Promise<void> {
    this.say(`l LOGIN ${user} ${password}\r\n`)
    await this.hear(/^l OK/m)
  }
}

/** So many clients that have heard the greeting. */
export async function guests(server: RoomyServer, count: number): Promise<Guest[]> {
  const all: Guest[] = []
  for (let begun = 0; begun < count; begun += 50) {
    const some = Array.from({ length: Math.min(50, count - begun) }, () => new Guest(server.imap))
    await Promise.all(some.map(guest => guest.hear(/^\* OK/m)))
    all.push(...some)
  }
  return all
}
