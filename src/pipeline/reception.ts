/** One mail transaction from MAIL to the reply to its data: whom it is for, and what becomes of it. RFC 5321 §3.3, §4.1.1.3. */

import type {
  LiveConnection,
  MailAddress,
  ReceiveOutcome,
  Reception,
  RecipientParameters,
  SpooledMessage,
  TraceEntry,
  Transaction,
  Verdict,
} from '../contracts/index.ts'
import { accept, defer, reject } from '../contracts/verdict.ts'
import { printedAddress } from './addresses.ts'
import { Delivery } from './delivery.ts'
import { SERVER_PROBLEM, verdictOf } from './failures.ts'
import type { House } from './house.ts'
import { newId } from './identifier.ts'
import { resolveRecipient } from './recipients.ts'
import type { Target } from './recipients.ts'
import type { OpenTransaction, TakenRecipient } from './open-transaction.ts'

const FULL_NOW = defer('The mailbox is full', '4.2.2')
const NEVER_FITS = reject('The message is larger than the mailbox may be', '5.2.2')
const NOT_YOURS = reject('That sender address does not belong to this login', '5.7.1')

/** The transaction as {@link Reception} promises it. */
export class MailReception implements Reception, OpenTransaction {
  readonly transaction: Transaction
  readonly connection: LiveConnection
  readonly entries: TraceEntry[]
  readonly taken: TakenRecipient[] = []
  readonly #house: House

  constructor(house: House, connection: LiveConnection, transaction: Transaction) {
    this.#house = house
    this.connection = connection
    this.transaction = transaction
    this.entries = [...house.memory(connection).entries]
  }

  get recipients(): readonly MailAddress[] {
    return this.taken.map(({ address }) => address)
  }

  /** Runs the `sender` phase; in its middle stands who may send as whom. RFC 6409 §6.1. */
  async sender(): Promise<Verdict> {
    const { sender, announcedSize } = this.transaction
    const { verdict, trace } = await this.#house.onion.run('sender', {
      connection: this.connection,
      entries: this.entries,
      shared: this.#house.memory(this.connection).shared,
      context: base => ({ ...base, phase: 'sender', sender, announcedSize }),
      innermost: { name: 'submission', ask: signal => this.#mayUse(sender, signal) },
    })
    return this.#told('sender', verdict, trace)
  }

  async recipient(address: MailAddress, parameters: RecipientParameters = {}): Promise<Verdict> {
    let targets: readonly Target[] = []
    const { verdict, trace } = await this.#house.onion.run('recipient', {
      connection: this.connection,
      entries: this.entries,
      shared: this.#house.memory(this.connection).shared,
      context: base => ({
        ...base,
        phase: 'recipient',
        sender: this.transaction.sender,
        recipient: address,
        accepted: this.taken.length,
      }),
      innermost: {
        name: 'directory',
        ask: async signal => {
          const answer = await this.#resolve(address, signal)
          if (answer.verdict.kind === 'accept') targets = answer.targets
          return answer.verdict
        },
      },
    })
    if (verdict.kind === 'accept') this.taken.push({ address, targets, parameters })
    return this.#told('recipient', verdict, trace)
  }

  async message(content: SpooledMessage): Promise<ReceiveOutcome> {
    const id = newId(this.#house)
    try {
      return await new Delivery(this.#house, this, content, id).run()
    } catch (error) {
      this.#house.report(error, 'delivery', this.connection)
      return { id, outcomes: this.taken.map(() => verdictOf(error).verdict) }
    }
  }

  #told(phase: 'sender' | 'recipient', verdict: Verdict, trace: readonly TraceEntry[]): Verdict {
    if (verdict.kind !== 'accept') this.#house.events.emit('refused', { connection: this.connection, phase, verdict, trace })
    return verdict
  }

  /** Who has logged in sends from their own addresses only; others and the null reverse-path are not looked at. */
  async #mayUse(sender: MailAddress | undefined, signal: AbortSignal): Promise<Verdict> {
    const { principal, protocol } = this.connection
    if (principal === undefined) return protocol === 'submission' ? reject('Please log in first', '5.7.0') : accept()
    if (sender === undefined) return accept()
    const account = principal.account.id
    const { targets } = await resolveRecipient(this.#house.directory, sender, { signal, authenticated: true })
    return targets.some(target => target.account.id === account) ? accept() : NOT_YOURS
  }

  async #resolve(address: MailAddress, signal: AbortSignal): Promise<{ readonly verdict: Verdict; readonly targets: readonly Target[] }> {
    const authenticated = this.connection.principal !== undefined
    const { targets, refusal, passedOver } = await resolveRecipient(this.#house.directory, this.#homed(address), { signal, authenticated })
    for (const what of passedOver) this.#house.report(new Error(what), `the alias ${printedAddress(address)}`, this.connection)
    if (targets.length === 0) return { verdict: refusal, targets }
    let full: Verdict | undefined
    const open: Target[] = []
    for (const target of targets) {
      const verdict = await this.#room(target, signal)
      if (verdict === undefined) open.push(target)
      else full ??= verdict
    }
    // A group takes mail as long as one member can; the others are told to the host.
    if (open.length === 0) return { verdict: full ?? SERVER_PROBLEM, targets: open }
    if (full !== undefined) {
      this.#house.report(new Error('a member of the group is over quota'), `the alias ${printedAddress(address)}`, this.connection)
    }
    return { verdict: accept(), targets: open }
  }

  /** `<postmaster>` without a domain is this server's. RFC 5321 §4.5.1. */
  #homed(address: MailAddress): MailAddress {
    return address.domain === '' ? { local: address.local, domain: this.#house.hostname.toLowerCase() } : address
  }

  /** What speaks against the announced size: known before the data, so that it need not be sent. RFC 1870 §6.1. */
  async #room(target: Target, signal: AbortSignal): Promise<Verdict | undefined> {
    const { quota } = target.account
    if (quota === undefined) return undefined
    const size = this.transaction.announcedSize ?? 0
    if (quota.octets !== undefined && size > quota.octets) return NEVER_FITS
    const account = await this.#house.store.open(target.account.id, { signal })
    const usage = await account.usage?.({ signal })
    if (usage === undefined) return undefined
    // Without an announced size a mailbox that is full to its last octet takes nothing more all the same.
    const octetsFit = quota.octets === undefined || usage.octets + Math.max(1, size) <= quota.octets
    const countFits = quota.messages === undefined || usage.messages + 1 <= quota.messages
    return octetsFit && countFits ? undefined : FULL_NOW
  }
}
