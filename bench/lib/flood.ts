/** Clients that hold on to connections as slowly as they may, and some that only want to send: what a flood costs the honest. */

import { once } from 'node:events'
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

/** The doors that are attacked. */
export interface FloodPorts {
  readonly smtp: number
  readonly submissions: number
  readonly imap: number
  readonly pop3: number
}

/** How large a flood is. */
export interface FloodOptions {
  readonly ports: FloodPorts
  /** Whom the mail is for. */
  readonly user: string
  readonly attackers: number
  readonly honest: number
  /** Messages of each honest sender. */
  readonly messages: number
  /** Milliseconds between the messages of one sender. Default 500. */
  readonly pause?: number
  readonly progress?: (line: string) => void
}

/** What came of it. */
export interface FloodFigures {
  /** Milliseconds that accepted messages took, connection and greeting included, ascending. */
  readonly times: readonly number[]
  /** What the others were told. */
  readonly refused: readonly string[]
  /** Attackers that hold a connection beyond its greeting: most at any moment while the honest sent. */
  readonly held: number
  readonly thrownOut: number
  /** Connections of attackers that were refused at the door. */
  readonly turnedAway: number
  /** A share of `times` took no longer than so many milliseconds. */
  readonly at: (share: number) => number
}

/** What an attacker says, a line for each reply; the last of them, without its end, an octet a second. */
interface Manner {
  readonly door: keyof FloodPorts
  readonly lines: readonly string[]
  /** Says nothing, ends its own side at once and reads nothing. */
  readonly isHalfOpen?: boolean
}

function manners(user: string): readonly Manner[] {
  const ehlo = 'EHLO attacker.example'
  const mail = 'MAIL FROM:<slow@attacker.example>'
  return [
    { door: 'smtp', lines: [''] },
    { door: 'smtp', lines: [ehlo] },
    { door: 'smtp', lines: [ehlo, mail] },
    { door: 'smtp', lines: [ehlo, mail, `RCPT TO:<${user}>`, 'DATA', 'Subject: slow'.padEnd(1000, '.')] },
    { door: 'smtp', lines: [''], isHalfOpen: true },
    { door: 'imap', lines: ['a LOGIN "'.padEnd(1000, 'x')] },
    { door: 'pop3', lines: ['USER '.padEnd(1000, 'x')] },
    { door: 'submissions', lines: [''] },
  ]
}

/**
 * A quarter of them from twenty addresses of one network, the others from many networks, a hundred each: what the limits of one network
 * turn away, and what they do not.
 */
function addressOf(index: number): string {
  if (index % 4 === 0) return `127.0.0.${2 + ((index / 4) % 20)}`
  return `127.${1 + (Math.floor(index / 133) % 200)}.1.${1 + (index % 133)}`
}

/** A client that comes back as often as it is thrown out. */
class Attacker {
  readonly #ports: FloodPorts
  readonly #address: string
  readonly #manner: Manner
  #socket: Socket | undefined
  #isOver = false
  isHolding = false
  thrownOut = 0
  turnedAway = 0

  constructor(ports: FloodPorts, address: string, manner: Manner) {
    this.#ports = ports
    this.#address = address
    this.#manner = manner
  }

  attack(): void {
    if (this.#isOver) return
    const { door, lines, isHalfOpen = false } = this.#manner
    const socket = connect({ port: this.#ports[door], host: '127.0.0.1', localAddress: this.#address, allowHalfOpen: true })
    let line = 0
    let at = 0
    let heard = ''
    let drip: NodeJS.Timeout | undefined
    this.#socket = socket
    socket.on('connect', () => {
      // Where TLS is at once, nothing is said before the client's turn.
      if (door === 'submissions') this.isHolding = true
      if (isHalfOpen) socket.end()
      const last = lines.at(-1) ?? ''
      drip = setInterval(() => {
        if (!isHalfOpen && line === lines.length - 1 && at < last.length) socket.write(last[at++] ?? '')
      }, 1000)
    })
    socket.on('data', octets => {
      heard += String(octets)
      if (!heard.endsWith('\n')) return
      if (/^(?:421|-ERR|\* BYE)/m.test(heard)) return
      this.isHolding = true
      if (!/^\d{3} .*\r\n$/m.test(heard) || line >= lines.length - 1) return
      heard = ''
      socket.write(`${lines[line++]}\r\n`)
    })
    socket.on('error', () => undefined)
    // The server has said its last; a half-open client likes to forget that.
    socket.on('end', () => {
      if (!isHalfOpen) socket.end()
    })
    socket.on('close', () => {
      clearInterval(drip)
      if (this.isHolding) this.thrownOut++
      else this.turnedAway++
      const wait = this.isHolding ? 500 : 3000
      this.isHolding = false
      if (!this.#isOver) setTimeout(() => this.attack(), wait + Math.random() * wait)
    })
  }

  stop(): void {
    this.#isOver = true
    this.#socket?.destroy()
  }
}

/** Sends one message on a connection of its own; milliseconds until 250, or the reply that was none. */
async function send(port: number, user: string, address: string): Promise<number | string> {
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

/** Attacks, lets the honest send, and stops. */
export async function flood(options: FloodOptions): Promise<FloodFigures> {
  const { ports, user, honest, messages, pause = 500, progress = () => undefined } = options
  const kinds = manners(user)
  const attackers = Array.from({ length: options.attackers }, (_, index) => {
    const manner = kinds[Math.floor(index / 4) % kinds.length] ?? { door: 'smtp', lines: [''] }
    return new Attacker(ports, addressOf(index), manner)
  })
  const holding = (): number => attackers.filter(attacker => attacker.isHolding).length
  let held = 0
  const watch = setInterval(() => {
    const now = holding()
    held = Math.max(held, now)
    progress(`${now} of ${attackers.length} attackers hold a connection`)
  }, 1000)
  try {
    for (const [index, attacker] of attackers.entries()) {
      attacker.attack()
      if (index % 50 === 49) await sleep(20)
    }
    await sleep(1000)
    held = holding()
    const results: (number | string)[] = []
    await Promise.all(
      Array.from({ length: honest }, async (_, index) => {
        await sleep(index * 20)
        for (let message = 0; message < messages; message++) {
          results.push(await send(ports.smtp, user, `127.${240 + Math.floor(index / 250)}.${index % 250}.1`))
          await sleep(pause)
        }
      }),
    )
    const times = results.filter(result => typeof result === 'number').sort((a, b) => a - b)
    return {
      times,
      refused: results.filter(result => typeof result === 'string'),
      held,
      thrownOut: attackers.reduce((sum, attacker) => sum + attacker.thrownOut, 0),
      turnedAway: attackers.reduce((sum, attacker) => sum + attacker.turnedAway, 0),
      at: share => times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? Number.NaN,
    }
  } finally {
    clearInterval(watch)
    for (const attacker of attackers) attacker.stop()
  }
}
