/** A server that is ready to take mail, for one transaction after another. RFC 5321 §3.3, §4.1.4; RFC 2033 §4.2. */

import type { CallOptions } from '../../contracts/index.ts'
import type { OutgoingMessage } from './message.ts'
import { prepare } from './prepare.ts'
import type { Prepared } from './prepare.ts'
import type { SessionFacts } from './session-facts.ts'
import { ownStatus } from './status.ts'
import type { HopOutcome } from './status.ts'
import { runTransaction } from './transaction.ts'
import type { TransactionEnd } from './transaction.ts'
import { Broken } from './wire.ts'
import type { Wire } from './wire.ts'

/** What became of a message on this hop. */
export interface SendResult {
  /** One for each recipient of the message, in their order. */
  readonly outcomes: readonly HopOutcome[]
  /** The server took over what the sender asked to be told (RFC 3461 §5.2.1); else a `relayed` notification is ours to send (§5.2.2). */
  readonly notifies: boolean
  /** The server heeds by when a message is wanted, or delivers it at once; else a `relayed` notification is ours to send (RFC 2852 §4.1.4.2). */
  readonly timed: boolean
  /** Whether another message may be sent over this session. */
  readonly reusable: boolean
  /** Nothing was decided, since a session kept from before turned out to be over: the same message may be sent over a new one at once. */
  readonly stale: boolean
  /**
   * Another server of the same domain may do better, and be tried at once for recipients that are not delivered: this one lacks
   * an extension, or broke off before it had the message.
   */
  readonly elsewhere: boolean
}

/** Transactions of one message at most: a server that takes one recipient each time would keep us for long. */
const ROUNDS = 20

/** Speaks with one server. One `send` at a time. */
export class ClientSession {
  readonly facts: SessionFacts
  readonly #wire: Wire
  #dirty = false
  #transactions = 0

  /** @internal */
  constructor(wire: Wire, facts: SessionFacts) {
    this.#wire = wire
    this.facts = facts
  }

  /** Messages sent so far. */
  get transactions(): number {
    return this.#transactions
  }

  /** The connection is over. */
  get isOver(): boolean {
    return this.#wire.isOver
  }

  /**
   * Sends a message. Recipients that the server had no room for in one transaction (452) go in further ones. Throws what
   * reading the content throws, and the signal's reason; in both cases the connection is closed.
   */
  async send(message: OutgoingMessage, options: CallOptions = {}): Promise<SendResult> {
    const { host } = this.facts
    const prepared = await prepare(message, this.facts, this.#wire.clock.now())
    if (prepared.kind === 'unfit') {
      const status = ownStatus(prepared.code, prepared.text, host, this.#wire.clock.now())
      return this.#result(
        message.recipients.map(() => ({ kind: 'failed', status })),
        { elsewhere: prepared.elsewhere },
      )
    }
    const reused = this.#transactions++ > 0
    try {
      return await this.#wire.bounded(options.signal, () => this.#rounds(prepared, reused))
    } catch (error) {
      options.signal?.throwIfAborted()
      if (!(error instanceof Broken)) throw error
      throw new Error('a transaction let its breakdown through', { cause: error })
    }
  }

  /** The session is kept for later: anything that the server says meanwhile ends it. */
  rest(): void {
    this.#wire.rest()
  }

  /** Says QUIT and leaves. */
  quit(): void {
    this.#wire.quit()
  }

  /** Leaves at once. */
  destroy(): void {
    this.#wire.destroy()
  }

  async #rounds(prepared: Prepared, reused: boolean): Promise<SendResult> {
    const { capabilities, host, lmtp, chunking } = this.facts
    const outcomes: (HopOutcome | undefined)[] = prepared.rcpts.map(line =>
      line === undefined
        ? { kind: 'failed', status: ownStatus('5.1.3', 'the recipient is no address', host, this.#wire.clock.now()) }
        : undefined,
    )
    let left = prepared.rcpts.flatMap((line, index) => (line === undefined ? [] : [{ index, line }]))
    let end: TransactionEnd | undefined
    let untouched = true
    // Whatever lies there answers nothing that was asked.
    if (this.#wire.unread > 0) this.#wire.destroy()
    for (let round = 0; left.length > 0 && round < ROUNDS && !this.#wire.isOver; round++) {
      const batch = left.slice(0, capabilities.recipients ?? left.length)
      end = await runTransaction(this.#wire, {
        facts: { host, lmtp, chunking, capabilities },
        reset: this.#dirty,
        mail: prepared.mail,
        rcpts: batch.map(({ line }) => line),
        content: prepared.content,
      })
      this.#dirty = end.dirty
      // Once anything was decided, sending it all again would send it twice.
      untouched &&= end.untouched
      for (const [at, { index }] of batch.entries()) outcomes[index] = end.outcomes[at]
      const crowded = new Set(end.crowded.map(at => batch[at]?.index))
      left = [...batch.filter(({ index }) => crowded.has(index)), ...left.slice(batch.length)]
    }
    const now = this.#wire.clock.now()
    const none = this.#wire.isOver
      ? ownStatus('4.4.2', 'the connection ended before it was the turn of this recipient', host, now)
      : ownStatus('4.5.3', 'the server takes too few recipients at a time', host, now)
    return this.#result(
      outcomes.map(outcome => outcome ?? { kind: 'deferred', status: none }),
      { stale: reused && untouched, elsewhere: end === undefined ? this.#wire.isOver : end.brokenOff },
    )
  }

  #result(outcomes: readonly HopOutcome[], more: { readonly stale?: boolean; readonly elsewhere?: boolean }): SendResult {
    return {
      outcomes,
      notifies: this.facts.capabilities.dsn,
      timed: this.facts.lmtp || this.facts.capabilities.deliverBy !== undefined,
      reusable: !this.#wire.isOver,
      stale: more.stale ?? false,
      elsewhere: more.elsewhere ?? false,
    }
  }
}
