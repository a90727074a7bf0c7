/** Lets a message out of quarantine: for hosts, where its owner did not move it. RFC 5321 §4.4; RFC 6851 §3. */

import type { AccountId, CallOptions, Mailbox, MailStore, Uid } from '../../contracts/index.ts'
import { ALL_UIDS, MailError } from '../../contracts/index.ts'
import { QUARANTINE } from './quarantine.ts'
import { type AsideMailbox, mailboxAt, receivedId, topOf } from './quarantined.ts'

/** Options of {@link releaseMessage}. */
export interface ReleaseOptions extends CallOptions {
  /** Where it lies. Default `Quarantine`. */
  readonly from?: AsideMailbox
  /** Where it goes. Default `INBOX`. */
  readonly to?: string
}

/**
 * Moves a message out of quarantine, with its flags: found by the id that stood in the reply to its sender, and that events, traces and its
 * topmost `Received` field have. Answers whether it was there. No filter looks at it again. Rejects as the store does; a mailbox that is
 * not there holds nothing, and where a message is found the one to go to must be there (`no-such-mailbox`).
 *
 * @example
 * ```ts
 * import { releaseMessage } from 'mailwright/filters/quarantine'
 * import type { MailStore } from 'mailwright/contracts'
 *
 * async function letOut(store: MailStore, account: string, id: string): Promise<string> {
 *   return (await releaseMessage(store, account, id)) ? 'it is in the inbox' : 'it is not in quarantine'
 * }
 * ```
 */
export async function releaseMessage(store: MailStore, account: AccountId, id: string, options: ReleaseOptions = {}): Promise<boolean> {
  const { from = QUARANTINE, to = 'INBOX', signal } = options
  const call: CallOptions = signal === undefined ? {} : { signal }
  const opened = await store.open(account, call)
  const mailboxes = await opened.mailboxes(call)
  const source = mailboxAt(mailboxes, from)
  if (source === undefined) return false
  const mailbox = opened.mailbox(source.id)
  const uid = await uidOf(mailbox, id, call)
  if (uid === undefined) return false
  const target = mailboxAt(mailboxes, to)
  if (target === undefined) throw new MailError('no-such-mailbox', `${account} has no mailbox ${to}`)
  const uids = [{ first: uid, last: uid }]
  if (mailbox.move !== undefined) return (await mailbox.move(uids, target.id, call)).from.length === 1
  const { from: copied } = await mailbox.copy(uids, target.id, call)
  if (copied.length === 1) await mailbox.expunge(uids, call)
  return copied.length === 1
}

async function uidOf(mailbox: Mailbox, id: string, call: CallOptions): Promise<Uid | undefined> {
  for await (const page of mailbox.records(ALL_UIDS, ['source'], call)) {
    for (const { uid, source } of page) if (source !== undefined && receivedId(await topOf(source)) === id) return uid
  }
  return undefined
}
