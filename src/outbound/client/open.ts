/** From nothing to a server that is ready to take mail: connection, greeting, EHLO, STARTTLS, AUTH. RFC 5321 §3.1, §3.2; RFC 3207 §4; RFC 2033 §4.1. */

import { MailError } from '../../contracts/index.ts'
import type { ClientConnection, Clock, Dialer, DeliveryStatus, EnhancedCode, TlsPeer } from '../../contracts/index.ts'
import type { TlsFailure, TlsOutcome, TlsRequirement } from '../tls-policy/requirement.ts'
import { authenticate } from './authenticate.ts'
import type { Credentials } from './authenticate.ts'
import { capabilitiesOf, plainCapabilities } from './capabilities.ts'
import type { Capabilities } from './capabilities.ts'
import { CLIENT_LIMITS } from './limits.ts'
import type { ClientLimits } from './limits.ts'
import type { Reply } from './reply.ts'
import { ClientSession } from './session.ts'
import { breakdownStatus, ownStatus, statusOf } from './status.ts'
import type { Step } from './status.ts'
import { Broken, Wire } from './wire.ts'

/** Whom to connect to, and as whom. */
export interface HopAddress {
  /** The server's name, for statuses. */
  readonly host: string
  /** The IP address that was checked; it is what is dialled (S30). */
  readonly address: string
  readonly port: number
  readonly flavour: 'smtp' | 'lmtp'
  /** TLS from the first octet on, as on port 465. RFC 8314 §3.3. */
  readonly implicitTls?: boolean
  readonly localAddress?: string
  /** What we call ourselves in EHLO. RFC 5321 §4.1.1.1. */
  readonly ehloName: string
  readonly credentials?: Credentials
}

/** Options of {@link openSession}. */
export interface OpenOptions {
  readonly dialer: Dialer
  readonly clock: Clock
  readonly hop: HopAddress
  readonly tls: TlsRequirement
  readonly limits?: Partial<ClientLimits>
  /** Sends with BDAT where it is offered. Default `true`. RFC 3030. */
  readonly chunking?: boolean
  /** Milliseconds for the connection. Default 30,000. */
  readonly connectMs?: number
  readonly signal?: AbortSignal
}

/** A session, or why there is none. */
export type Opened =
  | { readonly kind: 'open'; readonly session: ClientSession; readonly tls: TlsOutcome }
  | {
      readonly kind: 'refused'
      /** Class 4: nothing that a server says before it has seen a message decides about the message. */
      readonly status: DeliveryStatus
      readonly tls: TlsOutcome
    }

const CLEAR: TlsOutcome = Object.freeze({ encrypted: false, verified: false })

/** Ends the opening with a status. */
class Refused extends Error {
  override readonly name: string = 'Refused'
  readonly status: DeliveryStatus

  constructor(status: DeliveryStatus) {
    super(status.text)
    this.status = status
  }
}

/**
 * Opens a session that satisfies what is asked of TLS. Opportunistically, a handshake that fails is followed by one fresh
 * connection in the clear; never under any other policy, and never on the connection on which it failed. Throws only when the caller's
 * signal fires, and for bugs.
 */
export async function openSession(options: OpenOptions): Promise<Opened> {
  const first = new Opening(options, options.tls.level !== 'none')
  const opened = await first.run()
  if (opened.kind === 'open' || !first.handshakeFailed || options.tls.level !== 'opportunistic' || options.hop.implicitTls === true)
    return opened
  const again = await new Opening(options, false).run()
  // The failure stays in the report: that it went in the clear after all is no success of TLS.
  return opened.tls.failure === undefined ? again : { ...again, tls: { ...again.tls, failure: opened.tls.failure } }
}

class Opening {
  handshakeFailed = false
  readonly #options: OpenOptions
  readonly #withTls: boolean
  readonly #limits: ClientLimits
  #tls: TlsOutcome = CLEAR
  #doing = 'connecting'

  constructor(options: OpenOptions, withTls: boolean) {
    this.#options = options
    this.#withTls = withTls
    this.#limits = { ...CLIENT_LIMITS, ...options.limits }
  }

  async run(): Promise<Opened> {
    const { clock, hop, signal } = this.#options
    const connection = await this.#dial()
    if ('code' in connection) return { kind: 'refused', status: connection, tls: this.#tls }
    const wire = new Wire(connection, clock, this.#limits)
    try {
      const session = await wire.bounded(signal, () => this.#open(wire))
      return { kind: 'open', session, tls: this.#tls }
    } catch (error) {
      if (signal?.aborted === true) throw signal.reason
      if (error instanceof Refused) return { kind: 'refused', status: error.status, tls: this.#tls }
      if (!(error instanceof Broken)) throw error
      return { kind: 'refused', status: breakdownStatus(error, this.#doing, hop.host, clock.now()), tls: this.#tls }
    }
  }

  async #dial(): Promise<ClientConnection | DeliveryStatus> {
    const { dialer, hop, clock, connectMs, signal } = this.#options
    try {
      return await dialer.dial({
        address: hop.address,
        port: hop.port,
        ...(hop.localAddress === undefined ? {} : { localAddress: hop.localAddress }),
        ...(connectMs === undefined ? {} : { timeoutMs: connectMs }),
        ...(signal === undefined ? {} : { signal }),
      })
    } catch (error) {
      signal?.throwIfAborted()
      if (!(error instanceof MailError)) throw error
      return ownStatus('4.4.1', error.message, hop.host, clock.now())
    }
  }

  async #open(wire: Wire): Promise<ClientSession> {
    const { hop, tls } = this.#options
    if (hop.implicitTls === true) await this.#secure(wire)
    await this.#greeting(wire)
    let capabilities = await this.#hello(wire)
    if (this.#withTls && !this.#tls.encrypted && (await this.#startTls(wire, capabilities))) capabilities = await this.#hello(wire)
    if (!this.#tls.encrypted && (tls.level === 'encrypted' || tls.level === 'verified')) throw this.#refused('4.7.10', 'TLS is required')
    if (hop.credentials !== undefined) await this.#authenticate(wire, capabilities)
    return new ClientSession(wire, {
      host: hop.host,
      lmtp: hop.flavour === 'lmtp',
      capabilities,
      verified: this.#tls.verified,
      chunking: this.#options.chunking ?? true,
    })
  }

  async #greeting(wire: Wire): Promise<void> {
    this.#doing = 'waiting for the greeting'
    const reply = await wire.reply(this.#limits.greetingMs)
    wire.solicited()
    // RFC 5321 §3.1: 554 means "no SMTP service here": of this host, not of the domain.
    if (reply.code !== 220) throw this.#turnedAway(wire, reply, 'greeting')
  }

  async #hello(wire: Wire): Promise<Capabilities> {
    const { hop } = this.#options
    const verb = hop.flavour === 'lmtp' ? 'LHLO' : 'EHLO'
    const reply = await this.#ask(wire, `${verb} ${hop.ehloName}`)
    if (reply.code === 250) return capabilitiesOf(reply)
    // RFC 5321 §3.2: "If the server does not support EHLO ... the client SHOULD fall back to HELO"; LMTP has none.
    if (reply.code < 500 || hop.flavour === 'lmtp') throw this.#turnedAway(wire, reply, 'hello')
    const plain = await this.#ask(wire, `HELO ${hop.ehloName}`)
    if (plain.code !== 250) throw this.#turnedAway(wire, plain, 'hello')
    return plainCapabilities(plain)
  }

  /** Whether TLS is on now. */
  async #startTls(wire: Wire, capabilities: Capabilities): Promise<boolean> {
    if (!capabilities.startTls) {
      this.#failed({ type: 'starttls-not-supported', text: 'STARTTLS is not offered' })
      this.#demand('STARTTLS is not offered')
      return false
    }
    const reply = await this.#ask(wire, 'STARTTLS')
    if (reply.code !== 220) {
      this.#failed({ type: 'starttls-not-supported', text: `STARTTLS was answered with ${reply.code}` })
      if (reply.code === 421) throw this.#turnedAway(wire, reply, 'starttls')
      this.#demand(`STARTTLS was answered with ${reply.code}`)
      return false
    }
    await this.#secure(wire)
    return true
  }

  /** Gives up where the policy asks for TLS. */
  #demand(text: string): void {
    const { level } = this.#options.tls
    if (level === 'encrypted' || level === 'verified') throw this.#refused('4.7.10', `TLS is required, and ${text}`)
  }

  async #secure(wire: Wire): Promise<void> {
    const { tls } = this.#options
    this.#doing = 'beginning TLS'
    const peer = await this.#handshake(wire)
    const failure = tls.verify?.(peer)
    this.#tls = {
      encrypted: true,
      verified: tls.verify !== undefined && failure === undefined,
      ...(failure === undefined ? {} : { failure }),
    }
    if (failure === undefined || tls.level !== 'verified') return
    // RFC 3207 §4.1: QUIT at once, before anything is said that the wrong ears should not hear.
    wire.quit()
    throw this.#refused('4.7.5', `the certificate is not what it must be: ${failure.text}`)
  }

  async #handshake(wire: Wire): Promise<TlsPeer> {
    const { tls } = this.#options
    try {
      return await wire.secure({ serverName: tls.serverName, ...(tls.ca === undefined ? {} : { ca: tls.ca }) })
    } catch (error) {
      if (!(error instanceof MailError)) throw error
      this.handshakeFailed = true
      this.#failed({ type: 'validation-failure', text: error.message })
      throw this.#refused('4.7.5', error.message)
    }
  }

  async #authenticate(wire: Wire, capabilities: Capabilities): Promise<void> {
    const { hop } = this.#options
    if (hop.credentials === undefined) return
    this.#doing = 'logging in'
    const refusal = await authenticate(wire, capabilities, hop.credentials, this.#tls.encrypted)
    if (refusal === undefined) return
    wire.quit()
    // A wrong password is the operator's matter; mail waits until it is set right.
    throw typeof refusal === 'string' ? this.#refused('4.7.8', refusal) : this.#turnedAway(wire, refusal, 'auth')
  }

  async #ask(wire: Wire, line: string): Promise<Reply> {
    this.#doing = `waiting for the answer to ${line.split(' ')[0] ?? ''}`
    void wire.send(line)
    const reply = await wire.reply(this.#limits.helloMs)
    // Behind the 220 of STARTTLS octets of the attacker may lie: that is seen to by `secure` as well (S7).
    wire.solicited()
    return reply
  }

  #failed(failure: TlsFailure): void {
    this.#tls = { ...this.#tls, failure }
  }

  #turnedAway(wire: Wire, reply: Reply, step: Step): Refused {
    wire.quit()
    const { hop, clock } = this.#options
    const status = statusOf(reply, step, hop.host, clock.now())
    return new Refused({ ...status, code: `4.${status.code.slice(2)}` as EnhancedCode })
  }

  #refused(code: EnhancedCode, text: string): Refused {
    const { hop, clock } = this.#options
    return new Refused(ownStatus(code, text, hop.host, clock.now()))
  }
}
