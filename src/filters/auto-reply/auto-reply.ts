/** Answers for accounts whose people are away: to persons only, once in a while, and never to an answer. RFC 3834 §2; RFC 5230 §4. */

import { createHash, randomUUID } from 'node:crypto'
import type {
  Account,
  AccountId,
  Clock,
  DeliveryContext,
  HeaderField,
  MailAddress,
  MessageContext,
  Middleware,
  Next,
  StateTable,
  Verdict,
} from '../../contracts/index.ts'
import { ConfigurationError, MailError } from '../../contracts/index.ts'
import { autoReply, canonicalAddress, printAddress } from '../../mime/index.ts'
import { messageOf } from './answer-text.ts'

/** What an account answers. */
export interface AutoAnswer {
  /** The text, for people. */
  readonly text: string
  /** Default: `Auto: ` and the subject of the message. */
  readonly subject?: string
  /** Name beside the address. Default: the account's `displayName`. */
  readonly name?: string
}

/** A message that may be answered. */
export interface AnsweredMessage {
  readonly sender: MailAddress
  /** The address that was written to. */
  readonly recipient: MailAddress
  /** The first value of a field, its name in any case. */
  header(name: string): string | undefined
}

/** An answer, as `MailServer.send` takes it. */
export interface AutoReplyMail {
  readonly raw: Uint8Array
  /** From nobody, so that nothing comes back for it. RFC 3834 §3.3. */
  readonly envelope: { readonly from: ''; readonly to: string }
  readonly origin: 'notification'
  readonly account: AccountId
  readonly smtpUtf8: boolean
}

/** Options of {@link autoReplies}. */
export interface AutoRepliesOptions {
  /** What an account answers at present; `undefined`: nothing. Asked for each message that came for it and may be answered. */
  readonly answer: (account: Account, message: AnsweredMessage) => AutoAnswer | undefined | Promise<AutoAnswer | undefined>
  /** Sends an answer, such as `mail => server.send(mail)`. What it throws is noted, and the message is delivered all the same. */
  readonly send: (mail: AutoReplyMail) => Promise<unknown>
  /** Where it is remembered who was answered. */
  readonly state: StateTable
  /** Further addresses of an account, `local@domain`; one of its addresses must stand in `To` or `Cc`. Default: its main address alone. */
  readonly addressesOf?: (account: Account) => readonly string[] | Promise<readonly string[]>
  /** Milliseconds for which who was answered gets no other answer of the same text. Default 604,800,000 (7 days, as RFC 5230 §4.1 has it). */
  readonly every?: number
  /** Answers that one account gives in a day, whoever asks: forged senders are others' innocent ones. Default 200. */
  readonly daily?: number
  /** A message is answered only with one of these symbols, such as `DMARC_PASS`: then senders are not forged. Default: without. */
  readonly onlyWithSymbols?: readonly string[]
  /** Default: the machine's clock. */
  readonly clock?: Pick<Clock, 'now'>
}

/** The message that is being delivered, from its own phase to that of each recipient. */
interface Arrived {
  readonly sender: MailAddress | undefined
  readonly fields: readonly HeaderField[]
}

const ARRIVED = Symbol('auto-reply')
const DAY = 86_400_000
const DAILY = 'auto-reply-daily'

/**
 * Answers messages on behalf of accounts. Only those that a person wrote to one of the account's own addresses: no lists, no bulk,
 * no notifications, no other program's answer, nothing that goes to the junk. The same sender is answered once in `every` milliseconds.
 * Answers say `Auto-Submitted: auto-replied` and come from nobody: two servers that both answer do not answer each other.
 *
 * Place it inside of filters that judge mail. Whatever goes wrong here, the message is delivered.
 *
 * @example
 * ```ts
 * import type { MailServer } from 'mailwright'
 * import { autoReplies } from 'mailwright/filters/auto-reply'
 * import { memoryState } from 'mailwright/stores/memory'
 *
 * function answering(server: MailServer, away: ReadonlyMap<string, string>): MailServer {
 *   return server.use(
 *     autoReplies({
 *       state: memoryState(),
 *       send: mail => server.send(mail),
 *       answer({ address }) {
 *         const text = away.get(address)
 *         return text === undefined ? undefined : { text }
 *       },
 *     }),
 *   )
 * }
 * ```
 */
export function autoReplies(options: AutoRepliesOptions): Middleware {
  const { every = 7 * DAY, daily = 200 } = options
  if (!(every > 0 && daily > 0)) throw new ConfigurationError('MW_AUTO_REPLY', `every (${every}) and daily (${daily}) must be above 0`)
  return new AutoReplies({ ...options, every, daily })
}

class AutoReplies implements Middleware {
  readonly name = 'auto-reply'
  readonly #options: AutoRepliesOptions & { readonly every: number; readonly daily: number }
  readonly #now: () => number

  constructor(options: AutoRepliesOptions & { readonly every: number; readonly daily: number }) {
    this.#options = options
    const { clock = { now: () => Date.now() } } = options
    this.#now = () => clock.now()
  }

  message(context: MessageContext, next: Next): Promise<Verdict> {
    const { envelope, fields, shared } = context
    if (envelope === undefined) shared.delete(ARRIVED)
    else shared.set(ARRIVED, { sender: envelope.sender, fields } satisfies Arrived)
    return next()
  }

  async deliver(context: DeliveryContext, next: Next): Promise<Verdict> {
    const verdict = await next()
    if (verdict.kind !== 'accept' || isJunk(context)) return verdict
    const note = context.trace.later()
    const arrived = context.shared.get(ARRIVED) as Arrived | undefined
    // Nobody is told that a message is here before it is.
    context.whenStored(async () => {
      try {
        if (!isJunk(context)) await this.#answer(context, arrived, note)
      } catch (error) {
        if (!(error instanceof MailError)) throw error
        note(`not answered: ${error.message}`)
      }
    })
    return verdict
  }

  async #answer(context: DeliveryContext, arrived: Arrived | undefined, note: (evidence: string) => void): Promise<void> {
    const { account, recipient, trace } = context
    const address = canonicalAddress(account.address)
    if (arrived?.sender === undefined || address === undefined) return
    const { sender } = arrived
    const reply = await this.#options.answer(account, { sender, recipient, header: name => context.header(name) })
    if (reply === undefined) return
    const { onlyWithSymbols } = this.#options
    if (onlyWithSymbols !== undefined && !trace.symbols.some(({ name }) => onlyWithSymbols.includes(name))) {
      note(`not answered: none of ${onlyWithSymbols.join(', ')}`)
      return
    }
    const further = (await this.#options.addressesOf?.(account)) ?? []
    const aliases = [...further.flatMap(text => canonicalAddress(text) ?? []), ...(isDetailOf(recipient, address) ? [recipient] : [])]
    const answered = autoReply(
      { sender, header: name => valuesOf(context, arrived, name) },
      { address, aliases },
      {
        at: this.#now(),
        messageId: `${randomUUID()}@${address.domain}`,
        ...(reply.subject === undefined ? {} : { subject: reply.subject }),
        ...nameOf(reply, account),
      },
    )
    if (!answered.reply) {
      note(`not answered: ${answered.reason}`)
      return
    }
    await this.#once(context, note, answered.to, reply, () =>
      this.#options.send({
        raw: messageOf(answered.header, reply.text),
        envelope: { from: answered.from, to: printAddress(answered.to) },
        origin: 'notification',
        account: account.id,
        smtpUtf8: answered.smtpUtf8,
      }),
    )
  }

  /** Counted before it is sent: rather no answer than two. */
  async #once(
    { account, signal }: DeliveryContext,
    note: (evidence: string) => void,
    to: MailAddress,
    reply: AutoAnswer,
    send: () => Promise<unknown>,
  ): Promise<void> {
    const { state, every, daily } = this.#options
    const space = `auto-reply/${account.id}`.slice(0, 300)
    const key = senderKey(to, reply)
    // Read first: the end of a row counts from the answer, not from what was asked since.
    const isKnown = (await state.read(space, [key], { signal })).has(key)
    const [row] = isKnown ? [] : await state.add(space, [{ key, first: 1, expiresAt: this.#now() + every }], { signal })
    // Of two messages at once, one is the first.
    if (row?.first !== 1) {
      note('not answered: this sender was answered before')
      return
    }
    const hasCounted = (await state.read(DAILY, [account.id], { signal })).has(account.id)
    const end = hasCounted ? {} : { expiresAt: this.#now() + DAY }
    const [given] = await state.add(DAILY, [{ key: account.id, first: 1, ...end }], { signal })
    if ((given?.first ?? 0) > daily) {
      note(`not answered: ${daily} answers of this account in a day are enough`)
      await state.drop(space, [key], { signal })
      return
    }
    try {
      await send()
    } catch (error) {
      await state.drop(space, [key], { signal })
      throw error
    }
    note(`answered ${printAddress(to)}`)
  }
}

/** Where the row's owner is not told apart by case, nobody gets two answers. Another text is another answer: RFC 5230 §4.2. */
function senderKey(to: MailAddress, { text, subject = '' }: AutoAnswer): string {
  const digest = createHash('sha256').update(`${subject}\0${text}`).digest('base64url').slice(0, 12)
  return `${digest} ${printAddress(to).toLowerCase()}`.slice(0, 500).toWellFormed()
}

function nameOf({ name }: AutoAnswer, { displayName }: Account): { readonly name?: string } {
  const shown = name ?? displayName
  return shown === undefined ? {} : { name: shown }
}

/** All values as they came, and what filters have put in since. */
function valuesOf(context: DeliveryContext, { fields }: Arrived, name: string): readonly string[] {
  const wanted = name.toLowerCase()
  const values = fields.flatMap(field => (field.name.toLowerCase() === wanted ? [field.value] : []))
  const first = context.header(name)
  return first === undefined || values.includes(first) ? values : [first, ...values]
}

function isDetailOf(recipient: MailAddress, address: MailAddress): boolean {
  return recipient.domain === address.domain && recipient.local.toLowerCase().startsWith(`${address.local.toLowerCase()}+`)
}

function isJunk({ mailbox }: DeliveryContext): boolean {
  return (typeof mailbox === 'object' && (mailbox.specialUse === 'Junk' || mailbox.specialUse === 'Trash')) || mailbox === 'Junk'
}
