/** An agent on a fake clock with a queue in memory: the test says what each try comes to. */
import { setImmediate } from 'node:timers/promises'
import { memoryQueue } from 'mailwright/outbound'
import type { DeliveryStatus, MailEvents, Queue, QueuedMessage, QueueLease } from 'mailwright/contracts'
import { DeliveryAgent } from '../../src/outbound/agent/agent.ts'
import type { AgentOptions } from '../../src/outbound/agent/agent.ts'
import type { NotifiedRecipient } from '../../src/outbound/agent/decide.ts'
import type { Attempt, Transmit } from '../../src/outbound/agent/transmission.ts'
import { fakeClock } from '../../src/testing/fake-clock.ts'
import type { FakeClock } from '../../src/testing/fake-clock.ts'

export interface Stage {
  readonly clock: FakeClock
  readonly queue: Queue
  readonly agent: DeliveryAgent
  /** `name recipient code`, in order. */
  readonly told: string[]
  readonly errors: unknown[]
  readonly notified: NotifiedRecipient[]
  /** Moves the clock from timer to timer, letting promises run in between. */
  pass(ms: number): Promise<void>
  enqueue(recipients: readonly string[], more?: Partial<QueuedMessage>): Promise<string>
}

export function source(text: string): QueuedMessage['content'] {
  const octets = new TextEncoder().encode(text)
  return { size: octets.length, read: (start, end) => octets.subarray(start, end) }
}

export function stageOf(transmit: Transmit, options: Partial<AgentOptions> = {}): Stage {
  const clock = fakeClock()
  const queue = options.queue ?? memoryQueue({ clock })
  const told: string[] = []
  const errors: unknown[] = []
  const notified: NotifiedRecipient[] = []
  const agent = new DeliveryAgent({
    queue,
    transmit,
    notify: async (lease, recipients) => {
      notified.push(...recipients)
      return [
        { from: '', origin: 'notification', recipients: [{ address: lease.envelope.from }], content: source('Subject: bounce\r\n\r\n') },
      ]
    },
    clock,
    random: { bytes: length => new Uint8Array(length).fill(128) },
    events: {
      emit(name: keyof MailEvents, event: unknown) {
        if (name === 'error') errors.push((event as { error: unknown }).error)
        else {
          const { recipient, status } = event as { recipient: string; status: DeliveryStatus }
          told.push(`${name} ${recipient} ${status.code}`)
        }
      },
    },
    ...options,
  })
  const settle = async (): Promise<void> => {
    for (let turn = 0; turn < 12; turn++) await setImmediate()
  }
  return {
    clock,
    queue,
    agent,
    told,
    errors,
    notified,
    async pass(ms) {
      const until = clock.monotonic() + ms
      await settle()
      while (clock.monotonic() < until) {
        clock.advance(Math.min(until - clock.monotonic(), Math.max(1, clock.untilNext ?? ms)))
        await settle()
      }
    },
    async enqueue(recipients, more = {}) {
      const { id } = await queue.enqueue({
        from: 'ann@example.org',
        origin: 'submission',
        recipients: recipients.map(address => ({ address })),
        content: source('Subject: hello\r\n\r\nhello\r\n'),
        ...more,
      })
      return id
    },
  }
}

/** The same for every recipient of a lease. */
export function all(
  lease: QueueLease,
  kind: Attempt['kind'],
  code: DeliveryStatus['code'],
  text = 'said so',
  success: Attempt['success'] = 'next-hop',
): Attempt[] {
  return lease.recipients.map(({ index }) => ({ index, kind, status: { at: 0, code, text }, success }))
}
