/** The mail transactions of one connection, in front of the host: what MAIL, RCPT and the data lead to. RFC 5321 §3.3, §4.1.4. */

import type {
  Host,
  LiveConnection,
  MailAddress,
  Reception,
  RecipientParameters,
  SpooledMessage,
  Survey,
  Transaction,
} from '../contracts/index.ts'
import { letGo } from '../engine/let-go.ts'
import { worstOf } from '../pipeline/index.ts'
import type { SmtpSettings } from './options.ts'
import { accepted, refusalOf, replies } from './replies.ts'
import type { Reply } from './replies.ts'

/** One connection's transactions, one after another. */
export class MailSession {
  readonly #host: Host
  readonly #connection: LiveConnection
  readonly #settings: SmtpSettings
  #reception: Reception | undefined
  /** Recipients that were refused on this connection. */
  refusedRecipients = 0

  constructor(host: Host, connection: LiveConnection, settings: SmtpSettings) {
    this.#host = host
    this.#connection = connection
    this.#settings = settings
  }

  /** Whether MAIL was accepted. */
  get isOpen(): boolean {
    return this.#reception !== undefined
  }

  /** Recipients taken so far. */
  get recipients(): readonly MailAddress[] {
    return this.#reception?.recipients ?? []
  }

  /** Forgets the transaction: RSET, EHLO, STARTTLS, or its end. */
  reset(): void {
    this.#reception = undefined
  }

  /** MAIL; `undefined` when it is accepted. */
  async mail(transaction: Transaction): Promise<Reply | undefined> {
    const { principal } = this.#connection
    if (this.#settings.flavour === 'submission' && principal === undefined) return replies.loginFirst
    const { verdict, reception } = await this.#host.receive(this.#connection, transaction)
    const refusal = refusalOf(verdict, 'sender')
    if (refusal === undefined) this.#reception = reception
    return refusal
  }

  /** RCPT; `undefined` when the recipient is taken. */
  async rcpt(address: MailAddress, parameters: RecipientParameters): Promise<Reply | undefined> {
    const reception = this.#reception
    if (reception === undefined) return replies.noTransaction
    if (reception.recipients.length >= this.#settings.maxRecipients) return replies.tooManyRecipients
    const refusal = refusalOf(await reception.recipient(address, parameters), 'recipient')
    if (refusal !== undefined && this.#settings.flavour !== 'lmtp') this.refusedRecipients++
    return refusal
  }

  /**
   * The whole message; ends the transaction. One reply, or in LMTP one for each recipient that was taken, in order and
   * repeated where an address was given twice. RFC 2033 §4.2.
   */
  async data(message: SpooledMessage, survey: Survey): Promise<readonly Reply[]> {
    const reception = this.#reception
    this.#reception = undefined
    try {
      if (reception === undefined) return [replies.noTransaction]
      const { id, outcomes } = await reception.message(message, survey)
      if (this.#settings.flavour === 'lmtp') return outcomes.map(outcome => refusalOf(outcome, 'message') ?? accepted(id))
      const worst = worstOf(outcomes)
      return [worst === undefined ? replies.problem : (refusalOf(worst, 'message') ?? accepted(id))]
    } finally {
      letGo(message, this.#host, this.#connection)
    }
  }

  /** The data came to nothing; ends the transaction. The refusal once, or in LMTP for each recipient. */
  noData(refusal: Reply): readonly Reply[] {
    const { length } = this.recipients
    this.#reception = undefined
    return this.#settings.flavour === 'lmtp' ? Array.from({ length }, () => refusal) : [refusal]
  }
}
