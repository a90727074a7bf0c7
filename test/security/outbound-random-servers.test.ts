import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MailError } from 'mailwright/contracts'
import type { ClientConnection, Dialer, TlsPeer } from 'mailwright/contracts'
import { openSession, opportunistic } from 'mailwright/outbound'
import type { SendResult } from 'mailwright/outbound'
import { fakeClock, seededRandom } from 'mailwright/testing'
import type { FakeClock, SeededRandom } from 'mailwright/testing'
import { CLEAR, mail } from '../outbound/client-world.ts'

const OFFERS = [
  'PIPELINING',
  'CHUNKING',
  'STARTTLS',
  '8BITMIME',
  'SMTPUTF8',
  'DSN',
  'SIZE 100000',
  'SIZE',
  'AUTH PLAIN',
  'LIMITS RCPTMAX=1',
  'X\u0001',
  '',
] as const
const ODDITIES = [
  '',
  '250',
  '250-',
  '2',
  'hello\r\n',
  '\r\n',
  '999 x\r\n',
  '250-a\r\n550 b\r\n',
  '354 go\r\n',
  '421 bye\r\n',
  '\0\0',
  '250 \u001b[2J\r\n',
  '250-x\r\n'.repeat(120),
  `250 ${'y'.repeat(3000)}\r\n`,
  '220 again\r\n250 and\r\n',
] as const

/** A server that mostly keeps to the rules, and breaks one of them now and then. */
class RandomServer implements ClientConnection {
  readonly remote = { address: '192.0.2.25', port: 25 }
  readonly local = { address: '192.0.2.1', port: 4000 }
  readonly tls = undefined
  readonly #random: SeededRandom
  readonly #clock: FakeClock
  readonly #gone = new AbortController()
  readonly #oddness: number
  #said = ''
  #heard = ''
  #mode: 'commands' | 'data' = 'commands'
  #skip = 0
  #over = false
  #reads = 0

  constructor(random: SeededRandom, clock: FakeClock) {
    this.#random = random
    this.#clock = clock
    this.#oddness = random.pick([0, 2, 5, 20, 50])
    this.#answer('220 mx.example\r\n')
  }

  get signal(): AbortSignal {
    return this.#gone.signal
  }

  get unread(): number {
    return this.#said.length
  }

  read(within: number): Promise<Uint8Array | undefined | 'timeout'> {
    assert.ok(++this.#reads < 100_000, 'the client reads for ever')
    if (this.#said !== '') {
      const length = this.#random.below(3) === 0 ? 1 + this.#random.below(this.#said.length) : this.#said.length
      const octets = Buffer.from(this.#said.slice(0, length), 'latin1')
      this.#said = this.#said.slice(length)
      return Promise.resolve(new Uint8Array(octets))
    }
    if (this.#over) return Promise.resolve(undefined)
    if (within === Number.POSITIVE_INFINITY) return new Promise(() => undefined)
    this.#clock.advance(within)
    return Promise.resolve('timeout')
  }

  write(octets: Uint8Array): undefined {
    this.#heard += Buffer.from(octets).toString('latin1')
    this.#hear()
  }

  secure(): Promise<TlsPeer> {
    if (this.#said !== '') return Promise.reject(new MailError('invalid', 'octets lie unread'))
    if (this.#random.below(4) === 0) return Promise.reject(new MailError('unavailable', 'no handshake'))
    return Promise.resolve({ version: 'TLSv1.3', cipher: '', chain: [], trusted: this.#random.below(2) === 0 })
  }

  end(): void {
    this.#over = true
  }

  destroy(): void {
    this.#over = true
    this.#gone.abort()
  }

  #hear(): void {
    for (;;) {
      if (this.#skip > 0) {
        const taken = Math.min(this.#skip, this.#heard.length)
        this.#heard = this.#heard.slice(taken)
        this.#skip -= taken
        if (this.#skip > 0) return
      }
      const end = this.#heard.indexOf('\r\n')
      if (end < 0) return
      const line = this.#heard.slice(0, end)
      assert.ok(!/[\r\n]/.test(line), 'a bare CR or LF')
      this.#heard = this.#heard.slice(end + 2)
      if (this.#mode === 'data') {
        if (line !== '.') continue
        this.#mode = 'commands'
        this.#answer(this.#verdict())
      } else this.#command(line)
    }
  }

  #command(line: string): void {
    assert.match(line, /^(?:EHLO|HELO|STARTTLS|MAIL|RCPT|DATA|BDAT|RSET|QUIT)(?: |$)/, 'not a command')
    if (line.startsWith('EHLO')) {
      const offers = OFFERS.filter(() => this.#random.below(2) === 0)
      const lines = ['mx.example', ...offers]
      this.#answer(lines.map((offer, at) => `250${at === lines.length - 1 ? ' ' : '-'}${offer}\r\n`).join(''))
    } else if (line === 'STARTTLS') this.#answer('220 go\r\n')
    else if (line === 'DATA') {
      this.#mode = 'data'
      this.#answer('354 go\r\n')
    } else if (line.startsWith('BDAT ')) {
      this.#skip = Number(line.split(' ')[1])
      this.#answer(this.#verdict())
    } else this.#answer(this.#verdict())
  }

  #verdict(): string {
    return this.#random.pick([
      '250 fine\r\n',
      '250 fine\r\n',
      '250 2.0.0 fine\r\n',
      '250-two\r\n250 lines\r\n',
      '450 4.2.0 later\r\n',
      '550 5.1.1 no\r\n',
      '452 full\r\n',
      '552 5.5.3 many\r\n',
    ])
  }

  #answer(text: string): void {
    if (this.#random.below(100) >= this.#oddness) {
      this.#said += text
      return
    }
    if (this.#random.below(4) === 0) this.#over = true
    this.#said += this.#random.pick(ODDITIES)
  }
}

test('S31: 5,000 random servers; the client comes to an end with each, and says what became of everyone (RFC 5321 §4.2)', async t => {
  const ends = new Map<string, number>()
  for (let seed = 1; seed <= 5_000; seed++) {
    const random = seededRandom(seed)
    const clock = fakeClock()
    const dialer: Dialer = { dial: () => Promise.resolve(new RandomServer(random, clock)) }
    const opened = await openSession({
      dialer,
      clock,
      hop: { host: 'mx.example', address: '192.0.2.25', port: 25, flavour: 'smtp', ehloName: 'us.example' },
      tls: random.pick([CLEAR, opportunistic('mx.example')]),
    })
    if (opened.kind === 'refused') {
      assert.match(opened.status.code, /^4\./, `seed ${seed}`)
      ends.set('refused', (ends.get('refused') ?? 0) + 1)
      continue
    }
    for (let message = 0; message < 3; message++) {
      const to = Array.from({ length: 1 + random.below(4) }, (_, at) => `r${at}@mx.example`)
      const body = random.pick(['Subject: x\r\n\r\nx\r\n', '.\r.\n.', `${'x'.repeat(70)}\r\n`.repeat(2000)])
      const result: SendResult = await opened.session.send(mail(to, { body }))
      assert.equal(result.outcomes.length, to.length, `seed ${seed}`)
      for (const { kind, status } of result.outcomes) {
        assert.match(status.code, { delivered: /^2\./, failed: /^5\./, deferred: /^4\./ }[kind], `seed ${seed}: ${kind}`)
        assert.ok(!/[\u0000-\u001f\u007f]/.test(status.text), `seed ${seed}: controls`)
        ends.set(kind, (ends.get(kind) ?? 0) + 1)
      }
      if (!result.reusable) break
    }
    opened.session.quit()
  }
  t.diagnostic(Array.from(ends, ([kind, count]) => `${kind} ${count}`).join(', '))
})
