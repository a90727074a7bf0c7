/** One mail transaction from MAIL to the reply to its data: whom it is for, and what becomes of it. RFC 5321 §3.3, §4.1.1.3. */

import type {
  LiveConnection,
  MailAddress,
  ReceiveOutcome,
  Reception,
  RecipientParameters,
  SpooledMessage,
  Survey,
  TraceEntry,
  Transaction,
  Verdict,
} from '../contracts/index.ts'
import { accept, defer, reject } from '../contracts/verdict.ts'
import { printedAddress } from './addresses.ts'
import { Delivery } from './delivery.ts'
import { verdictOf } from './failures.ts'
import type { House } from './house.ts'
import { newId } from './identifier.ts'
import { resolveRecipient } from './recipients.ts'
import type { Target } from './recipients.ts'
import type { OpenTransaction, TakenRecipient } from './open-transaction.ts'
import { isOwnAddress } from './sender-rights.ts'

const FULL_NOW = defer('The mailbox is full', '4.2.2')
const NEVER_FITS = reject('The message is larger than the mailbox may be', '5.2.2')
const NO_RELAYING = reject('Relaying is not permitted', '5.7.1')
const NO_ROUTE = reject('That address is not on this server, and no outbound route is configured', '5.4.4')
const NOT_YOURS = reject('That sender address does not belong to this login', '5.7.1')

/** Where a recipient leads, or why it is refused. */
interface Resolved {
  readonly verdict: Verdict
  readonly targets: readonly Target[]
  readonly remotes: readonly MailAddress[]
  readonly relayed: boolean
}

function refused(verdict: Verdict): Resolved {
  return { verdict, targets: [], remotes: [], relayed: false }
}

function reasonOf(verdict: Verdict): string {
  return 'text' in verdict ? verdict.text : verdict.kind
}

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
    let remotes: readonly MailAddress[] = []
    let relayed = false
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
          const answer = await this.#resolve(address, parameters, signal)
          if (answer.verdict.kind === 'accept') ({ targets, remotes, relayed } = answer)
          return answer.verdict
        },
      },
    })
    if (verdict.kind === 'accept') this.taken.push({ address, targets, remotes, relayed, parameters })
    return this.#told('recipient', verdict, trace)
  }

  async message(content: SpooledMessage, survey?: Survey): Promise<ReceiveOutcome> {
    const id = newId(this.#house)
    try {
      return await new Delivery(this.#house, this, content, id, survey).run()
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
  #mayUse(sender: MailAddress | undefined, signal: AbortSignal): Verdict | Promise<Verdict> {
    const { principal, protocol } = this.connection
    if (principal === undefined) return protocol === 'submission' ? reject('Please log in first', '5.7.0') : accept()
    if (sender === undefined) return accept()
    return isOwnAddress(this.#house.directory, principal, sender, { signal }).then(isOwn => (isOwn ? accept() : NOT_YOURS))
  }

  async #resolve(address: MailAddress, parameters: RecipientParameters, signal: AbortSignal): Promise<Resolved> {
    const resolved = await resolveRecipient(this.#house.directory, this.#homed(address), { signal })
    const { targets, elsewhere, refusal, passedOver } = resolved
    if (elsewhere && this.connection.principal === undefined) return refused(NO_RELAYING)
    const where = `the alias ${printedAddress(address)}`
    for (const what of passedOver) this.#house.report(new Error(what), where, this.connection)
    // A group takes mail as long as one member can; the others are told to the host.
    let no: Verdict | undefined
    const open: Target[] = []
    for (const target of targets) {
      const verdict = await this.#room(target, signal)
      if (verdict === undefined) open.push(target)
      else no ??= verdict
    }
    const remotes: MailAddress[] = []
    if (resolved.remotes.length > 0 && this.#house.outbound === undefined) return refused(NO_ROUTE)
    for (const remote of resolved.remotes) {
      const verdict = await this.#wayOut(remote, parameters, signal)
      if (verdict.kind === 'defer') return refused(verdict)
      if (verdict.kind === 'accept') remotes.push(remote)
      else no ??= verdict
    }
    if (open.length + remotes.length === 0) return refused(no ?? refusal)
    if (no !== undefined) this.#house.report(new Error(`a member of the group is left out: ${reasonOf(no)}`), where, this.connection)
    return { verdict: accept(), targets: open, remotes, relayed: resolved.relayed }
  }

  /** Whether mail for this address on another server is taken. An alias is the host's own wish: its target is no relaying. */
  async #wayOut(address: MailAddress, parameters: RecipientParameters, signal: AbortSignal): Promise<Verdict> {
    const { outbound } = this.#house
    if (outbound === undefined) return NO_ROUTE
    const { principal } = this.connection
    const taken = this.taken.reduce((sum, { remotes }) => sum + remotes.length, 0)
    const by = { sender: this.transaction.sender, taken, ...(principal === undefined ? {} : { principal }) }
    return outbound.recipient({ address, ...parameters }, by, { signal })
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
