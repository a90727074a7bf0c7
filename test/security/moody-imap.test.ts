/** Clients that pipeline, before middleware and a store that do anything wrong: what somebody wrote is never a command. RFC 9051 §5.5; RFC 7888 §4. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MailError } from 'mailwright/contracts'
import type { LiveConnection, MailErrorKind, Spool } from 'mailwright/contracts'
import { FAKE_TLS, fakeConnection, seededRandom } from 'mailwright/testing'
import type { FakePeer, SeededRandom } from 'mailwright/testing'
import { makeWorld, wrapAppends, wrapMailboxLists } from '../imap/world.ts'
import type { World } from '../imap/world.ts'
import { moody, Waits } from './moody.ts'

const RUNS = 120
const CREDENTIALS = 'AGFubgBzZWNyZXQ='
const FAILURES: readonly [MailErrorKind, ...MailErrorKind[]] = ['over-quota', 'no-such-mailbox', 'unavailable', 'no-space', 'corrupt']

/** One command: what is sent at once, and what is sent once the server says `+`. */
interface Said {
  readonly tag: string
  readonly octets: string
  readonly rest?: string
  /** The message of an APPEND. */
  readonly message?: string
}

/** A message of lines that are commands. */
function evil(random: SeededRandom, nth: number): string {
  const lines = [
    `evil${nth} CREATE Pwned`,
    `evil${nth} NOOP`,
    `evil${nth} DELETE Drafts`,
    `evil${nth} APPEND INBOX {${random.below(30)}+}`,
    `evil${nth} LOGOUT`,
    `evil${nth} UID STORE 1:* +FLAGS (\\Deleted)`,
    'evil: a header field',
    '',
  ]
  const chosen = Array.from({ length: random.below(12) }, () => lines[random.below(lines.length)] ?? '')
  const large = random.below(40) === 0 ? [`evil ${'x'.repeat(300_000)}`] : []
  return [`evil: ${nth}`, ...chosen, ...large].join('\r\n') + random.pick(['', '\r\n'])
}

function literal(random: SeededRandom, text: string): string {
  return random.below(2) === 0 ? text : `{${text.length}+}\r\n${text}`
}

function nextCommand(random: SeededRandom, nth: number): Said {
  const tag = `t${nth}`
  const say = (text: string, more: Partial<Said> = {}): Said => ({ tag, octets: `${tag} ${text}\r\n`, ...more })
  const box = random.pick(['INBOX', 'inbox', 'Drafts', 'nowhere', '"Drafts"'])
  switch (random.below(18)) {
    case 0:
      return say(`LOGIN ${literal(random, 'ann')} ${literal(random, random.pick(['secret', 'secret', 'wrong']))}`)
    case 1:
      return say(`authenticate plain ${CREDENTIALS}`)
    case 2:
      return say(`AUTHENTICATE PLAIN\r\n${random.pick([CREDENTIALS, '*', 'AAAA'])}`)
    case 3:
      return say('IDLE\r\nDONE')
    case 4:
      return say('IDLE')
    case 5:
      return say(`SELECT ${literal(random, 'INBOX')}`)
    case 6:
      return say(`Search subject ${literal(random, 'evil')}`)
    case 7:
      return say(`${random.pick(['', 'uid '])}store 1:* +flags (\\Deleted)`)
    case 8:
      return say(
        random.pick(['EXPUNGE', 'CLOSE', 'NOOP', 'CHECK', 'ENABLE UTF8=ACCEPT', 'ENABLE CONDSTORE', 'NONSENSE', 'fetch 1:* flags']),
      )
    case 9:
      return say(`CREATE ${literal(random, 'Drafts')}`)
    case 10:
      return say(`STATUS ${box} (MESSAGES UIDNEXT)`)
    default: {
      const message = evil(random, nth)
      const date = random.pick(['', ' (\\Seen)', ' "01-Jan-2026 12:00:00 +0000"'])
      const wrapped = random.below(6) === 0
      const [before, after] = wrapped ? [' UTF8 (~', ')'] : [random.pick([' ', ' ~']), '']
      const start = `${random.pick(['APPEND', 'append'])} ${literal(random, box)}${date}${before}`
      if (random.below(4) === 0) return say(`${start}{${message.length}}`, { rest: `${message}${after}\r\n`, message })
      return say(`${start}{${message.length}+}\r\n${message}${after}`, { message })
    }
  }
}

/** A spool whose parts fail now and then, and whose messages are now and then no memory. */
function moodySpool(spool: Spool, random: SeededRandom, badness: number): Spool {
  const fails = (): void => {
    if (random.below(400) < badness) throw new MailError('no-space', 'the spool is full')
  }
  return {
    begin() {
      fails()
      const writer = spool.begin()
      return {
        write(octets) {
          fails()
          return writer.write(octets.slice())
        },
        discard: () => writer.discard(),
        async finish() {
          fails()
          const message = await writer.finish()
          if (random.below(3) > 0) return message
          return { size: message.size, read: (start, end) => message.read(start, end), dispose: () => message.dispose() }
        },
      }
    },
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
  isMoody = true

  constructor(seed: number) {
    this.random = seededRandom(seed)
  }

  async play(): Promise<void> {
    const { random } = this
    const badness = random.pick([0, 5, 20, 50])
    const slow = random.below(2) === 0
    this.world = await makeWorld({
      mailboxes: ['Drafts'],
      imap: { sessionsPerAccount: 1 },
      wrapSpool: spool => moodySpool(spool, random, badness),
      wrapStore: (store, clock) => {
        this.waits = new Waits(clock)
        const appending = wrapAppends(
          store,
          async () => {
            if (slow && this.isMoody) await this.waits.wait(random.below(3000))
          },
          () => {
            if (this.isMoody && random.below(300) < badness) throw new MailError(random.pick(FAILURES), 'the store has a bad day')
          },
        )
        return wrapMailboxLists(appending, random.below(300) < badness ? random.below(3) : 0)
      },
      middleware: [
        moody({
          random,
          waits: () => this.waits,
          badness: () => badness,
          leave: () => this.#leave(),
        }),
      ],
    })
    const over = this.#connect()
    if (random.below(5) > 0) this.#say({ tag: 'login', octets: 'login LOGIN ann secret\r\n' })
    const count = 1 + random.below(random.pick([6, 30, 90]))
    for (let nth = 0; nth < count && !this.isOver; nth++) {
      const said = nextCommand(random, nth)
      if (random.below(50) === 0) this.peer.stopReading()
      if (random.below(10) === 0) this.peer.resumeReading()
      this.#say(said)
      if (said.rest !== undefined) await this.#answer(said, said.rest)
      else if (random.below(6) === 0) await this.#until(() => false, random.below(20))
      if (random.below(60) === 0) await this.#otherSession()
      if (random.below(300) === 0) this.world.engine.shutdown()
    }
    this.peer.resumeReading()
    await this.#until(() => this.#isAnswered(), 4000)
    const wasAnswered = this.#isAnswered()
    const end = random.below(3)
    if (end === 0) this.#leave()
    else this.peer.end()
    await this.#until(() => this.isOver, 4000)
    assert.ok(this.isOver, 'the session ends once its client has gone')
    await over
    this.#check(wasAnswered)
    await this.#checkStored()
    await this.#until(() => this.waits.count === 0, 4000)
    assert.equal(this.world.spool.held, 0, 'the spool holds nothing')
    await this.world.store.close()
  }

  #connect(): Promise<void> {
    const { transport, peer } = fakeConnection({
      clock: this.world.clock,
      tls: FAKE_TLS,
      ...(this.random.below(3) === 0 ? { octetsPerRead: 1 + this.random.below(40) } : {}),
    })
    this.peer = peer
    const connection: LiveConnection = {
      id: 'c1',
      protocol: 'imap',
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
    this.peer.send(Buffer.from(said.octets, 'latin1'))
  }

  #leave(): void {
    this.hasLeft = true
    this.peer.vanish()
  }

  #hear(): string {
    this.text += Buffer.from(this.peer.take()).toString('latin1')
    return this.text
  }

  async #answer({ tag }: Said, rest: string): Promise<void> {
    const pluses = (): number => this.#hear().match(/^\+ Ready\r\n/gm)?.length ?? 0
    this.peer.resumeReading()
    const before = pluses()
    await this.#until(() => pluses() > before || this.#tags().includes(tag), 4000)
    if (pluses() > before) this.peer.send(Buffer.from(rest, 'latin1'))
  }

  #tags(): readonly string[] {
    return [...this.#hear().matchAll(/^([^*+\s]\S*) (?:OK|NO|BAD) /gm)].map(([, tag]) => tag ?? '').filter(tag => !this.#isStray(tag))
  }

  /** What a client sent behind a command that was not admitted, so that it was a command: never what somebody else wrote. */
  #isStray(tag: string): boolean {
    return tag === 'DONE' || tag === 'AAAA' || tag === CREDENTIALS
  }

  #isAnswered(): boolean {
    return this.isOver || this.#tags().length >= this.sent.length
  }

  /** Lets the engine work until `done`, and time pass when it waits for time. */
  async #until(done: () => boolean, turns: number): Promise<void> {
    for (let turn = 0; turn < turns && !done(); turn++) {
      await new Promise(resolve => setImmediate(resolve))
      if (turn % 3 < 2) continue
      const { clock } = this.world
      // IDLE without DONE waits for its client, and so does a sync literal: these are not what time is for.
      if (!this.isOver && this.peer.engineWaits && this.waits.count === 0) {
        if (this.sent.at(-1)?.octets.endsWith('IDLE\r\n') === true) return
        continue
      }
      if (clock.untilNext !== undefined) clock.advance(clock.untilNext)
    }
  }

  async #otherSession(): Promise<void> {
    const { account } = this.world
    const boxes = await account.mailboxes().catch(() => [])
    const drafts = boxes.find(({ name }) => name === 'Drafts')
    if (drafts === undefined) return
    switch (this.random.below(3)) {
      case 0:
        await account.remove(drafts.id)
        return
      case 1:
        await account.rename(drafts.id, `Elsewhere${this.sent.length}`)
        return
      case 2:
        await account.mailbox(drafts.id).expunge([{ first: 1, last: 1000 }] as never)
    }
  }

  #check(wasAnswered: boolean): void {
    const lines = this.#hear().split('\r\n')
    for (const line of lines) {
      assert.doesNotMatch(line, /^evil/i, 'a line of a message was a command')
      assert.ok(line === '' || /^(?:\* |\+ ?|\S+ (?:OK|NO|BAD) )/.test(line), `no response: ${line}`)
    }
    const told = this.#tags()
    assert.deepEqual(
      told,
      this.sent.slice(0, told.length).map(({ tag }) => tag),
      'each command is answered once, in order',
    )
    if (this.hasLeft) return
    const hasBye = lines.some(line => line.startsWith('* BYE'))
    if (!hasBye) assert.ok(wasAnswered || this.sent.at(-1)?.octets.endsWith('IDLE\r\n'), 'every command is answered')
  }

  async #checkStored(): Promise<void> {
    const { account } = this.world
    const again = (): ReturnType<typeof account.mailboxes> => account.mailboxes()
    const boxes = await again().catch(again).catch(again)
    assert.deepEqual(
      boxes.filter(({ name }) => name === 'Pwned'),
      [],
    )
    const messages = new Set(this.sent.flatMap(({ message }) => (message === undefined ? [] : [message])))
    for (const { id } of boxes) {
      for await (const page of account.mailbox(id).records([{ first: 1, last: 0xffff_ffff }] as never, ['source'])) {
        for (const { source } of page) {
          if (source === undefined) continue
          const octets = Buffer.from(await source.read(0, source.size)).toString('latin1')
          assert.ok(messages.has(octets.replace(/^X-Seen: yes\r\n/, '')), 'a message is stored as it was sent')
        }
      }
    }
    const uids = new Map<string, number>()
    for (const [, validity = '', uid] of this.#hear().matchAll(/\[APPENDUID (\d+) (\d+)\]/g)) {
      assert.ok(Number(uid) > (uids.get(validity) ?? 0), 'UIDs follow the order of the commands')
      uids.set(validity, Number(uid))
    }
  }
}

test(`${RUNS} clients that pipeline before middleware that does anything: no line of a message is a command, each command is answered once`, async () => {
  for (let seed = 1; seed <= RUNS; seed++) {
    try {
      await new Run(seed).play()
    } catch (error) {
      throw new Error(`seed ${seed}`, { cause: error })
    }
  }
})
