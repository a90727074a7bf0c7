/** Asks a policy service by Postfix's protocol: attributes a line each, an empty line, and back comes an action. */

import type { MessageContext, Middleware, Next, PhaseContext, RecipientContext, SenderContext, Verdict } from '../../contracts/index.ts'
import { discard, MailError } from '../../contracts/index.ts'
import { addressText, Failed, oneLine, Program, readAll } from '../program.ts'
import type { ProgramOptions } from '../program.ts'
import { isWhole, readAnswer } from './answer.ts'

/** Options of {@link policyService}. */
export interface PolicyServiceOptions extends ProgramOptions {
  /** What it is called in traces. Default `policy-service`. */
  readonly name?: string
  /** Milliseconds for one question. Default 10,000. */
  readonly within?: number
  /** When it is asked. Default `recipient` alone, as in most of Postfix's configurations (`smtpd_recipient_restrictions`). */
  readonly phases?: readonly ('sender' | 'recipient')[]
  /** Tells several uses of one service apart (`policy_context`). Default: empty. */
  readonly context?: string
  /** Whether it is asked about those who have logged in; it is told who they are (`sasl_username`). Default `true`. */
  readonly principals?: boolean
}

/** What is left to be done when the message is there. */
interface Transaction {
  readonly instance: string
  readonly prepend: (readonly [name: string, value: string])[]
  discarded: string | undefined
}

const LONGEST_ANSWER = 16_384
/** Fields that one transaction may be given. */
const MOST_FIELDS = 100

/**
 * Asks a service that was written for Postfix (`check_policy_service`) about each recipient, or each sender.
 *
 * OK and DUNNO go on, REJECT and `5yz` refuse, DEFER and `4yz` put off; DEFER_IF_PERMIT puts off unless somebody else refuses for good.
 * PREPEND adds its field, DISCARD throws the message away, when it is there. HOLD, and what is unknown, is noted, and mail goes on.
 *
 * @example
 * ```ts
 * import { policyService } from 'mailwright/filters/policy-service'
 * import { socketDialer } from 'mailwright/net'
 *
 * const filter = policyService({ dialer: socketDialer(), at: { path: '/run/postgrey.sock' } })
 * ```
 */
export function policyService(options: PolicyServiceOptions): Middleware {
  return new PolicyService(options)
}

class PolicyService implements Middleware {
  readonly name: string
  readonly #program: Program
  readonly #options: PolicyServiceOptions
  readonly #phases: ReadonlySet<string>
  #instances = 0

  constructor(options: PolicyServiceOptions) {
    this.name = options.name ?? 'policy-service'
    this.#program = new Program(this.name, options, 10_000)
    this.#options = options
    this.#phases = new Set(options.phases ?? ['recipient'])
  }

  async sender(context: SenderContext, next: Next): Promise<Verdict> {
    // A new transaction begins here: what an earlier one on this connection left is not this one's.
    context.shared.delete(this)
    const { sender, announcedSize } = context
    return this.#ask(context, next, { protocol_state: 'MAIL', sender: addressText(sender), size: String(announcedSize ?? 0) })
  }

  async recipient(context: RecipientContext, next: Next): Promise<Verdict> {
    const { sender, recipient } = context
    return this.#ask(context, next, { protocol_state: 'RCPT', sender: addressText(sender), recipient: addressText(recipient) })
  }

  async message(context: MessageContext, next: Next): Promise<Verdict> {
    if (context.envelope === undefined) return next()
    const transaction = this.#transaction(context)
    context.shared.delete(this)
    if (transaction.discarded !== undefined) return discard(`${this.name}: ${transaction.discarded}`)
    for (const [name, value] of transaction.prepend.toReversed()) {
      try {
        context.edits.add(name, value)
      } catch (error) {
        if (!(error instanceof MailError)) throw error
        context.trace.note(`a field was not added: ${error.message}`)
      }
    }
    return next()
  }

  async #ask(context: SenderContext | RecipientContext, next: Next, said: Readonly<Record<string, string>>): Promise<Verdict> {
    const { connection, trace, phase } = context
    if (!this.#phases.has(phase) || (this.#options.principals === false && connection.principal !== undefined)) return next()
    const transaction = this.#transaction(context)
    const action = await this.#program.ask(context, async talk => {
      await talk.write(requestOf({ ...this.#facts(context, transaction), ...said }))
      return readAnswer(await readAll(talk, LONGEST_ANSWER, isWhole))
    })
    if (action instanceof Failed) return action.verdict ?? next()
    switch (action.kind) {
      case 'go-on':
        break
      case 'refuse':
        return action.verdict
      case 'defer-if-permit': {
        const below = await next()
        return below.kind === 'reject' ? below : action.verdict
      }
      case 'prepend':
        if (transaction.prepend.length < MOST_FIELDS) transaction.prepend.push([action.name, action.value])
        break
      case 'discard':
        trace.note(`the message will be discarded: ${action.reason}`)
        transaction.discarded = action.reason
        break
      case 'note':
        trace.note(action.text)
        break
    }
    return next()
  }

  #facts({ connection }: PhaseContext, { instance }: Transaction): Readonly<Record<string, string>> {
    const { principal, tls, remote, local } = connection
    return {
      protocol_name: connection.protocol === 'lmtp' ? 'LMTP' : 'ESMTP',
      helo_name: connection.clientName ?? '',
      queue_id: '',
      recipient: '',
      recipient_count: '0',
      client_address: remote.address || '127.0.0.1',
      client_name: 'unknown',
      reverse_client_name: 'unknown',
      client_port: String(remote.port),
      server_address: local.address,
      server_port: String(local.port),
      instance,
      sasl_method: principal?.credential ?? '',
      sasl_username: principal?.username ?? '',
      sasl_sender: '',
      size: '0',
      encryption_protocol: tls?.version ?? '',
      encryption_cipher: tls?.cipher ?? '',
      policy_context: this.#options.context ?? '',
    }
  }

  #transaction({ shared, connection }: PhaseContext): Transaction {
    const before = shared.get(this)
    if (isTransaction(before)) return before
    const transaction: Transaction = { instance: `${connection.id}.${++this.#instances}`, prepend: [], discarded: undefined }
    shared.set(this, transaction)
    return transaction
  }
}

function isTransaction(value: unknown): value is Transaction {
  return typeof value === 'object' && value !== null && 'prepend' in value
}

/** An attribute a line: what peers have named must not become a second one. */
function requestOf(attributes: Readonly<Record<string, string>>): string {
  const lines = Object.entries(attributes).map(([name, value]) => `${name}=${oneLine(value)}\n`)
  return `request=smtpd_access_policy\n${lines.join('')}\n`
}
