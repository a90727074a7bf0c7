/** A new account with the mailboxes that clients look for. RFC 6154 §2. */

import { MailError } from '../contracts/index.ts'
import type { Account, DirectoryAdmin, MailStore, NewAccount, SpecialUse } from '../contracts/index.ts'

/** The mailboxes that every new account begins with, beside the inbox. */
const FIRST_MAILBOXES: readonly SpecialUse[] = ['Archive', 'Drafts', 'Junk', 'Sent', 'Trash']

/**
 * Makes an account and, in its mail, the mailboxes Archive, Drafts, Junk, Sent and Trash with their special uses, subscribed. Safe to
 * repeat: an account that exists stays as it is and throws `already-exists`; mailboxes that were left out by a crash are made by
 * {@link firstMailboxes}.
 */
export async function addMailAccount(directory: DirectoryAdmin, store: MailStore, account: NewAccount): Promise<Account> {
  const added = await directory.addAccount(account)
  await firstMailboxes(store, added)
  return added
}

/** Makes the first mailboxes of an account that are not there yet. */
export async function firstMailboxes(store: MailStore, account: Account): Promise<void> {
  const mail = await store.open(account.id)
  await mail.subscribe('INBOX')
  for (const use of FIRST_MAILBOXES) {
    try {
      await mail.create(use, { specialUse: use })
      await mail.subscribe(use)
    } catch (error) {
      if (!(error instanceof MailError) || error.kind !== 'already-exists') throw error
    }
  }
}
