/** What became of mail that left, for those who wait for it: one message’s outcome, or all outcomes as they come. */

import type { Clock } from '../../contracts/clock.ts'
import type { MailEvents, OutboundEvent } from '../../contracts/events.ts'
import { MailError } from '../../contracts/mail-error.ts'
import type { Queue, QueueEntry } from '../../contracts/queue.ts'
import type { SentRecipient } from './outgoing-mail.ts'

/** One recipient, settled for good or delayed. */
export interface Outcome extends OutboundEvent {
  readonly kind: 'sent' | 'delayed' | 'bounced'
}

/** Another process may settle a message: then nobody here tells us. */
const LOOK_AGAIN = 15_000
/** Outcomes that wait for a slow reader; beyond it the oldest are dropped, and the reader is told by an error. */
const MOST_WAITING = 10_000

/** Listens to the agent of this process, and asks the queue for what others did. */
export class Outcomes {
  readonly #queue: Queue
  readonly #clock: Clock
  readonly #listeners = new Set<(outcome: Outcome) => void>()
  readonly #ended = new AbortController()

  constructor(queue: Queue, clock: Clock) {
    this.#queue = queue
    this.#clock = clock
  }

  /** Takes the agent's events. */
  tell(name: keyof MailEvents, event: OutboundEvent): void {
    if (name !== 'sent' && name !== 'delayed' && name !== 'bounced') return
    const outcome: Outcome = { ...event, kind: name }
    for (const listener of this.#listeners) listener(outcome)
  }

  /** Everybody who waits is told that nothing more comes. */
  end(): void {
    this.#ended.abort(new MailError('unavailable', 'the server is closed'))
  }

  /** See {@link SentMail.outcome}. */
  async of(id: string, signal?: AbortSignal): Promise<readonly SentRecipient[]> {
    const over = signal === undefined ? this.#ended.signal : AbortSignal.any([signal, this.#ended.signal])
    for (;;) {
      over.throwIfAborted()
      const changed = this.#change(id, over)
      const entry = await this.#queue.show(id)
      if (entry === undefined) throw new MailError('no-such-message', `the queue has no message ${id}, or remembers it no more`)
      const settled = settledOf(entry)
      if (settled !== undefined) {
        changed.stop()
        return settled
      }
      await changed.promise
    }
  }

  /** Every outcome from now on. */
  async *all(signal?: AbortSignal): AsyncGenerator<Outcome, void, undefined> {
    const over = signal === undefined ? this.#ended.signal : AbortSignal.any([signal, this.#ended.signal])
    const waiting: Outcome[] = []
    let missed = 0
    let wake: (() => void) | undefined
    const listener = (outcome: Outcome): void => {
      if (waiting.length >= MOST_WAITING) missed += 1
      else waiting.push(outcome)
      wake?.()
    }
    const leave = (): void => wake?.()
    this.#listeners.add(listener)
    over.addEventListener('abort', leave)
    try {
      while (!over.aborted) {
        yield* waiting.splice(0)
        if (missed > 0) throw new MailError('unavailable', `${missed} outcomes came faster than they were read`)
        if (waiting.length === 0 && !over.aborted) await new Promise<void>(resolve => void (wake = resolve))
        wake = undefined
      }
    } finally {
      this.#listeners.delete(listener)
      over.removeEventListener('abort', leave)
    }
  }

  #change(id: string, over: AbortSignal): { readonly promise: Promise<void>; stop(): void } {
    const { promise, resolve } = Promise.withResolvers<void>()
    const listener = (outcome: Outcome): void => {
      if (outcome.id === id) stop()
    }
    const cancel = this.#clock.after(LOOK_AGAIN, () => stop())
    const stop = (): void => {
      this.#listeners.delete(listener)
      over.removeEventListener('abort', stop)
      cancel()
      resolve()
    }
    this.#listeners.add(listener)
    over.addEventListener('abort', stop)
    return { promise, stop }
  }
}

/** The recipients, once all are settled. */
function settledOf({ recipients }: QueueEntry): readonly SentRecipient[] | undefined {
  const settled: SentRecipient[] = []
  for (const { address, state, last } of recipients) {
    if (state === 'waiting' || state === 'leased' || state === 'held') return undefined
    settled.push({ address, state, ...(last === undefined ? {} : { status: last }) })
  }
  return settled
}
