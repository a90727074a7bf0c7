/** The closed union of what can change in an account, told by `MailAccount.watch`. */

import type { MailboxId, MailboxInfo } from './mailbox-info.ts'
import type { Flag, FlagChange } from './message.ts'
import type { ModSeq, Uid, UidRange } from './numbers.ts'

/** What is told of a message that was added: enough to show it in a list of flags and sizes without another read. */
export interface AddedMessage {
  readonly uid: Uid
  readonly flags: readonly Flag[]
  readonly size: number
  /** Milliseconds since the epoch. */
  readonly internalDate: number
}

/**
 * A change of an account. Each carries the MODSEQ it was given; no two real changes of an account share one, except that a
 * move is told as an addition and an expunge with the same MODSEQ, the addition first.
 */
export type MailboxChange =
  /** Messages were added, in ascending order of UID. */
  | { readonly kind: 'added'; readonly mailbox: MailboxId; readonly modSeq: ModSeq; readonly messages: readonly AddedMessage[] }
  /**
   * Flags changed: `change` was applied to exactly the messages in `uids`, each of which is different now. Applying it to a
   * copy that is up to date gives the new flags.
   */
  | {
      readonly kind: 'flagged'
      readonly mailbox: MailboxId
      readonly modSeq: ModSeq
      readonly uids: readonly UidRange[]
      readonly change: FlagChange
    }
  /** Messages were removed for good: exactly those in `uids` that had lived. */
  | { readonly kind: 'expunged'; readonly mailbox: MailboxId; readonly modSeq: ModSeq; readonly uids: readonly UidRange[] }
  | { readonly kind: 'mailbox-created'; readonly modSeq: ModSeq; readonly info: MailboxInfo }
  | { readonly kind: 'mailbox-renamed'; readonly modSeq: ModSeq; readonly info: MailboxInfo; readonly oldName: string }
  | { readonly kind: 'mailbox-removed'; readonly modSeq: ModSeq; readonly info: MailboxInfo }
  | { readonly kind: 'subscribed' | 'unsubscribed'; readonly modSeq: ModSeq; readonly name: string }
  /** The store lost track of this account: whoever keeps a copy must read again. */
  | { readonly kind: 'resync'; readonly modSeq: ModSeq }
