/** The ends of many leases in one durable step: whatever comes while a step runs goes into the next. */

import type { Clock } from '../../contracts/clock.ts'
import { MailError } from '../../contracts/mail-error.ts'
import type { Queue, QueuedMessage, Settlement } from '../../contracts/queue.ts'

const MOST = 500
const FIRST_PAUSE = 250
const LONGEST_PAUSE = 10_000

interface Waiting {
  readonly settlement: Settlement
  readonly notifications: readonly QueuedMessage[]
  readonly settled: (kept: boolean) => void
}

/** Settles leases in groups, and again while the queue cannot: what is not written down would be sent twice. */
export class Settling {
  readonly #queue: Queue
  readonly #clock: Clock
  readonly #report: (error: unknown) => void
  #waiting: Waiting[] = []
  #abandoned = false
  #running = false

  constructor(queue: Queue, clock: Clock, report: (error: unknown) => void) {
    this.#queue = queue
    this.#clock = clock
    this.#report = report
  }

  /** Resolves once it is durable: `true`, or `false` when the lease was no longer ours and nothing changed. */
  settle(settlement: Settlement, notifications: readonly QueuedMessage[]): Promise<boolean> {
    const { promise, resolve } = Promise.withResolvers<boolean>()
    this.#waiting.push({ settlement, notifications, settled: resolve })
    if (!this.#running) void this.#run()
    return promise
  }

  /** From now on what fails is not tried again: its leases run out by themselves. */
  abandon(): void {
    this.#abandoned = true
  }

  async #run(): Promise<void> {
    this.#running = true
    // One turn of the loop later, so that what ends together is written together.
    await Promise.resolve()
    let pause = FIRST_PAUSE
    let most = MOST
    while (this.#waiting.length > 0) {
      const group = this.#waiting.slice(0, most)
      try {
        const lost = await this.#step(group)
        this.#waiting.splice(0, group.length)
        for (const { settlement, settled } of group) settled(!lost.has(settlement.token))
        pause = FIRST_PAUSE
        most = MOST
      } catch (error) {
        this.#report(error)
        const [first] = group
        if (this.#abandoned) {
          for (const { settled } of this.#waiting.splice(0)) settled(false)
        } else if (error instanceof MailError && error.kind === 'invalid' && first !== undefined) {
          // Something among these cannot be queued. One by one, so that the others go on; then without its notification.
          if (group.length > 1) most = 1
          else if (first.notifications.length > 0) this.#waiting[0] = { ...first, notifications: [] }
          else this.#waiting.shift()?.settled(false)
        } else {
          await new Promise<void>(resolve => void this.#clock.after(pause, resolve))
          pause = Math.min(LONGEST_PAUSE, pause * 2)
        }
      }
    }
    this.#running = false
  }

  /** Tokens of those that were not ours any more. */
  async #step(group: readonly Waiting[]): Promise<ReadonlySet<string>> {
    const notifications = group.flatMap(({ settlement, notifications: messages }) =>
      messages.map(message => ({ about: settlement.id, message })),
    )
    const settlements = group.map(({ settlement }) => settlement)
    return new Set(await this.#queue.settle(settlements, { notifications }))
  }
}
