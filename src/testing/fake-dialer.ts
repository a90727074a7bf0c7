/** Remote servers that follow a script, so that a client can be held to a written dialogue without sockets. RFC 5321 §4.2; RFC 3207 §4. */

import { MailError } from '../contracts/index.ts'
import type { ClientConnection, ClientTls, Dialer, DialOptions, Endpoint, TlsFacts, TlsPeer } from '../contracts/index.ts'
import { parseDuration } from './fake-clock.ts'
import type { FakeClock } from './fake-clock.ts'
import { joined } from './octets.ts'
import { lineMatches, shown, unescaped } from './script.ts'

/** What one dial meets: a script, or an error that `dial` throws. */
export type FakeRemote = string | Error

/** Options of {@link fakeDialer}. */
export interface FakeDialerOptions {
  /** Moved by the pauses of scripts, and by every read that runs into its time-out. */
  readonly clock: FakeClock
  /** Octets that one `read` gives at most. Default: no limit. */
  readonly octetsPerRead?: number
  /** What handshakes show. Default: a trusted certificate. */
  readonly peer?: Partial<TlsPeer>
}

/** A {@link Dialer} whose servers are scripts. */
export interface FakeDialer extends Dialer {
  /** What was dialled, in order. */
  readonly dialled: readonly DialOptions[]
  /** What handshakes were asked for, in order. */
  readonly handshakes: readonly ClientTls[]
  /** Where client and script part ways: empty when all went as written. Call when the client is done. */
  problems(): readonly string[]
}

interface Step {
  readonly kind: 'says' | 'says-raw' | 'hears' | 'hears-any' | 'tls' | 'tls-fails' | 'ends' | 'is-left' | 'pause' | 'stalls'
  readonly text: string
  readonly ms: number
}

const TLS: TlsPeer = Object.freeze({ version: 'TLSv1.3', cipher: 'TLS_AES_128_GCM_SHA256', chain: [], trusted: true })

/**
 * Makes a dialer; each dial takes the next of `remotes`, or asks the function. A script has one step a line, as the server sees it:
 *
 * - `S: text` the server says a line; `S~ text` it sends octets as they are (`\r`, `\n`, `\t`, `\\`, `\xHH`). An `S:` fails
 *   when the client has said more than the script so far; `S~` does not look.
 * - `C: text` the client must say this line; `*` stands for any run of characters. `C: ...` passes over lines up to
 *   the one that follows in the script.
 * - `C: (tls)` the client does the handshake here, `C: (tls fails)` it tries and it fails; `C: (leaves)` it ends the connection.
 * - `S: (ends)` the server ends the connection. `S: (stalls)` it takes no more octets. `T: 4 minutes` it is silent for so long.
 *
 * Behind the last step the server says nothing more: a read runs into its time-out, and the clock moves on by it.
 */
export function fakeDialer(
  remotes: readonly FakeRemote[] | ((options: DialOptions) => FakeRemote),
  options: FakeDialerOptions,
): FakeDialer {
  const dialled: DialOptions[] = []
  const handshakes: ClientTls[] = []
  const servers: FakeServer[] = []
  return {
    dialled,
    handshakes,
    problems: () => [
      ...servers.flatMap(server => server.problems()),
      ...(typeof remotes === 'function' || dialled.length === remotes.length
        ? []
        : [`dialled ${dialled.length} times, not ${remotes.length}`]),
    ],
    dial(wanted) {
      const remote = typeof remotes === 'function' ? remotes(wanted) : remotes[dialled.length]
      dialled.push(wanted)
      if (remote === undefined)
        return Promise.reject(new MailError('unavailable', `nobody answers at ${wanted.address} port ${wanted.port}`))
      if (remote instanceof Error) return Promise.reject(remote)
      const server = new FakeServer(parse(remote), wanted, options, handshakes)
      servers.push(server)
      return Promise.resolve(server)
    },
  }
}

function parse(script: string): Step[] {
  return script.split('\n').flatMap(raw => {
    const line = raw.replace(/^[ \t]+/, '')
    if (line.trim() === '' || line.startsWith('#')) return []
    const [, who = '', text = ''] = /^([SCT][:~])(?: (.*))?$/.exec(line) ?? []
    const kind = kindOf(who, text)
    const ms = kind === 'pause' ? parseDuration(text) : 0
    if (kind === undefined || ms === undefined) throw new Error(`no step of a server's script: ${line}`)
    return [{ kind, text, ms }]
  })
}

function kindOf(who: string, text: string): Step['kind'] | undefined {
  if (who === 'T:') return 'pause'
  if (who === 'S~') return 'says-raw'
  if (who === 'S:') return text === '(ends)' ? 'ends' : text === '(stalls)' ? 'stalls' : 'says'
  if (who !== 'C:') return undefined
  const acts: Readonly<Record<string, Step['kind']>> = {
    '...': 'hears-any',
    '(tls)': 'tls',
    '(tls fails)': 'tls-fails',
    '(leaves)': 'is-left',
  }
  return acts[text] ?? 'hears'
}

class FakeServer implements ClientConnection {
  readonly remote: Endpoint
  readonly local: Endpoint
  readonly #steps: Step[]
  readonly #options: FakeDialerOptions
  readonly #handshakes: ClientTls[]
  readonly #gone = new AbortController()
  readonly #problems: string[] = []
  #tls: TlsFacts | undefined
  #heard: Uint8Array = new Uint8Array(0)
  #said: Uint8Array[] = []
  #ended = false
  #left = false
  #stalled: (() => void)[] | undefined
  #reading: (() => void) | undefined
  /** Milliseconds of a pause that are still to pass. */
  #pause = 0
  #skipping = false

  constructor(steps: Step[], dialled: DialOptions, options: FakeDialerOptions, handshakes: ClientTls[]) {
    this.#steps = steps
    this.#options = options
    this.#handshakes = handshakes
    this.remote = { address: dialled.address, port: dialled.port }
    this.local = { address: dialled.localAddress ?? '192.0.2.1', port: 40_025 }
    this.#play()
  }

  get tls(): TlsFacts | undefined {
    return this.#tls
  }

  get signal(): AbortSignal {
    return this.#gone.signal
  }

  get unread(): number {
    return this.#said.reduce((sum, octets) => sum + octets.length, 0)
  }

  async read(within: number): Promise<Uint8Array | undefined | 'timeout'> {
    if (this.#reading !== undefined) throw new Error('two reads at once: ClientConnection allows one')
    const octets = this.#take()
    if (octets !== undefined) return octets
    if (this.#left || this.#ended) return undefined
    // Whoever waits for ever moves no clock: it listens beside something else.
    if (within === Number.POSITIVE_INFINITY) {
      await new Promise<void>(resolve => (this.#reading = resolve))
      this.#reading = undefined
      return this.#take()
    }
    return this.#wait(within)
  }

  write(octets: Uint8Array): Promise<void> | undefined {
    if (this.#left || this.#ended) return undefined
    if (this.#stalled === undefined) {
      this.#heard = joined([this.#heard, octets])
      this.#play()
    }
    const waiting = this.#stalled
    if (waiting === undefined || this.#ended) return undefined
    return new Promise(resolve => waiting.push(resolve))
  }

  secure(tls: ClientTls): Promise<TlsPeer> {
    if (this.#said.length > 0) {
      this.destroy()
      return Promise.reject(new MailError('invalid', 'octets lie unread before the handshake'))
    }
    this.#handshakes.push(tls)
    const step = this.#steps.shift()
    if (step?.kind === 'tls') {
      const peer = { ...TLS, serverName: tls.serverName, ...this.#options.peer }
      this.#tls = peer
      this.#play()
      return Promise.resolve(peer)
    }
    if (step?.kind !== 'tls-fails') this.#off(`the client begins TLS, the script has: ${step?.text ?? 'its end'}`)
    this.destroy()
    return Promise.reject(new MailError('unavailable', 'the handshake failed'))
  }

  end(): void {
    this.#leave()
  }

  destroy(): void {
    this.#leave()
    this.#gone.abort(new Error('the connection was destroyed'))
  }

  problems(): readonly string[] {
    const step = this.#steps[0]
    if (this.#heard.length > 0 && !this.#ended) this.#off(`the client said more than was written: ${shown(this.#heard.subarray(0, 200))}`)
    else if (step !== undefined) this.#off(`the script is not over: ${step.text}`)
    return this.#problems
  }

  /** Moves on as far as the script goes without the client. */
  #play(): void {
    for (let step = this.#steps[0]; step !== undefined; step = this.#steps[0]) {
      if (!this.#plays(step)) return
      this.#steps.shift()
    }
  }

  /** Whether the step is done. */
  #plays(step: Step): boolean {
    switch (step.kind) {
      case 'says':
        if (this.#heard.length > 0) this.#off(`the client said more before it heard "${step.text}": ${shown(this.#heard.subarray(0, 200))}`)
        this.#say(new TextEncoder().encode(`${step.text}\r\n`))
        return true
      case 'says-raw':
        this.#say(unescaped(step.text))
        return true
      case 'hears-any':
        this.#skipping = true
        return true
      case 'hears':
        return this.#hears(step.text)
      case 'ends':
        this.#heard = new Uint8Array(0)
        this.#ended = true
        this.#release()
        return true
      case 'stalls':
        this.#heard = new Uint8Array(0)
        this.#stalled ??= []
        return true
      case 'pause':
        this.#pause += step.ms
        return false
      case 'is-left':
        return this.#left
      case 'tls':
      case 'tls-fails':
        return false
    }
  }

  #hears(pattern: string): boolean {
    for (;;) {
      const end = this.#heard.indexOf(0x0a)
      if (end < 0) return false
      const line = shown(this.#heard.subarray(0, end > 0 && this.#heard[end - 1] === 0x0d ? end - 1 : end))
      this.#heard = this.#heard.slice(end + 1)
      const matches = lineMatches(pattern, line)
      if (!matches && this.#skipping) continue
      if (!matches) this.#off(`the client should have said: ${pattern}\n  but said: ${line}`)
      this.#skipping = false
      return true
    }
  }

  #say(octets: Uint8Array): void {
    if (octets.length > 0) this.#said.push(octets)
    this.#release()
  }

  #release(): void {
    this.#reading?.()
    if (!this.#ended) return
    for (const resume of this.#stalled ?? []) resume()
    this.#stalled = undefined
  }

  #take(): Uint8Array | undefined {
    const [first] = this.#said
    if (first === undefined) return undefined
    const most = this.#options.octetsPerRead
    if (most === undefined) {
      const all = joined(this.#said)
      this.#said = []
      return all
    }
    if (first.length <= most) this.#said.shift()
    else this.#said[0] = first.subarray(most)
    return first.slice(0, most)
  }

  /** Nothing lies ready: time passes, by the script's pause or by the client's patience. */
  #wait(within: number): Uint8Array | undefined | 'timeout' {
    const { clock } = this.#options
    const passes = this.#pause > 0 && this.#pause <= within
    const ms = passes ? this.#pause : within
    this.#pause = Math.max(0, this.#pause - ms)
    clock.advance(ms)
    if (this.#left) return undefined
    if (!passes || this.#pause > 0) return 'timeout'
    this.#steps.shift()
    this.#play()
    return this.#take() ?? (this.#ended ? undefined : this.#wait(within - ms))
  }

  #leave(): void {
    if (this.#left) return
    this.#left = true
    for (const resume of this.#stalled ?? []) resume()
    this.#stalled = undefined
    this.#reading?.()
    this.#play()
  }

  #off(problem: string): void {
    this.#problems.push(problem)
  }
}
