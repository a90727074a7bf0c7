/** From a message that has arrived to copies in mailboxes: the phases `message` and `deliver`, and one durable step. RFC 5321 §4.4, §6.1. */

import type {
  Account,
  DeliveryResult,
  DeliveryTarget,
  Flag,
  MailAddress,
  ReceiveOutcome,
  SpooledMessage,
  SpecialUse,
  Survey,
  Verdict,
} from '../contracts/index.ts'
import { accept, defer, reject } from '../contracts/verdict.ts'
import { printedAddress } from './addresses.ts'
import { SERVER_PROBLEM, verdictOf, worstOf } from './failures.ts'
import { sendOut, subjectOf } from './way-out.ts'
import type { Departure } from './way-out.ts'
import type { House } from './house.ts'
import { BEEN_HERE } from './message-guard.ts'
import { decideOnMessage } from './message-phase.ts'
import type { DecidedMessage } from './message-phase.ts'
import type { OpenTransaction } from './open-transaction.ts'
import { deliverAll, ensureJunk } from './store-step.ts'
import { concatenated } from './header-edits.ts'
import { summaryWithPrefix } from './summary.ts'
import { copyFields, missingFields, receivedField } from './trace-fields.ts'

/** All `deliver` phases of one message together. */
const DELIVER_WITHIN = 120_000
/** What a filter does once a copy is stored. */
const AFTERWARDS_WITHIN = 30_000
const NOT_PASSED_ON: Verdict = reject('This message is not passed on', '5.7.1')
const GONE: Verdict = defer('The client has left', '4.4.2')
const encoder = new TextEncoder()

/** Where in an account a copy goes. */
export type Place = string | { readonly specialUse: SpecialUse } | undefined

/** One copy: one account of one recipient. */
interface Copy {
  /** Index of the recipient in the transaction. */
  readonly recipient: number
  readonly account: Account
  readonly address: string
  place: Place
  flags: readonly Flag[]
  verdict: Verdict
  /** What filters do once it is durable. */
  afterwards: readonly (() => Promise<void>)[]
  stored: boolean
}

/**
 * One outcome for each recipient from those of its copies: a group has its mail when one member has it, but what failed for
 * now is tried again for all.
 */
function combined(recipients: readonly MailAddress[], copies: readonly (Copy | Departure)[]): readonly Verdict[] {
  const own: Verdict[][] = recipients.map(() => [])
  for (const copy of copies) own[copy.recipient]?.push(copy.verdict)
  return own.map(verdicts => {
    const worst = worstOf(verdicts) ?? SERVER_PROBLEM
    return worst.kind === 'reject' && verdicts.every(({ kind }) => kind === 'reject') ? worst : worst.kind === 'defer' ? worst : accept()
  })
}

/** Octets with text around them, in as few arrays as can be. */
function framed(before: string, octets: Uint8Array, after: string): Uint8Array {
  if (octets.length === 0) return encoder.encode(before + after)
  return concatenated([encoder.encode(before), octets, encoder.encode(after)])
}

/** The delivery of one message to all recipients of its transaction. */
export class Delivery {
  readonly #house: House
  readonly #reception: OpenTransaction
  readonly #content: SpooledMessage
  readonly #id: string
  readonly #survey: Survey | undefined

  constructor(house: House, reception: OpenTransaction, content: SpooledMessage, id: string, survey: Survey | undefined) {
    this.#house = house
    this.#reception = reception
    this.#content = content
    this.#id = id
    this.#survey = survey
  }

  async run(): Promise<ReceiveOutcome> {
    const { connection, recipients, entries, transaction } = this.#reception
    const message = await decideOnMessage(this.#house, {
      connection,
      content: this.#content,
      survey: this.#survey,
      entries,
      envelope: { sender: transaction.sender, recipients },
    })
    const outcomes = await this.#outcomes(message, recipients)
    const verdict = message.verdict.kind === 'accept' ? (worstOf(outcomes) ?? accept()) : message.verdict
    this.#house.events.emit('message', {
      connection,
      id: this.#id,
      sender: transaction.sender,
      recipients,
      size: this.#content.size,
      verdict,
      trace: [...entries],
    })
    await this.#tellDelivered(message, outcomes)
    return { id: this.#id, outcomes }
  }

  /** Who submitted a message may have asked to hear that it arrived: of recipients here it is we who know. RFC 3461 §5.2.3. */
  async #tellDelivered(message: DecidedMessage, outcomes: readonly Verdict[]): Promise<void> {
    const { connection, taken, transaction } = this.#reception
    const { outbound } = this.#house
    if (outbound?.delivered === undefined || connection.principal === undefined || message.verdict.kind !== 'accept') return
    const wanted = taken.filter(
      ({ targets, parameters }, at) =>
        targets.length > 0 && parameters.notify?.includes('SUCCESS') === true && outcomes[at]?.kind === 'accept',
    )
    if (wanted.length === 0) return
    try {
      const recipients = wanted.map(({ address, parameters }) => ({ address, ...parameters }))
      await outbound.delivered(subjectOf({ id: this.#id, connection, transaction, content: message.edited(this.#content) }, recipients))
    } catch (error) {
      // The message is where it belongs; that nobody says so is no reason to send it again.
      this.#house.report(error, 'notification', connection)
    }
  }

  async #outcomes(message: DecidedMessage, recipients: readonly MailAddress[]): Promise<readonly Verdict[]> {
    const { verdict } = message
    if (verdict.kind === 'reject' || verdict.kind === 'defer') return recipients.map(() => verdict)
    if (verdict.kind === 'discard') return recipients.map(() => accept())
    const copies = await this.#copies(message)
    const departures = this.#departures(message)
    if (departures.length > 0) await this.#findRoom(departures)
    if (this.#reception.connection.signal.aborted) return recipients.map(() => GONE)
    const before = combined(recipients, [...copies, ...departures])
    // Only LMTP can answer for each recipient (RFC 2033 §4.2). Elsewhere one reply stands for all, so what is known to fail
    // for one is refused for all before anybody has a copy: nothing is lost and nothing comes twice.
    if (this.#reception.connection.protocol !== 'lmtp') {
      const refusal = worstOf(before.filter(outcome => outcome.kind !== 'accept'))
      if (refusal !== undefined) return recipients.map(() => refusal)
    }
    const taken = copies.filter(copy => before[copy.recipient]?.kind === 'accept')
    await this.#store(
      message,
      taken.filter(copy => copy.verdict.kind === 'accept' || copy.verdict.kind === 'quarantine'),
    )
    const works = copies.flatMap(copy => (copy.stored && copy.verdict.kind === 'accept' ? copy.afterwards : []))
    if (works.length > 0) await this.#afterwards(works)
    // Last, since what is queued may leave at once: a copy here that fails is then tried again without a second one elsewhere.
    const failed = this.#reception.connection.protocol !== 'lmtp' && copies.some(({ verdict }) => verdict.kind === 'defer')
    if (!failed && departures.length > 0) {
      await this.#sendOut(
        message,
        departures.filter(({ recipient, verdict }) => before[recipient]?.kind === 'accept' && verdict.kind === 'accept'),
      )
    }
    return combined(recipients, [...copies, ...departures])
  }

  /** What leaves for other servers. A message that is held aside here is not passed on, and neither is one that was here before. */
  #departures(message: DecidedMessage): Departure[] {
    return this.#reception.taken.flatMap(({ address, remotes, relayed, parameters }, recipient) =>
      remotes.map(remote => ({
        recipient,
        address: remote,
        parameters,
        by: relayed || remote === address ? undefined : printedAddress(address),
        relayed,
        verdict:
          message.verdict.kind === 'quarantine'
            ? NOT_PASSED_ON
            : remote !== address && message.deliveredBefore.has(printedAddress(address))
              ? BEEN_HERE
              : accept(),
      })),
    )
  }

  /** What there is no room for is refused before anybody has a copy. */
  async #findRoom(departures: readonly Departure[]): Promise<void> {
    const leaving = departures.filter(({ verdict }) => verdict.kind === 'accept')
    const { outbound } = this.#house
    if (leaving.length === 0 || outbound?.room === undefined) return
    const { principal } = this.#reception.connection
    const message = { id: this.#id, recipients: leaving.length, ...(principal === undefined ? {} : { principal }) }
    const verdict = await outbound.room(message)
    if (verdict.kind !== 'accept') for (const departure of leaving) departure.verdict = verdict
  }

  async #sendOut(message: DecidedMessage, departures: readonly Departure[]): Promise<void> {
    if (departures.length === 0) return
    const { connection, transaction } = this.#reception
    await sendOut(this.#house, departures, {
      id: this.#id,
      transaction,
      connection,
      content: message.edited(this.#content),
      prefix: framed('', message.added, this.#receivedFields(message)),
      header: name => message.edits.header(name),
      domains: message.domains,
    })
  }

  /** The copies with where they go, after the `deliver` phase of each. */
  async #copies(message: DecidedMessage): Promise<Copy[]> {
    const until = this.#house.clock.monotonic() + DELIVER_WITHIN
    const copies: Copy[] = []
    for (const [recipient, { targets, address: given }] of this.#reception.taken.entries()) {
      const cameBack = message.deliveredBefore.has(printedAddress(given))
      for (const { account, address, mailbox } of targets) {
        const place: Place = message.verdict.kind === 'quarantine' ? (message.verdict.mailbox ?? { specialUse: 'Junk' }) : mailbox
        const copy: Copy = { recipient, account, address, place, flags: [], verdict: message.verdict, afterwards: [], stored: false }
        copies.push(copy)
        if (cameBack || message.deliveredBefore.has(address)) copy.verdict = BEEN_HERE
        else if (this.#house.onion.has('deliver')) await this.#deliverPhase(message, copy, until)
      }
    }
    return copies
  }

  async #deliverPhase(message: DecidedMessage, copy: Copy, until: number): Promise<void> {
    const { connection, entries, taken } = this.#reception
    const recipient = taken[copy.recipient]?.address
    if (recipient === undefined) return
    const flags = new Set<Flag>()
    const chosen: { mailbox: Place } = { mailbox: copy.place }
    const afterwards: (() => Promise<void>)[] = []
    const { verdict } = await this.#house.onion.run('deliver', {
      connection,
      entries,
      shared: this.#house.memory(connection).shared,
      within: until - this.#house.clock.monotonic(),
      context: base => ({
        ...base,
        phase: 'deliver',
        recipient,
        account: copy.account,
        source: this.#content,
        header: name => message.edits.header(name),
        get mailbox(): Place {
          return chosen.mailbox
        },
        set mailbox(place: Place) {
          chosen.mailbox = place
        },
        flags,
        whenStored: work => void afterwards.push(work),
      }),
    })
    copy.flags = [...flags]
    copy.afterwards = afterwards
    copy.place = verdict.kind === 'quarantine' ? (verdict.mailbox ?? { specialUse: 'Junk' }) : chosen.mailbox
    if (verdict.kind !== 'accept' || copy.verdict.kind !== 'quarantine') copy.verdict = verdict
  }

  /** What filters do once a copy is where it belongs; the client waits for it so long and no longer, however many there are. */
  async #afterwards(works: Copy['afterwards']): Promise<void> {
    const { clock, report } = this.#house
    const { connection } = this.#reception
    const { promise: late, resolve } = Promise.withResolvers<void>()
    const cancel = clock.after(AFTERWARDS_WITHIN, () => {
      report(new Error(`not done within ${AFTERWARDS_WITHIN} ms`), 'after delivery', connection)
      resolve()
    })
    const inTurn = async (): Promise<void> => {
      for (const work of works) {
        try {
          await work()
        } catch (error) {
          report(error, 'after delivery', connection)
        }
      }
    }
    await Promise.race([inTurn(), late])
    cancel()
  }

  /** Stores what was decided on, in one durable step; puts the result into each copy's verdict. */
  async #store(message: DecidedMessage, copies: readonly Copy[]): Promise<void> {
    const content = message.edited(this.#content)
    const received = this.#receivedFields(message)
    const internalDate = Math.floor(this.#house.clock.now() / 1000) * 1000
    // Two recipients that lead to one place get one copy there. RFC 5321 §3.9 leaves that to the server.
    const places = new Map<string, { readonly target: DeliveryTarget; readonly copies: Copy[] }>()
    for (const copy of copies) {
      const key = copies.length === 1 ? '' : JSON.stringify([copy.account.id, copy.place ?? null])
      const same = places.get(key)
      if (same !== undefined) {
        same.copies.push(copy)
        continue
      }
      if (typeof copy.place === 'object' && copy.place.specialUse === 'Junk') await ensureJunk(this.#house.store, copy.account)
      const prefix = framed(copyFields(this.#reception.transaction.sender, copy.address), message.added, received)
      const summary = summaryWithPrefix(message.summary, prefix)
      const target: DeliveryTarget = {
        account: copy.account.id,
        ...(copy.place === undefined ? {} : { mailbox: copy.place }),
        ...(copy.account.quota === undefined ? {} : { quota: copy.account.quota }),
        message: { content, prefix, summary, flags: copy.flags, internalDate },
      }
      places.set(key, { target, copies: [copy] })
    }
    if (places.size === 0) return
    const steps = [...places.values()]
    const results = await this.#deliver(steps.map(step => step.target))
    for (const [index, step] of steps.entries()) this.#note(results[index], step.copies)
  }

  async #deliver(targets: readonly DeliveryTarget[]): Promise<readonly (DeliveryResult | undefined)[]> {
    try {
      return await deliverAll(this.#house.store, targets)
    } catch (error) {
      const cause = error instanceof Error ? error : new Error(String(error))
      return targets.map(({ account }) => ({ ok: false, account, error: cause }))
    }
  }

  #note(result: DeliveryResult | undefined, copies: readonly Copy[]): void {
    const { connection, taken } = this.#reception
    if (result?.ok === true) {
      for (const copy of copies) {
        const { recipient, account } = copy
        copy.stored = true
        const address = taken[recipient]?.address
        if (address === undefined) continue
        const { mailbox, uid } = result
        this.#house.events.emit('delivered', { id: this.#id, recipient: address, account: account.id, mailbox, uid })
      }
      return
    }
    const error: unknown = result?.error ?? new Error('the store gave no result')
    const { verdict, expected } = verdictOf(error)
    if (!expected || copies.some(copy => taken[copy.recipient]?.targets.length !== 1)) this.#house.report(error, 'store', connection)
    for (const copy of copies) copy.verdict = verdict
  }

  #receivedFields(message: DecidedMessage): string {
    const { connection, recipients, transaction } = this.#reception
    const facts = {
      connection,
      hostname: this.#house.hostname,
      id: this.#id,
      at: this.#house.clock.now(),
      smtpUtf8: transaction.smtpUtf8 === true,
      helo: transaction.helo === true,
      recipient: recipients.length === 1 ? recipients[0] : undefined,
    }
    const received = receivedField(facts)
    return connection.principal === undefined ? received : received + missingFields(name => message.edits.header(name) !== undefined, facts)
  }
}
