/** Two thousand clients that hold on to connections as slowly as they may, and fifty that only want to send (S26, G24; RFC 5321 §4.5.3.2). */

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { serverOn, user } from '../durability/child.ts'

const ATTACKERS = 2000
const HONEST = 50
const MESSAGES = 8

const EHLO = 'EHLO attacker.example'
const MAIL = 'MAIL FROM:<slow@attacker.example>'

/** What each slow client says, a line for each reply; the last of them, without its end, octet by octet. */
const slow: readonly (readonly string[])[] = [
  [''],
  [EHLO],
  [EHLO, MAIL],
  [EHLO, MAIL, `RCPT TO:<${user}>`, 'DATA', 'Subject: slow'.padEnd(1000, '.')],
]

/** A client that comes back as often as it is thrown out. */
class Attacker {
  readonly #port: number
  readonly #address: string
  readonly #lines: readonly string[]
  #socket: Socket | undefined
  #isOver = false
  /** How often it was thrown out. */
  thrownOut = 0

  constructor(port: number, index: number) {
    this.#port = port
    // A hundred from each network of 256 addresses.
    this.#address = `127.${1 + (index % 20)}.1.${1 + (index % 100)}`
    this.#lines = slow[index % slow.length] ?? []
  }

  attack(): void {
    if (this.#isOver) return
    const socket = connect({ port: this.#port, host: '127.0.0.1', localAddress: this.#address })
    let line = 0
    let at = 0
    const drip = setInterval(() => {
      const last = this.#lines.at(-1) ?? ''
      if (line === this.#lines.length - 1 && at < last.length) socket.write(last[at++] ?? '')
    }, 1000)
    this.#socket = socket
    let heard = ''
    socket.on('data', octets => {
      heard += String(octets)
      if (!/^\d{3} .*\r\n$/m.test(heard) || line >= this.#lines.length - 1) return
      heard = ''
      socket.write(`${this.#lines[line++]}\r\n`)
    })
    socket.on('error', () => undefined)
    socket.on('close', () => {
      clearInterval(drip)
      this.thrownOut++
      if (!this.#isOver) setTimeout(() => this.attack(), 100)
    })
  }

  stop(): void {
    this.#isOver = true
    this.#socket?.destroy()
  }
}

/** Sends one message on a connection of its own; milliseconds until 250, or the reply that was none. */
async function send(port: number, address: string): Promise<number | string> {
  const began = performance.now()
  const socket = connect({ port, host: '127.0.0.1', localAddress: address })
  socket.setEncoding('latin1')
  socket.on('error', () => undefined)
  let heard = ''
  socket.on('data', (text: string) => (heard += text))
  try {
    for (const [line, wanted] of [
      ['', '220'],
      ['EHLO honest.example\r\n', '250'],
      ['MAIL FROM:<zoe@honest.example>\r\n', '250'],
      [`RCPT TO:<${user}>\r\n`, '250'],
      ['DATA\r\n', '354'],
      [`Subject: honest\r\n\r\n${'text\r\n'.repeat(500)}.\r\n`, '250'],
    ] as const) {
      socket.write(line)
      while (!/^\d{3} .*\r\n/m.test(heard)) {
        if (socket.destroyed) return `closed after ${JSON.stringify(heard)}`
        await Promise.race([once(socket, 'data'), once(socket, 'close')])
      }
      const reply = heard
      heard = ''
      if (!reply.startsWith(wanted)) return reply
    }
    return performance.now() - began
  } finally {
    socket.destroy()
  }
}

test(
  `${ATTACKERS} slow clients do not keep ${HONEST} honest senders from sending (RFC 5321 §4.5.3.2; S26)`,
  { timeout: 120_000 },
  async t => {
    const data = mkdtempSync(join(tmpdir(), 'mailwright-flood-'))
    const server = await serverOn(data)
    const port = server.ports.smtp
    const attackers = Array.from({ length: ATTACKERS }, (_, index) => new Attacker(port, index))
    try {
      for (const [index, attacker] of attackers.entries()) {
        attacker.attack()
        if (index % 50 === 49) await sleep(20)
      }
      await sleep(1000)
      const results: (number | string)[] = []
      await Promise.all(
        Array.from({ length: HONEST }, async (_, index) => {
          await sleep(index * 20)
          for (let message = 0; message < MESSAGES; message++) {
            results.push(await send(port, `127.100.${index}.1`))
            await sleep(500)
          }
        }),
      )
      const times = results.filter(result => typeof result === 'number').sort((a, b) => a - b)
      const refused = results.filter(result => typeof result === 'string')
      const at = (share: number): number => times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? Number.NaN
      const thrownOut = attackers.reduce((sum, attacker) => sum + attacker.thrownOut, 0)
      t.diagnostic(
        `${ATTACKERS} slow clients (thrown out ${thrownOut} times), ${HONEST} senders, ${results.length} messages: ` +
          `median ${at(0.5).toFixed(0)} ms, p99 ${at(0.99).toFixed(0)} ms, longest ${at(1).toFixed(0)} ms, refused ${refused.length}`,
      )
      assert.deepEqual(
        refused.filter(reply => !/^4\d\d /.test(reply)),
        [],
      )
      assert.ok(times.length >= results.length * 0.99)
      assert.ok(at(0.99) < 2000, `p99 was ${at(0.99)} ms`)
    } finally {
      for (const attacker of attackers) attacker.stop()
      await server.stop('SIGKILL')
      rmSync(data, { recursive: true, force: true })
    }
  },
)
