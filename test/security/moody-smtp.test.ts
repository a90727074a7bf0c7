/** Clients that pipeline, before middleware that does anything wrong: each command has its reply, and no line of a message is one. RFC 2920 §3.1; RFC 2033 §4.2. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Middleware } from 'mailwright/contracts'
import { seededRandom } from 'mailwright/testing'
import type { SeededRandom } from 'mailwright/testing'
import { mailOf } from '../pipeline/house.ts'
import { bridge } from '../smtp-server/bridge.ts'
import type { Bridge, RawClient } from '../smtp-server/bridge.ts'
import { moody, Waits } from './moody.ts'

const RUNS = 120
/** Milliseconds of real time after which a reply counts as missing. */
const MISSING_AFTER = 10_000

/** A message of lines that are commands, as it is stored. */
function evil(random: SeededRandom, nth: number): string {
  const lines = [
    'MAIL FROM:<evil@far.example>',
    'RCPT TO:<evil@example.org>',
    'RSET',
    'QUIT',
    'DATA',
    '.',
    '..',
    '. ',
    'AUTH PLAIN AGV2aWwAZXZpbA==',
    'EHLO evil.example',
    'LHLO evil.example',
    '',
  ]
  const chosen = Array.from({ length: random.below(12) }, () => lines[random.below(lines.length)] ?? '')
  return [`Subject: ${nth}`, '', ...chosen, ...(random.below(20) === 0 ? [`x${'y'.repeat(90_000)}`] : []), ''].join('\r\n')
}

function stuffed(message: string): string {
  return message.replace(/^\./gm, '..') + '.\r\n'
}

class Run {
  readonly random: SeededRandom
  readonly flavour: 'smtp' | 'submission' | 'lmtp'
  readonly messages: string[] = []
  readonly evils: string[] = []
  server!: Bridge
  waits!: Waits
  client!: RawClient
  hasLeft = false
  isOver = false

  constructor(seed: number) {
    this.random = seededRandom(seed)
    this.flavour = this.random.pick(['smtp', 'smtp', 'lmtp', 'submission'])
  }

  async play(): Promise<void> {
    const { random, flavour } = this
    const badness = random.pick([0, 10, 30, 60])
    const bad = moody({ random, waits: () => this.waits, badness: () => badness, leave: () => this.#leave() })
    const watching: Middleware = {
      name: 'watching',
      sender: async ({ sender }, next) => (sender?.local === 'evil' && this.evils.push('MAIL'), next()),
      recipient: async ({ recipient }, next) => (recipient.local === 'evil' && this.evils.push('RCPT'), next()),
      login: async ({ username }, next) => (username === 'evil' && this.evils.push('AUTH'), next()),
    }
    const people = { aliases: { both: ['ann@example.org', 'ben@example.org'] } }
    await using server = await bridge({
      flavour,
      auth: true,
      allowPlaintextLogin: true,
      house: { people, middleware: [watching, bad], submission: { authors: 'any' } },
    })
    this.server = server
    this.waits = new Waits(server.house.clock)
    using client = await server.client()
    this.client = client
    await this.#dialogue()
    if (!this.isOver && !this.hasLeft && random.below(2) === 0) {
      this.#write('QUIT\r\n')
      await this.#hear(221)
      assert.equal(await this.#reply(), 'closed', 'after QUIT nothing is said')
    } else client.socket.destroy()
    await this.#within(server.idle(), 'the session does not end')
    for (let turn = 0; this.waits.count > 0 && turn < 1000; turn++) await this.#turn(0)
    assert.equal(server.house.spool.held, 0, 'the spool holds nothing')
    assert.deepEqual(this.evils, [], 'a line of a message was a command')
    await this.#checkStored()
  }

  async #dialogue(): Promise<void> {
    const { random, flavour } = this
    if ((await this.#hear(220)) !== 220) return
    this.#write(`${flavour === 'lmtp' ? 'LHLO' : 'EHLO'} c.example\r\n`)
    await this.#hear(250)
    if (flavour === 'submission' || random.below(4) === 0) await this.#logIn()
    const count = 1 + random.below(5)
    for (let nth = 0; nth < count && !this.isOver; nth++) await this.#transaction(nth)
  }

  async #logIn(): Promise<void> {
    const secret = Buffer.from(`\0ann@example.org\0${this.random.pick(['correct horse', 'correct horse', 'wrong'])}`).toString('base64')
    for (let attempt = 0; attempt < 2 && !this.isOver; attempt++) {
      const waits = this.random.below(2) === 0
      this.#write(waits ? 'AUTH PLAIN\r\n' : `AUTH PLAIN ${secret}\r\n`)
      const code = await this.#hear()
      if (code !== 334) {
        if (code === 235) return
        continue
      }
      this.#write(`${this.random.pick([secret, secret, '*'])}\r\n`)
      if ((await this.#hear()) === 235) return
    }
  }

  async #transaction(nth: number): Promise<void> {
    const { random } = this
    const names = Array.from({ length: random.below(5) }, () => random.pick(['ann', 'ben', 'both', 'nobody', 'cleo']))
    const group = [
      ...(random.below(8) === 0 ? ['NOOP'] : []),
      'MAIL FROM:<ann@example.org>',
      ...names.map(name => `RCPT TO:<${name}@example.org>`),
    ]
    const message = evil(random, nth)
    this.messages.push(message)
    const isTooFast = random.below(12) === 0
    this.#write([...group, 'DATA', ''].join('\r\n') + (isTooFast ? stuffed(message) : ''))
    let taken = 0
    for (const command of group) {
      const code = await this.#hear()
      if (command.startsWith('RCPT') && code === 250) taken++
    }
    if (isTooFast) {
      // RFC 2920 §3.1: what stands behind DATA must never be read, whatever DATA is answered.
      if (!this.isOver) assert.match(await this.#reply(), /^5/)
      if (!this.hasLeft) assert.equal(await this.#reply(), 'closed')
      this.isOver = true
      return
    }
    const data = await this.#hear()
    if (this.isOver) return
    assert.equal(data === 354, taken > 0, `DATA was answered ${data} with ${taken} recipients`)
    if (data !== 354) {
      this.#write('RSET\r\n')
      await this.#hear(250)
      return
    }
    if (random.below(15) === 0) {
      this.#write(stuffed(message).slice(0, random.below(message.length)))
      this.#leave()
      return
    }
    const behind = random.below(3) === 0 ? 'NOOP\r\nRSET\r\n' : ''
    this.#write(stuffed(message) + behind)
    const answers = this.flavour === 'lmtp' ? taken : 1
    for (let n = 0; n < answers; n++) assert.match(String(await this.#hear()), /^(?:0|250|4\d\d|5\d\d)$/)
    if (behind === '') return
    await this.#hear(250)
    await this.#hear(250)
  }

  #write(text: string): void {
    if (!this.isOver) this.client.write(text)
  }

  #leave(): void {
    this.hasLeft = this.isOver = true
    this.client.socket.destroy()
  }

  /** The code of the next reply; 0 once the connection is over, which is all right when the server said so or the client left. */
  async #hear(expected?: number): Promise<number> {
    if (this.isOver) return 0
    const reply = await this.#reply()
    if (this.hasLeft) return 0
    const code = Number(reply.slice(0, 3))
    assert.ok(code >= 200, `no reply: ${reply}`)
    assert.doesNotMatch(reply, /evil\.example/)
    if (code === 421 || (code === 554 && expected === 220)) {
      this.isOver = true
      assert.equal(await this.#reply(), 'closed', 'after 421 nothing is said')
      return 0
    }
    if (expected !== undefined) assert.equal(code, expected, reply)
    return code
  }

  async #reply(): Promise<string> {
    return this.#within(this.client.reply(), 'a command has no reply')
  }

  async #within<T>(what: Promise<T>, otherwise: string): Promise<T> {
    let isThere = false
    void what.then(() => (isThere = true))
    const began = performance.now()
    for (let turn = 0; !isThere; turn++) {
      await this.#turn(turn)
      assert.ok(performance.now() - began < MISSING_AFTER, otherwise)
    }
    return what
  }

  /** Time passes only while something waits for it: a client that waits for a reply must not run into its own deadline. */
  async #turn(turn: number): Promise<void> {
    await new Promise(resolve => setImmediate(resolve))
    const { clock } = this.server.house
    if (turn % 4 === 0 && this.waits.count > 0 && clock.untilNext !== undefined) clock.advance(clock.untilNext)
  }

  async #checkStored(): Promise<void> {
    for (const name of ['ann', 'ben']) {
      for (const box of ['INBOX', 'Drafts', 'Junk']) {
        for (const text of await mailOf(this.server.house.store, name, box)) {
          const whole = text.replaceAll('\n', '\r\n')
          assert.ok(
            this.messages.some(message => whole.endsWith(message)),
            'a message is stored as it was sent',
          )
        }
      }
    }
  }
}

test(`${RUNS} clients of SMTP, submission and LMTP before middleware that does anything: each command has its reply, no line of a message is one`, async () => {
  for (let seed = 1; seed <= RUNS; seed++) {
    try {
      await new Run(seed).play()
    } catch (error) {
      throw new Error(`seed ${seed}`, { cause: error })
    }
  }
})
