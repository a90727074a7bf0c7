/** What lies in quarantine: for hosts, which let it out by its id. RFC 5321 §4.4. */

import type {
  AccountId,
  CallOptions,
  Mailbox,
  MailboxInfo,
  MailStore,
  MessageRecord,
  MessageSource,
  SpecialUse,
  Uid,
} from '../../contracts/index.ts'
import { ALL_UIDS, MAX_UID } from '../../contracts/index.ts'
import { decodeWords, headerFields } from '../../mime/index.ts'
import { QUARANTINE } from './quarantine.ts'

/** A mailbox that mail is put aside in: by its name, or the one of a special use. */
export type AsideMailbox = string | { readonly specialUse: SpecialUse }

/** Options of {@link quarantined}. */
export interface QuarantinedOptions extends CallOptions {
  /** Where it lies. Default `Quarantine`. */
  readonly from?: AsideMailbox
  /** Only so many of those that came last. Default: all. */
  readonly last?: number
}

/** A message that lies in quarantine. */
export interface QuarantinedMessage {
  /** What `releaseMessage` finds it by; absent where no `Received` field tells one, as in what was put there by hand. */
  readonly id: string | undefined
  /** The name of the mailbox. */
  readonly mailbox: string
  /** When it came, in milliseconds since the epoch. */
  readonly receivedAt: number
  /** Octets. */
  readonly size: number
  /** Its `From` and `Subject`, with encoded-words decoded. Whoever sent it wrote them. */
  readonly author: string
  readonly subject: string
}

/** Octets of a message in which its topmost Received field, author and subject are looked for. */
const TOP = 16_384

/**
 * Tells what lies in quarantine in an account, in the order in which it came. A mailbox that is not there holds nothing. Rejects as the store does.
 *
 * @example
 * ```ts
 * import { quarantined } from 'mailwright/filters/quarantine'
 * import type { MailStore } from 'mailwright/contracts'
 *
 * async function show(store: MailStore): Promise<void> {
 *   for await (const { id, author, subject } of quarantined(store, 'ann', { last: 20 })) console.log(id, author, subject)
 * }
 * ```
 */
export async function* quarantined(
  store: MailStore,
  account: AccountId,
  options: QuarantinedOptions = {},
): AsyncIterable<QuarantinedMessage> {
  const { from = QUARANTINE, last = Number.POSITIVE_INFINITY, signal } = options
  const call: CallOptions = signal === undefined ? {} : { signal }
  const opened = await store.open(account, call)
  const info = mailboxAt(await opened.mailboxes(call), from)
  if (info === undefined) return
  const mailbox = opened.mailbox(info.id)
  const first = await firstOf(mailbox, last, call)
  if (first === undefined) return
  for await (const page of mailbox.records([{ first, last: MAX_UID }], ['source'], call)) {
    for (const record of page) yield await described(record, info.name)
  }
}

/** The mailbox that is meant, if the account has it. */
export function mailboxAt(mailboxes: readonly MailboxInfo[], wanted: AsideMailbox): MailboxInfo | undefined {
  return mailboxes.find(({ name, specialUse }) => (typeof wanted === 'string' ? name === wanted : specialUse === wanted.specialUse))
}

/** The UID of the first of the last so many. */
async function firstOf(mailbox: Mailbox, last: number, call: CallOptions): Promise<Uid | undefined> {
  const uids: Uid[] = []
  for await (const page of mailbox.records(ALL_UIDS, [], call)) for (const { uid } of page) uids.push(uid)
  return last < uids.length ? uids[uids.length - Math.max(1, last)] : uids[0]
}

async function described({ internalDate, size, source }: MessageRecord, mailbox: string): Promise<QuarantinedMessage> {
  const octets = source === undefined ? new Uint8Array() : await topOf(source)
  const text = (wanted: string): string => decodeWords(fieldOf(octets, wanted) ?? '')
  return { id: receivedId(octets), mailbox, receivedAt: internalDate, size, author: text('from'), subject: text('subject') }
}

/** The octets that {@link receivedId} looks at. */
export async function topOf(source: MessageSource): Promise<Uint8Array> {
  return source.read(0, Math.min(source.size, TOP))
}

/** RFC 5321 §4.4: the newest Received field is the topmost, and ours. */
export function receivedId(octets: Uint8Array): string | undefined {
  return /\sid\s+(\w{1,100})(?=[\s;])/.exec(fieldOf(octets, 'received') ?? '')?.[1]
}

/** The value of the topmost field of a name. */
function fieldOf(octets: Uint8Array, wanted: string): string | undefined {
  for (const { name, value } of headerFields(octets)) if (name.toLowerCase() === wanted) return value
  return undefined
}
