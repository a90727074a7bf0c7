/** The durable step at the end of a delivery, with or without the store's own power to do it at once. */

import type { Account, DeliveryResult, DeliveryTarget, MailAccount, MailStore, MailboxId } from '../contracts/index.ts'
import { MailError } from '../contracts/mail-error.ts'

const JUNK = 'Junk'

/** Delivers to all targets; rejects only when nothing was stored. A store without `deliver` appends to each in turn. */
export async function deliverAll(store: MailStore, targets: readonly DeliveryTarget[]): Promise<readonly DeliveryResult[]> {
  if (store.deliver !== undefined) return store.deliver(targets)
  const results: DeliveryResult[] = []
  for (const target of targets) results.push(await append(store, target))
  return results
}

async function append(store: MailStore, target: DeliveryTarget): Promise<DeliveryResult> {
  const { account, quota, message } = target
  try {
    const opened = await store.open(account, quota === undefined ? {} : { quota })
    const mailbox = await mailboxFor(opened, target.mailbox)
    const { uids, uidValidity } = await opened.mailbox(mailbox).append([message])
    const uid = uids[0]
    if (uid === undefined) throw new Error('the store appended without a UID')
    return { ok: true, account, mailbox, uid, uidValidity }
  } catch (error) {
    return { ok: false, account, error: error instanceof Error ? error : new Error(String(error)) }
  }
}

async function mailboxFor(account: MailAccount, wanted: DeliveryTarget['mailbox']): Promise<MailboxId> {
  const mailboxes = await account.mailboxes()
  const inbox = mailboxes.find(({ name }) => name === 'INBOX')
  if (inbox === undefined) throw new MailError('corrupt', `account ${account.id} has no inbox`)
  if (wanted === undefined) return inbox.id
  if (typeof wanted === 'object') return (mailboxes.find(({ specialUse }) => specialUse === wanted.specialUse) ?? inbox).id
  const named = mailboxes.find(({ name }) => name === wanted)
  return named === undefined ? createdOr(account, wanted) : named.id
}

async function createdOr(account: MailAccount, name: string): Promise<MailboxId> {
  try {
    return (await account.create(name)).id
  } catch (error) {
    // Made by somebody else in between.
    if (!(error instanceof MailError) || error.kind !== 'already-exists') throw error
    const mailbox = (await account.mailboxes()).find(info => info.name === name)
    if (mailbox === undefined) throw error
    return mailbox.id
  }
}

/**
 * Sees to it that an account has a mailbox for junk: a mailbox named `Junk` when none has the special use. When that name is
 * taken by another mailbox, the inbox serves.
 */
export async function ensureJunk(store: MailStore, account: Account): Promise<void> {
  const opened = await store.open(account.id)
  const mailboxes = await opened.mailboxes()
  if (mailboxes.some(({ specialUse, name }) => specialUse === JUNK || name === JUNK)) return
  try {
    await opened.create(JUNK, { specialUse: JUNK })
  } catch (error) {
    if (!(error instanceof MailError) || error.kind !== 'already-exists') throw error
  }
}
