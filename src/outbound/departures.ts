/** How a message gets into the queue: who may send to whom, what is put in front, and under which envelope sender. RFC 5321 §3.6, §3.9; RFC 6376 §5. */

import type { Clock } from '../contracts/clock.ts'
import type { MailAddress } from '../contracts/directory.ts'
import type { EventSink } from '../contracts/events.ts'
import type { MessageSource } from '../contracts/message.ts'
import type { Outbound, OutboundMessage, OutboundRecipient } from '../contracts/outbound.ts'
import type { Queue, QueuedMessage, SuppressionList } from '../contracts/queue.ts'
import { accept, reject } from '../contracts/verdict.ts'
import type { Verdict } from '../contracts/verdict.ts'
import { printAddress } from '../mime/index.ts'
import { AccountGuard } from './account-limits.ts'
import type { AccountLimitsFor } from './account-limits.ts'
import { isVouchedFor } from './arc/own-results.ts'
import { hasEightBit } from './eight-bit.ts'

/** Makes the fields that go on top of a message: signatures and seals. Answers nothing where none is due. */
export type Sign = (message: {
  readonly content: MessageSource
  readonly prefix: Uint8Array
  readonly sender: MailAddress | undefined
  /** Domains that whoever sends it has the right to. Absent: the host sends it, and may use what it has keys for. */
  readonly domains?: readonly string[]
}) => Promise<Uint8Array>

/** Options of {@link Departures}. */
export interface DeparturesOptions {
  readonly queue: Queue
  readonly suppressions?: SuppressionList
  readonly clock: Clock
  readonly events: EventSink
  /** Signs what our own people send. */
  readonly sign?: Sign
  /** Seals what is sent on for others. */
  readonly seal?: Sign
  /** The envelope sender under which a forwarded message leaves (SRS), so that SPF holds for it. */
  readonly forwardedSender?: (sender: MailAddress) => MailAddress
  /** Our name in `Authentication-Results`. Default: no results are ours. */
  readonly authservId?: string
  /**
   * Senders of forwarded mail are told what became of it even where nobody vouched for them (SPF for the envelope sender, or DKIM of its
   * domain, in `Authentication-Results` of ours). Default `false`: a forged sender is a stranger, who must not be hit (S21, RFC 5321 §6.2).
   */
  readonly tellStrangers?: boolean
  /** The greatest priority that those who submit may ask for (MT-PRIORITY): above 0 it goes before everybody else's mail. Default 0. RFC 6710 §4.1. */
  readonly mostPriority?: number
  /**
   * What one login may have in the queue and name in an hour; what is beyond it waits with the client (`452 4.5.3`). For everybody alike, or for
   * each login by a function. Default: those of `DEFAULT_ACCOUNT_LIMITS`; `false`: none. Needs a queue that tells `usage`.
   */
  readonly accountLimits?: AccountLimitsFor
  /** Further conditions, asked at RCPT. */
  readonly mayLeave?: (recipient: OutboundRecipient, by: Parameters<Outbound['recipient']>[1]) => Promise<Verdict>
}

const SUPPRESSED = reject('Mail to this address came back or was complained about, and is not sent any more', '5.1.1')

/** Takes messages for the queue. */
export class Departures implements Outbound {
  readonly #options: DeparturesOptions
  readonly #guard: AccountGuard

  constructor(options: DeparturesOptions) {
    this.#options = options
    this.#guard = new AccountGuard(options.queue, options.clock, options.accountLimits)
  }

  async recipient(recipient: OutboundRecipient, by: Parameters<Outbound['recipient']>[1]): Promise<Verdict> {
    const { suppressions, mayLeave } = this.#options
    const address = printAddress(recipient.address)
    if (suppressions !== undefined && (await suppressions.suppressed([address])).length > 0) return SUPPRESSED
    const within = await this.#guard.recipient(by.principal, by.taken ?? 0)
    if (within.kind !== 'accept') return within
    return mayLeave === undefined ? accept() : mayLeave(recipient, by)
  }

  room({ id, principal, recipients }: Parameters<NonNullable<Outbound['room']>>[0]): Promise<Verdict> {
    return this.#guard.room(id, principal, recipients)
  }

  async take(message: OutboundMessage): Promise<string> {
    try {
      return await this.#take(message)
    } finally {
      this.#guard.queued(message.id, message.recipients.length)
    }
  }

  async #take(message: OutboundMessage): Promise<string> {
    const { principal, sender, recipients, smtpUtf8, envelopeId, returnedContent, requireTls, notBefore, deliverBy, priority } = message
    const { content, prefix } = message
    const forwarded = principal === undefined
    const silent = forwarded && message.trusted !== true && !this.#mayTell(message)
    const from =
      forwarded && message.relayed !== true && sender !== undefined ? (this.#options.forwardedSender?.(sender) ?? sender) : sender
    const { id } = await this.queue(
      {
        from: from === undefined ? '' : printAddress(from),
        origin: forwarded ? 'forward' : 'submission',
        recipients: recipients.map(({ address, ...wishes }) => ({
          ...wishes,
          ...(silent ? { notify: ['NEVER'] as const } : {}),
          address: printAddress(address),
        })),
        content,
        prefix,
        smtpUtf8,
        ...(principal === undefined ? {} : { account: principal.account.id }),
        ...(envelopeId === undefined ? {} : { envelopeId }),
        ...(returnedContent === undefined ? {} : { returnedContent }),
        ...(requireTls === undefined ? {} : { requireTls }),
        ...(notBefore === undefined ? {} : { notBefore }),
        ...(deliverBy === undefined ? {} : { deliverBy }),
        ...(priority === undefined ? {} : { priority: Math.min(priority, this.#options.mostPriority ?? 0) }),
      },
      sender,
      message.domains ?? [],
    )
    return id
  }

  /** Whether a sender from elsewhere is who they say: else nothing is sent to them, by us or (RFC 3461 §5.2.1) the next hop. */
  #mayTell({ sender, prefix }: OutboundMessage): boolean {
    const { tellStrangers = false, authservId } = this.#options
    if (sender === undefined || tellStrangers) return true
    return authservId !== undefined && isVouchedFor(sender.domain, prefix, authservId)
  }

  /**
   * Signs and queues. `sender` is whose domain signs, when the header names none of ours; `domains` are those that may be signed for, all
   * when the host itself sends.
   */
  async queue(
    message: QueuedMessage,
    sender: MailAddress | undefined,
    domains?: readonly string[],
  ): Promise<{ readonly id: string; readonly repeated: boolean }> {
    const { queue, events, sign, seal } = this.#options
    const own = message.prefix ?? new Uint8Array(0)
    const rights = domains === undefined ? {} : { domains }
    const onTop = await (message.origin === 'forward' ? seal : sign)?.({ content: message.content, prefix: own, sender, ...rights })
    const prefix = onTop === undefined || onTop.length === 0 ? own : joined(onTop, own)
    const eightBit = message.eightBit ?? (await hasEightBit(message.content))
    const taken = await queue.enqueue({ ...message, eightBit, ...(prefix.length === 0 ? {} : { prefix }) })
    const { from, origin, recipients } = message
    if (!taken.repeated) events.emit('queued', { id: taken.id, from, origin, recipients: recipients.map(({ address }) => address) })
    return taken
  }
}

function joined(first: Uint8Array, second: Uint8Array): Uint8Array {
  const whole = new Uint8Array(first.length + second.length)
  whole.set(first)
  whole.set(second, first.length)
  return whole
}
