/** Both ends of a connection in memory: the engine gets the transport, the test holds the peer. */

import type { Clock, Endpoint, TlsFacts, Transport } from '../contracts/index.ts'
import { joined } from './octets.ts'

/** Options of {@link fakeConnection}. */
export interface FakeConnectionOptions {
  /** Moves the time-outs of `read`; without it a read waits for ever. */
  readonly clock?: Clock
  /** Default: `192.0.2.7`, port 40123. */
  readonly remote?: Partial<Endpoint>
  /** Default: `192.0.2.1`, port 0. */
  readonly local?: Partial<Endpoint>
  /** Present: the connection is encrypted from the start. */
  readonly tls?: TlsFacts
  /** Whether `startTls` can succeed. Default: true, unless TLS is on already. */
  readonly canStartTls?: boolean
  /** Octets that one `read` gives at most, so that what the peer says arrives in pieces. Default: no limit. */
  readonly octetsPerRead?: number
}

/** The peer's end of a fake connection. */
export interface FakePeer {
  /** Sends octets to the engine. */
  send(octets: Uint8Array): void
  /** Ends the sending side: the engine reads what was sent, then the end. */
  end(): void
  /** The peer is gone without a word: the signal fires. */
  vanish(): void
  /** Everything received and not taken yet, and forgets it. */
  take(): Uint8Array
  /** Octets received and not taken yet. */
  readonly waiting: number
  /** Whether the engine has ended the connection. */
  readonly closed: boolean
  /** Whether the engine waits in `read` and has read everything. */
  readonly engineWaits: boolean
  /** Whether the engine waits in `startTls`. */
  readonly engineStartsTls: boolean
  /**
   * Does the handshake that the engine waits for. What was sent in the clear before and not read yet is lost, as it would
   * be to a handshake that begins in the middle of it.
   */
  handshake(facts?: TlsFacts): void
  /** Fails the handshake that the engine waits for; the connection is closed. */
  failHandshake(): void
  /** From now on what the engine writes stays with it: `write` answers a promise. */
  stopReading(): void
  /** Takes what has piled up and goes on reading. */
  resumeReading(): void
  /** Calls back, once, when the engine next reads, writes, closes or starts TLS. */
  onActivity(callback: () => void): void
}

/** What a fake handshake agrees on. */
export const FAKE_TLS: TlsFacts = Object.freeze({ version: 'TLSv1.3', cipher: 'TLS_AES_128_GCM_SHA256' })

interface PendingRead {
  settle(value: Uint8Array | undefined | 'timeout'): void
}

/** A connection whose two ends are both in this process. Keeps the promises of {@link Transport}, and checks the engine's. */
export function fakeConnection(options: FakeConnectionOptions = {}): { readonly transport: Transport; readonly peer: FakePeer } {
  const ends = new FakeEnds(options)
  return { transport: ends, peer: ends.peer }
}

class FakeEnds implements Transport {
  readonly remote: Endpoint
  readonly local: Endpoint
  readonly peer: FakePeer
  readonly #options: FakeConnectionOptions
  readonly #gone = new AbortController()
  #tls: TlsFacts | undefined
  #toEngine: Uint8Array[] = []
  #fromEngine: Uint8Array[] = []
  #peerEnded = false
  #closed = false
  #stalled = false
  #stalledWrites: (() => void)[] = []
  #reading: PendingRead | undefined
  #handshake: { resolve(): void; reject(error: Error): void } | undefined
  #listeners: (() => void)[] = []

  constructor(options: FakeConnectionOptions) {
    this.#options = options
    this.remote = { address: '192.0.2.7', port: 40_123, ...options.remote }
    this.local = { address: '192.0.2.1', port: 0, ...options.local }
    this.#tls = options.tls
    this.peer = this.#makePeer()
  }

  get tls(): TlsFacts | undefined {
    return this.#tls
  }

  get canStartTls(): boolean {
    return this.#tls === undefined && (this.#options.canStartTls ?? true)
  }

  get signal(): AbortSignal {
    return this.#gone.signal
  }

  read(within: number): Promise<Uint8Array | undefined | 'timeout'> {
    if (this.#reading !== undefined) return Promise.reject(new Error('two reads at once: Transport allows one'))
    this.#note()
    const ready = this.#next()
    if (ready !== undefined) return Promise.resolve(ready)
    if (this.#peerEnded || this.#closed) return Promise.resolve(undefined)
    const { promise, resolve } = Promise.withResolvers<Uint8Array | undefined | 'timeout'>()
    const stopTimer = Number.isFinite(within) ? this.#options.clock?.after(within, () => this.#reading?.settle('timeout')) : undefined
    const finish = (): void => {
      this.#reading = undefined
      stopTimer?.()
    }
    this.#reading = {
      settle(value) {
        finish()
        resolve(value)
      },
    }
    return promise
  }

  write(octets: Uint8Array): Promise<void> | undefined {
    if (this.#closed) return undefined
    // Copied, so that an engine that goes on using what it gave away shows no other face than on a real socket.
    this.#fromEngine.push(octets.slice())
    this.#note()
    if (!this.#stalled) return undefined
    return new Promise(resolve => {
      this.#stalledWrites.push(resolve)
    })
  }

  /** {@link FakeEnds.write} copied. */
  get isSent(): boolean {
    return true
  }

  startTls(): Promise<void> {
    if (!this.canStartTls) return Promise.reject(new Error('startTls on a connection that cannot'))
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    this.#handshake = { resolve, reject }
    this.#note()
    return promise
  }

  end(): void {
    this.#close()
  }

  destroy(): void {
    this.#gone.abort(new Error('the connection was destroyed'))
    this.#close()
  }

  #close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#flushStalled()
    this.#reading?.settle(undefined)
    this.#handshake?.reject(new Error('the connection was closed during the handshake'))
    this.#handshake = undefined
    this.#note()
  }

  #flushStalled(): void {
    const waiting = this.#stalledWrites
    this.#stalledWrites = []
    for (const resume of waiting) resume()
  }

  #next(): Uint8Array | undefined {
    const first = this.#toEngine[0]
    if (first === undefined) return undefined
    const limit = this.#options.octetsPerRead ?? first.length
    if (first.length <= limit) {
      this.#toEngine.shift()
      return first
    }
    this.#toEngine[0] = first.subarray(limit)
    return first.slice(0, limit)
  }

  #note(): void {
    const listeners = this.#listeners
    this.#listeners = []
    for (const listener of listeners) listener()
  }

  #offer(): void {
    if (this.#reading === undefined) return
    const octets = this.#next()
    if (octets !== undefined) this.#reading.settle(octets)
    else if (this.#peerEnded) this.#reading.settle(undefined)
  }

  #settleHandshake(facts: TlsFacts | undefined): void {
    const handshake = this.#handshake
    if (handshake === undefined) throw new Error('the engine does not wait for a handshake')
    this.#handshake = undefined
    if (facts === undefined) {
      this.#close()
      this.#gone.abort(new Error('the handshake failed'))
      handshake.reject(new Error('the handshake failed'))
      return
    }
    this.#toEngine = []
    this.#tls = facts
    handshake.resolve()
  }

  #makePeer(): FakePeer {
    // oxlint-disable-next-line typescript/no-this-alias -- the getters below belong to another object
    const ends = this
    return {
      send(octets) {
        if (octets.length > 0) ends.#toEngine.push(octets)
        ends.#offer()
      },
      end() {
        ends.#peerEnded = true
        ends.#offer()
      },
      vanish() {
        ends.#toEngine = []
        ends.#peerEnded = true
        ends.#gone.abort(new Error('the peer is gone'))
        ends.#close()
      },
      take() {
        const octets = joined(ends.#fromEngine)
        ends.#fromEngine = []
        return octets
      },
      get waiting() {
        return ends.#fromEngine.reduce((sum, chunk) => sum + chunk.length, 0)
      },
      get closed() {
        return ends.#closed
      },
      get engineWaits() {
        return ends.#reading !== undefined && ends.#toEngine.length === 0
      },
      get engineStartsTls() {
        return ends.#handshake !== undefined
      },
      handshake(facts = FAKE_TLS) {
        ends.#settleHandshake(facts)
      },
      failHandshake() {
        ends.#settleHandshake(undefined)
      },
      stopReading() {
        ends.#stalled = true
      },
      resumeReading() {
        ends.#stalled = false
        ends.#flushStalled()
      },
      onActivity(callback) {
        ends.#listeners.push(callback)
      },
    }
  }
}
