/** Everything that leaves, in one object: the way out for the pipeline, a call for the host, and the agent that works through the queue. */

import type { Clock, Random } from '../contracts/clock.ts'
import type { Dialer } from '../contracts/dialer.ts'
import type { Directory, MailAddress } from '../contracts/directory.ts'
import type { EventSink, MailEvents, OutboundEvent } from '../contracts/events.ts'
import type { Host } from '../contracts/host.ts'
import { ConfigurationError, MailError } from '../contracts/mail-error.ts'
import type { Outbound, OutboundMessage, OutboundRecipient } from '../contracts/outbound.ts'
import type { DeliveryStatus, Queue, QueuedMessage, QueuedRecipient, SuppressionList } from '../contracts/queue.ts'
import type { Resolver } from '../contracts/resolver.ts'
import type { Spool } from '../contracts/spool.ts'
import type { Verdict } from '../contracts/verdict.ts'
import { canonicalAddress, printAddress } from '../mime/index.ts'
import { DeliveryAgent } from './agent/agent.ts'
import type { AgentOptions } from './agent/agent.ts'
import { compose } from './api/compose.ts'
import { Outcomes } from './api/outcomes.ts'
import type { Outcome } from './api/outcomes.ts'
import type { OutgoingMail, SentMail } from './api/outgoing-mail.ts'
import { carrier } from './carrier.ts'
import { SessionPool } from './client/pool.ts'
import type { SessionPoolOptions } from './client/pool.ts'
import { Departures } from './departures.ts'
import type { DeparturesOptions } from './departures.ts'
import { bounceClass } from './dsn/bounce-class.ts'
import type { BounceClass } from './dsn/bounce-class.ts'
import { notifier } from './dsn/notification.ts'
import type { Notifier, NotifierOptions } from './dsn/notification.ts'
import type { ReturnAddressesOptions } from './return-addresses.ts'
import type { ReturnsReaderOptions } from './returns.ts'
import { inTurns } from './queue/in-turns.ts'
import { router } from './routing/index.ts'
import type { RouterOptions } from './routing/index.ts'
import { transmitter } from './routing/transmit.ts'
import type { TransmitterOptions } from './routing/transmit.ts'
import { tlsPolicy } from './tls-policy/policy.ts'
import type { TlsPolicyOptions } from './tls-policy/policy.ts'
import { DailyTlsReports } from './tls-policy/report-daily.ts'
import type { DailyTlsReportsOptions } from './tls-policy/report-daily.ts'
import { TlsReports } from './tls-policy/report-rows.ts'

const BEYOND_ASCII = /[^\u0000-\u007f]/

/** How mail leaves. */
export interface OutboundOptions
  extends
    Pick<RouterOptions, 'routes' | 'smarthost' | 'sources' | 'port' | 'ourNames' | 'ourAddresses' | 'allowPrivateNetworks' | 'families'>,
    Pick<AgentOptions, 'maxConcurrency' | 'destination' | 'retries' | 'warnAfter'>,
    Pick<DeparturesOptions, 'sign' | 'seal' | 'forwardedSender' | 'tellStrangers' | 'mostPriority' | 'accountLimits' | 'mayLeave'>,
    Pick<TransmitterOptions, 'reports' | 'hopsPerTry'> {
  /** Where mail waits. Stays the caller's. */
  readonly queue: Queue
  /** Addresses that get nothing. Stays the caller's. */
  readonly suppressions?: SuppressionList
  readonly resolver: Resolver
  /** Begins connections. */
  readonly dialer: Dialer
  /** TLS beyond `opportunistic`: MTA-STS needs a `fetch`, DANE a resolver that vouches for its answers. */
  readonly tls?: Omit<TlsPolicyOptions, 'resolver' | 'clock'>
  /** Tells other domains once a day what TLS to them came to, where they ask for it (RFC 8460). Default: nobody is told. */
  readonly tlsReports?: DailyTlsReportsOptions
  /** Time limits of the client, and how long connections are kept. */
  readonly client?: Omit<SessionPoolOptions, 'dialer' | 'clock'>
  /** Our return addresses: what is rewritten for forwarding, and what mail by call is sent under. Their domain must be served here. */
  readonly returns?: Pick<ReturnAddressesOptions, 'rewriting' | 'bounces' | 'bouncesTo'> & Pick<ReturnsReaderOptions, 'keep'>
  /** Reasons for which an address that refused mail at once is suppressed. Default: none. */
  readonly suppressFor?: readonly BounceClass[]
  /** How senders are told of what failed or is late. */
  readonly notifications?: Omit<NotifierOptions, 'hostname' | 'clock' | 'random'>
}

/** What the way out needs of the server around it. */
export interface OutboundWorld {
  /** What we call ourselves. */
  readonly hostname: string
  readonly directory: Pick<Directory, 'serves'>
  /** The host whose mailboxes local recipients have. */
  readonly host: () => Host
  /** Where a message by call waits until it is queued. */
  readonly spool: Spool
  readonly clock: Clock
  readonly random: Random
  readonly events: EventSink
}

/** The way out of a server. */
export interface OutboundMail extends Outbound {
  readonly queue: Queue
  /** Begins to work through the queue. */
  start(): void
  /** Begins nothing more; what is on its way has `grace` milliseconds to end. What did not end is tried again after the next start. */
  stop(grace: number): Promise<void>
  /**
   * Sends a message: resolves when it is durably queued. Recipients here and elsewhere go the same way. Throws `invalid` for a
   * message or an address that is none, `no-permission` when every recipient is suppressed, and what the queue throws.
   */
  send(mail: OutgoingMail): Promise<SentMail>
  /** What becomes of recipients from now on, as it happens in this process. */
  outcomes(options?: { readonly signal?: AbortSignal }): AsyncIterableIterator<Outcome>
}

/**
 * Puts the way out together; `createMailServer({ outbound })` does it for you.
 */
export function outboundMail(options: OutboundOptions, world: OutboundWorld): OutboundMail {
  return new ComposedOutbound(options, world)
}

class ComposedOutbound implements OutboundMail {
  readonly queue: Queue
  readonly #options: OutboundOptions
  readonly #world: OutboundWorld
  readonly #departures: Departures
  readonly #agent: DeliveryAgent
  readonly #outcomes: Outcomes
  readonly #pool: SessionPool
  readonly #notify: Notifier
  readonly #daily: DailyTlsReports | undefined

  constructor(options: OutboundOptions, world: OutboundWorld) {
    const { queue, suppressions, resolver, dialer, tls, client, notifications } = options
    const { hostname, clock, random, directory, host } = world
    if (queue === undefined) throw new ConfigurationError('MW_QUEUE_MISSING', 'the store has no queue: give the way out one')
    this.queue = queue
    this.#options = options
    this.#world = world
    this.#outcomes = new Outcomes(queue, clock)
    const events: EventSink = {
      emit: (name, event) => {
        world.events.emit(name, event)
        if (name === 'bounced') this.#heed(event as Parameters<MailEvents['bounced']>[0])
        this.#outcomes.tell(name, event as Parameters<MailEvents['sent']>[0])
      },
    }
    const rewriting = options.returns?.rewriting
    const rewritten = rewriting === undefined ? {} : { forwardedSender: (sender: MailAddress) => rewriting.forward(sender) }
    this.#departures = new Departures({
      authservId: hostname,
      ...rewritten,
      ...options,
      queue,
      clock,
      events: world.events,
      ...(suppressions === undefined ? {} : { suppressions }),
    })
    this.#pool = new SessionPool({ ...client, dialer, clock })
    const reports = options.reports ?? (options.tlsReports === undefined ? undefined : new TlsReports())
    if (options.tlsReports !== undefined && reports !== undefined)
      this.#daily = new DailyTlsReports(options.tlsReports, { ...world, reports, resolver, mail: (...report) => this.#reported(...report) })
    const transmit = transmitter({
      ...options,
      ...(reports === undefined ? {} : { reports }),
      router: router({ ...options, random, ehloName: hostname, now: () => clock.now() }),
      tls: tlsPolicy({ ...tls, resolver, clock }),
      pool: this.#pool,
    })
    const notify = (this.#notify = notifier({ ...notifications, hostname, clock, random }))
    this.#agent = new DeliveryAgent({ ...options, transmit: carrier({ directory, host, transmit }), notify, clock, random, events })
  }

  recipient(recipient: OutboundRecipient, by: Parameters<Outbound['recipient']>[1]): Promise<Verdict> {
    return this.#departures.recipient(recipient, by)
  }

  room(message: Parameters<NonNullable<Outbound['room']>>[0]): Promise<Verdict> {
    return this.#departures.room(message)
  }

  take(message: OutboundMessage): Promise<string> {
    return this.#departures.take(message)
  }

  async delivered(message: Omit<OutboundMessage, 'prefix' | 'header'>): Promise<void> {
    const { hostname, clock } = this.#world
    const { sender, envelopeId, returnedContent, recipients, content } = message
    if (sender === undefined) return
    const now = clock.now()
    const envelope = {
      from: printAddress(sender),
      origin: 'submission' as const,
      queuedAt: now,
      ...(envelopeId === undefined ? {} : { envelopeId }),
      ...(returnedContent === undefined ? {} : { returnedContent }),
    }
    const status: DeliveryStatus = { at: now, code: '2.0.0', text: 'Delivered', remote: hostname }
    const told = recipients.map(({ address, ...wishes }) => ({
      recipient: { ...wishes, address: printAddress(address) },
      action: 'delivered' as const,
      status,
    }))
    for (const notification of await this.#notify({ envelope, content }, told)) await this.#departures.queue(notification, undefined)
  }

  start(): void {
    this.#agent.start()
    this.#daily?.start()
  }

  async stop(grace: number): Promise<void> {
    await Promise.all([this.#agent.stop(grace), this.#daily?.stop()])
    this.#pool.close()
    this.#outcomes.end()
  }

  async send(mail: OutgoingMail): Promise<SentMail> {
    const { spool, hostname } = this.#world
    const { content, envelope: own } = await compose(mail, spool, hostname)
    try {
      const from = mail.envelope?.from ?? own?.from
      const to = mail.envelope?.to ?? own?.to ?? []
      if (from === undefined) throw new MailError('invalid', 'a raw message needs an envelope: { envelope: { from, to } }')
      const sender = from === '' ? undefined : addressOf(from)
      const printed = new Set<string>()
      await inTurns(typeof to === 'string' ? [to] : to, slice => {
        for (const address of slice) printed.add(printAddress(addressOf(address)))
      })
      const recipients = [...printed]
      if (recipients.length === 0) throw new MailError('invalid', 'the message has no recipient')
      const queued = await this.#queued(mail, sender, recipients)
      const message = mail.envelope === undefined ? { ...queued, ...this.#stamped(queued) } : queued
      const { id, repeated } = await this.#departures.queue({ ...message, content }, sender)
      return { id, repeated, outcome: ({ signal } = {}) => this.#outcomes.of(id, signal) }
    } finally {
      content.dispose()
    }
  }

  outcomes(options: { readonly signal?: AbortSignal } = {}): AsyncIterableIterator<Outcome> {
    return this.#outcomes.all(options.signal)
  }

  async #reported(to: string, raw: Uint8Array, idempotencyKey: string): Promise<void> {
    await this.send({ raw, envelope: { from: '', to }, origin: 'notification', idempotencyKey })
  }

  /** An envelope sender of our own, whose bounces are recognised: the envelope id is its token. */
  #stamped(message: Omit<QueuedMessage, 'content'>): { readonly from?: string; readonly envelopeId?: string } {
    const bounces = this.#options.returns?.bounces
    if (bounces === undefined || message.from === '' || message.envelopeId !== undefined) return {}
    const token = Array.from(this.#world.random.bytes(10), octet => octet.toString(16).padStart(2, '0')).join('')
    return { from: printAddress(bounces.encode(token)), envelopeId: token }
  }

  /** What a server said at once about an address. */
  #heed({ recipient, status }: OutboundEvent): void {
    const { suppressions, suppressFor = [] } = this.#options
    if (suppressions === undefined || !suppressFor.includes(bounceClass(status.code, status.reply, status.text))) return
    suppressions
      .suppress({ address: recipient, reason: 'hard-bounce', since: status.at, text: status.text })
      .catch((error: unknown) => this.#world.events.emit('error', { error, where: 'suppressing an address' }))
  }

  async #queued(
    mail: OutgoingMail,
    sender: MailAddress | undefined,
    recipients: readonly string[],
  ): Promise<Omit<QueuedMessage, 'content'>> {
    const { suppressions } = this.#options
    const suppressed = new Set((await suppressions?.suppressed(recipients))?.map(({ address }) => address))
    const open = recipients.filter(address => !suppressed.has(address))
    if (open.length === 0)
      throw new MailError('no-permission', `mail came back from ${recipients.join(', ')}: suppressed until you say otherwise`)
    const {
      idempotencyKey,
      notBefore,
      expiresAt,
      priority,
      notify,
      returnedContent,
      envelopeId,
      requireTls,
      smtpUtf8 = false,
      account,
      origin = 'api',
    } = mail
    const named = await inTurns(open, slice => ({
      beyondAscii: BEYOND_ASCII.test(slice.join('')),
      recipients: slice.map((address): QueuedRecipient => (notify === undefined ? { address } : { address, notify })),
    }))
    const beyondAscii = named.some(one => one.beyondAscii) || (sender !== undefined && BEYOND_ASCII.test(printAddress(sender)))
    return {
      from: sender === undefined ? '' : printAddress(sender),
      origin,
      recipients: named.flatMap(one => one.recipients),
      ...(beyondAscii || smtpUtf8 ? { smtpUtf8: true } : {}),
      ...(idempotencyKey === undefined ? {} : { idempotencyKey }),
      ...(notBefore === undefined ? {} : { notBefore: notBefore.getTime() }),
      ...(expiresAt === undefined ? {} : { expiresAt: expiresAt.getTime() }),
      ...(priority === undefined ? {} : { priority }),
      ...(returnedContent === undefined ? {} : { returnedContent }),
      ...(envelopeId === undefined ? {} : { envelopeId }),
      ...(requireTls === undefined ? {} : { requireTls }),
      ...(account === undefined ? {} : { account }),
    }
  }
}

/** Throws `invalid`. */
function addressOf(text: string): MailAddress {
  const address = canonicalAddress(text)
  if (address === undefined) throw new MailError('invalid', `not a mail address: ${JSON.stringify(text)}`)
  return address
}
