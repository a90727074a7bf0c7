/** Clients that pipeline, before middleware that does anything wrong: each command has its response, and a message its octets. RFC 2449 §6.8; RFC 1939 §3. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FAKE_TLS, fakeConnection, seededRandom } from 'mailwright/testing'
import type { FakePeer, SeededRandom } from 'mailwright/testing'
import { base64, makeWorld } from '../pop3/world.ts'
import type { World } from '../pop3/world.ts'
import { moody, Waits } from './moody.ts'

const RUNS = 120
const MESSAGES = ['Subject: one\r\n\r\n.\r\nDELE 2\r\n..\r\nQUIT\r\n', 'Subject: two\r\n\r\n+OK\r\n-ERR\r\n.\r\n\r\n']
const MULTI = /^(?:CAPA|LIST|UIDL|RETR \d+|TOP \d+ \d+)$/i

/** A command, and what came behind it as the answer to a challenge. */
interface Said {
  readonly command: string
  readonly answer?: string
}

function nextCommand(random: SeededRandom): Said {
  const secret = base64(`\0ann@example.org\0${random.pick(['correct horse', 'wrong'])}`)
  switch (random.below(14)) {
    case 0:
      return { command: 'USER ann@example.org' }
    case 1:
      return { command: random.pick(['PASS correct horse', 'pass wrong', 'PASS DELE 1']) }
    case 2:
      return { command: 'AUTH PLAIN', answer: random.pick([secret, '*', 'DELE 1']) }
    case 3:
      return { command: `AUTH PLAIN ${secret}` }
    case 4:
      return { command: `RETR ${1 + random.below(3)}` }
    case 5:
      return { command: `TOP ${1 + random.below(3)} 1` }
    case 6:
      return { command: `DELE ${1 + random.below(3)}` }
    default:
      return { command: random.pick(['NOOP', 'STAT', 'LIST', 'UIDL', 'CAPA', 'RSET', 'list', 'NONSENSE', 'UTF8']) }
  }
}

class Run {
  readonly random: SeededRandom
  readonly sent: Said[] = []
  world!: World
  waits!: Waits
  peer!: FakePeer
  text = ''
  isOver = false
  hasLeft = false

  constructor(seed: number) {
    this.random = seededRandom(seed)
  }

  async play(): Promise<void> {
    const { random } = this
    const badness = random.pick([0, 10, 40])
    const bad = moody({ random, waits: () => this.waits, badness: () => badness, leave: () => this.#leave() })
    this.world = await makeWorld({ messages: MESSAGES, middleware: [bad] })
    this.waits = new Waits(this.world.test.clock)
    const over = this.#connect()
    if (random.below(3) > 0) for (const command of ['USER ann@example.org', 'PASS correct horse']) this.#say({ command })
    const count = random.below(25)
    for (let nth = 0; nth < count && !this.hasLeft; nth++) {
      this.#say(nextCommand(random))
      if (random.below(5) === 0) await this.#until(() => false, random.below(10))
    }
    this.#say({ command: 'NOOP' })
    await this.#until(() => this.isOver || (this.peer.engineWaits && this.waits.count === 0), 4000)
    if (random.below(3) === 0) this.#leave()
    else this.peer.end()
    await this.#until(() => this.isOver && this.waits.count === 0, 4000)
    assert.ok(this.isOver, 'the session ends once its client has gone')
    await over
    this.#check()
    assert.equal((await this.world.inbox.status()).messages, 2, 'nobody said QUIT: nothing is deleted')
  }

  #connect(): Promise<void> {
    const { transport, peer } = fakeConnection({ clock: this.world.test.clock, tls: FAKE_TLS, octetsPerRead: 1 + this.random.below(60) })
    this.peer = peer
    const connection = {
      id: 'c1',
      protocol: 'pop3' as const,
      remote: transport.remote,
      local: transport.local,
      tls: transport.tls,
      clientName: undefined,
      principal: undefined,
      signal: transport.signal,
    }
    return this.world.engine.serve(transport, connection).then(() => void (this.isOver = true))
  }

  #say(said: Said): void {
    this.sent.push(said)
    this.peer.send(Buffer.from(`${said.command}\r\n${said.answer === undefined ? '' : `${said.answer}\r\n`}`, 'latin1'))
  }

  #leave(): void {
    this.text += Buffer.from(this.peer.take()).toString('latin1')
    this.hasLeft = true
    this.peer.vanish()
  }

  async #until(done: () => boolean, turns: number): Promise<void> {
    for (let turn = 0; turn < turns && !done(); turn++) {
      await new Promise(resolve => setImmediate(resolve))
      const { clock } = this.world.test
      // A client that waits must not run into its own deadline: time passes only while the server waits for it.
      const isDue = this.isOver || !this.peer.engineWaits || this.waits.count > 0
      if (turn % 3 === 2 && isDue && this.waits.count > 0 && clock.untilNext !== undefined) clock.advance(clock.untilNext)
    }
  }

  /** Each response is that of its command; the connection may end behind any of them, and with one to say so. */
  #check(): void {
    const lines = (this.text + Buffer.from(this.peer.take()).toString('latin1')).split('\r\n')
    assert.equal(lines.pop(), '', 'responses end with their line')
    const response = (): string | undefined => {
      const line = lines.shift()
      if (line !== undefined) assert.match(line, /^(?:\+OK|-ERR|\+ )/, 'a response')
      return line
    }
    response()
    let answered = 0
    for (const { command, answer } of this.sent) {
      const first = response()
      if (first === undefined) break
      answered++
      if (answer !== undefined) response()
      if (first.startsWith('+OK') && MULTI.test(command)) this.#checkLines(command, lines)
    }
    assert.ok(lines.length <= 1, `more was said: ${lines.join(' | ')}`)
    const [last] = lines
    if (last !== undefined) assert.match(last, /^-ERR/)
    if (!this.hasLeft && !this.peer.closed) assert.equal(answered, this.sent.length, 'every command is answered')
  }

  #checkLines(command: string, lines: string[]): void {
    const end = lines.indexOf('.')
    if (end < 0) {
      assert.ok(this.hasLeft, 'a response of many lines ends')
      lines.length = 0
      return
    }
    const told = lines
      .splice(0, end + 1)
      .slice(0, -1)
      .map(line => line.replace(/^\.\./, '.'))
    const number = /^RETR (\d)/.exec(command)?.[1]
    if (number !== undefined) assert.equal([...told, ''].join('\r\n'), MESSAGES[Number(number) - 1])
  }
}

test(`${RUNS} clients that pipeline before middleware that does anything: each command has its response`, async () => {
  for (let seed = 1; seed <= RUNS; seed++) {
    try {
      await new Run(seed).play()
    } catch (error) {
      throw new Error(`seed ${seed}`, { cause: error })
    }
  }
})
