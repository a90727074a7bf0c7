/** One replay of a transcript: its clients, what was said so far, and the patience to wait for what comes. */

import type { Engine, LiveConnection } from '../contracts/index.ts'
import type { FakeClock } from './fake-clock.ts'
import { fakeConnection } from './fake-transport.ts'
import { joined } from './octets.ts'
import type { FakePeer } from './fake-transport.ts'
import { lineMatches, shown } from './script.ts'
import type { ClientAct, Step } from './script.ts'
import type { TranscriptSubject } from './transcript-subject.ts'

/** Milliseconds of real time after which an engine that is busy counts as hung. */
const HUNG_AFTER = 10_000
/** Milliseconds of real time after which an engine that waits for input counts as having nothing to say. */
const SILENT_AFTER = 1_000
/** Milliseconds of real time without activity after which an engine is taken to wait for the fake clock. */
const ASLEEP_AFTER = 30

interface Client {
  readonly letter: string
  readonly peer: FakePeer
  /** Octets heard that are not a whole line yet. */
  partial: Uint8Array
  /** Whole lines heard and not matched yet. */
  readonly lines: string[]
  /** What the client says before the next step of another kind: it goes out in one piece. */
  outbox: Uint8Array[]
  over: boolean
  failure: unknown
  readonly done: Promise<void>
}

/** A wrong step; the runner puts the dialogue before it. */
class OffScript extends Error {}

/** Plays steps, one after the other. */
export class Stage {
  /** What was said so far, as a script shows it. */
  readonly dialogue: string[] = []
  readonly #subject: TranscriptSubject
  readonly #engine: Engine
  readonly #clock: FakeClock | undefined
  readonly #octetsPerRead: number | undefined
  readonly #clients: Map<string, Client> = new Map<string, Client>()
  readonly #left: Client[] = []
  #skipping: string | undefined
  #connections = 0

  constructor(subject: TranscriptSubject, octetsPerRead: number | undefined) {
    this.#subject = subject
    this.#engine = subject.engine
    this.#clock = subject.clock ?? fakeClockOf(subject.host?.clock)
    this.#octetsPerRead = octetsPerRead
  }

  async play(step: Step): Promise<void> {
    if (step.kind !== 'says') this.#send()
    switch (step.kind) {
      case 'says': {
        const client = this.#client(step.client)
        this.dialogue.push(step.text)
        client.outbox.push(step.octets)
        return
      }
      case 'does':
        this.dialogue.push(step.text)
        return this.#act(step.client, step.act)
      case 'hears':
        return this.#hear(this.#client(step.client), step)
      case 'hears-any':
        this.#client(step.client)
        this.#skipping = step.client
        return
      case 'hears-nothing': {
        const client = this.#client(step.client)
        await this.#settle(client)
        this.#checkSilent(client, 'The server should have had nothing to say')
        return
      }
      case 'is-closed':
        return this.#closed(this.#client(step.client))
      case 'time':
        this.dialogue.push(step.text)
        return this.#wait(step.ms)
      case 'host': {
        const act = this.#subject.steps?.[step.name]
        if (act === undefined) throw new OffScript(`No step of the host is called "${step.name}"`)
        this.dialogue.push(step.text)
        await this.#settleAll()
        await act()
        return
      }
    }
  }

  /** The script is over: nothing may be left to hear, and the engine must let go of clients that vanish. */
  async leave(): Promise<void> {
    this.#send()
    for (const client of this.#clients.values()) {
      await this.#settle(client)
      this.#checkSilent(client, 'The script is over, but the server said more')
      client.peer.vanish()
      await this.#until(client, () => client.over, 'The engine did not end after its client had vanished')
    }
    for (const client of [...this.#left, ...this.#clients.values()]) {
      if (client.failure !== undefined) throw new OffScript('The engine rejected, which serve() never may', { cause: client.failure })
    }
    if (this.#subject.errorsExpected === true) return
    const error = this.#subject.errors?.[0]
    if (error !== undefined) throw new OffScript('The host was told of an error', { cause: error })
  }

  /** Lets every client vanish, without asking for anything. */
  abandon(): void {
    for (const client of [...this.#left, ...this.#clients.values()]) client.peer.vanish()
  }

  #send(): void {
    for (const client of this.#clients.values()) {
      if (client.outbox.length === 0) continue
      client.peer.send(joined(client.outbox))
      client.outbox = []
    }
  }

  #client(letter: string): Client {
    return this.#clients.get(letter) ?? this.#connect(letter)
  }

  #connect(letter: string): Client {
    const { remote, local, tls, canStartTls } = this.#subject
    const { transport, peer } = fakeConnection({
      ...(this.#clock === undefined ? {} : { clock: this.#clock }),
      ...(remote === undefined ? {} : { remote }),
      ...(local === undefined ? {} : { local }),
      ...(tls === undefined ? {} : { tls }),
      ...(canStartTls === undefined ? {} : { canStartTls }),
      ...(this.#octetsPerRead === undefined ? {} : { octetsPerRead: this.#octetsPerRead }),
    })
    const connection: LiveConnection = {
      id: `${letter}${++this.#connections}`,
      protocol: this.#engine.protocol,
      remote: transport.remote,
      local: transport.local,
      tls: transport.tls,
      clientName: undefined,
      principal: undefined,
      signal: transport.signal,
    }
    const client: Client = {
      letter,
      peer,
      partial: new Uint8Array(0),
      lines: [],
      outbox: [],
      over: false,
      failure: undefined,
      done: this.#engine.serve(transport, connection).then(
        () => void (client.over = true),
        (error: unknown) => {
          client.over = true
          client.failure = error ?? new Error('rejected with nothing')
        },
      ),
    }
    this.#clients.set(letter, client)
    return client
  }

  async #act(letter: string, act: ClientAct): Promise<void> {
    if (act === 'connect') {
      const earlier = this.#clients.get(letter)
      if (earlier !== undefined) {
        await this.#until(earlier, () => earlier.over || earlier.peer.closed, 'The connection before is not closed yet')
        this.#left.push(earlier)
      }
      this.#connect(letter)
      return
    }
    const client = this.#client(letter)
    const { peer } = client
    switch (act) {
      case 'tls':
      case 'tls fails':
        await this.#until(client, () => peer.engineStartsTls, 'The engine has not begun TLS')
        if (act === 'tls') peer.handshake()
        else peer.failHandshake()
        return
      case 'end':
        peer.end()
        return
      case 'gone':
        await this.#settle(client)
        peer.vanish()
        await this.#until(client, () => client.over, 'The engine did not end after its client had vanished')
        return
      case 'stops reading':
        peer.stopReading()
        return
      case 'reads again':
        peer.resumeReading()
    }
  }

  async #hear(client: Client, step: Step & { readonly kind: 'hears' }): Promise<void> {
    const skipping = this.#skipping === step.client
    this.#skipping = undefined
    for (;;) {
      const line = await this.#nextLine(client, step.text)
      const matches = lineMatches(step.pattern, line)
      if (matches || skipping) this.dialogue.push(`${mark(client)} ${line}`)
      if (matches) return
      if (skipping) continue
      throw new OffScript(`line ${step.line} of the script: ${step.text}\n  but the server said: ${line}${this.#following(client)}`)
    }
  }

  async #nextLine(client: Client, wanted: string): Promise<string> {
    await this.#until(
      client,
      () => hears(client) || client.over || client.peer.closed,
      `The server should have said: ${wanted}\n  but said nothing`,
    )
    const line = client.lines.shift()
    if (line !== undefined) return line
    throw new OffScript(`The server should have said: ${wanted}\n  but ended the connection${this.#following(client)}`)
  }

  async #closed(client: Client): Promise<void> {
    await this.#until(client, () => client.over || hears(client), 'The server should have ended the connection, but goes on')
    this.#checkSilent(client, 'The server should have ended the connection')
    if (!client.peer.closed) throw new OffScript('The engine stopped serving without ending the connection')
    this.dialogue.push(`${mark(client)} (closed)`)
  }

  #checkSilent(client: Client, problem: string): void {
    if (hears(client) || client.partial.length > 0) throw new OffScript(`${problem}, but it said:${this.#following(client)}`)
  }

  /** Lines that were heard but not matched, for a failure's text. */
  #following(client: Client): string {
    hears(client)
    const rest = client.partial.length > 0 ? [...client.lines, `${shown(client.partial)} (without CRLF)`] : client.lines
    return rest.map(line => `\n      ${line}`).join('')
  }

  async #wait(ms: number): Promise<void> {
    const clock = this.#clock
    if (clock === undefined) throw new OffScript('T: needs a fake clock: give the transcript a host or a clock')
    await this.#settleAll()
    for (let left = ms; left > 0;) {
      const hop = Math.min(left, clock.untilNext ?? left)
      clock.advance(hop)
      left -= hop
      await this.#settleAll()
    }
  }

  async #settleAll(): Promise<void> {
    for (const client of this.#clients.values()) await this.#settle(client)
  }

  /** Waits until the engine waits for its client, or has ended, or waits for the clock. */
  async #settle(client: Client): Promise<void> {
    const settled = (): boolean => client.over || client.peer.engineWaits || client.peer.engineStartsTls
    for (let quietTurns = 0; quietTurns < 3;) {
      await this.#until(client, settled, 'The engine is busy and does not come back', () => this.#someoneSleeps())
      await turn()
      quietTurns = settled() || this.#someoneSleeps() ? quietTurns + 1 : 0
    }
  }

  /** Whether anything but a `read` of ours waits for the clock: then the engine may be waiting for it too. */
  #someoneSleeps(): boolean {
    const reads = [...this.#clients.values()].filter(client => client.peer.engineWaits).length
    return (this.#clock?.pending ?? 0) > reads
  }

  /** Waits for something to be true; fails after a time in which nothing moved, unless `sleeps` says that nothing can. */
  async #until(client: Client, reached: () => boolean, problem: string, sleeps?: () => boolean): Promise<void> {
    let waited = 0
    while (!reached()) {
      const within = sleeps?.() === true ? ASLEEP_AFTER : 100
      if (await activity(client, within)) {
        waited = 0
        continue
      }
      if (sleeps?.() === true) return
      waited += within
      const patience = client.peer.engineWaits ? SILENT_AFTER : HUNG_AFTER
      if (waited >= patience) throw new OffScript(`${problem}${this.#following(client)}`)
    }
  }
}

/** How the dialogue marks what a client hears. */
function mark(client: Client): string {
  return client.letter === 'C' ? 'S:' : `${client.letter}<`
}

/** Takes what has arrived; whether there is a whole line. */
function hears(client: Client): boolean {
  if (client.peer.waiting > 0) {
    const arrived = client.peer.take()
    const octets = client.partial.length === 0 ? arrived : joined([client.partial, arrived])
    let from = 0
    for (let lf = octets.indexOf(10); lf >= 0; lf = octets.indexOf(10, lf + 1)) {
      if (lf === 0 || octets[lf - 1] !== 13) continue
      client.lines.push(shown(octets.subarray(from, lf - 1)))
      from = lf + 1
    }
    client.partial = octets.slice(from)
  }
  return client.lines.length > 0
}

/** Whether anything moved before `ms` of real time passed. */
function activity(client: Client, ms: number): Promise<boolean> {
  return new Promise(resolve => {
    const timer = setTimeout(() => resolve(false), ms)
    const moved = (): void => {
      clearTimeout(timer)
      resolve(true)
    }
    client.peer.onActivity(moved)
    void client.done.then(moved)
  })
}

function turn(): Promise<void> {
  return new Promise(resolve => {
    setImmediate(resolve)
  })
}

function fakeClockOf(clock: object | undefined): FakeClock | undefined {
  return clock !== undefined && 'advance' in clock ? (clock as FakeClock) : undefined
}
