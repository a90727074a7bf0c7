/** What an account and a mailbox are called and what they count. RFC 9051 §5.1, §6.3.11; RFC 6154; RFC 9208. */

import type { ModSeq, Uid, UidValidity } from './numbers.ts'

/** Names an account within one store: 1 to 255 characters of printable Unicode, compared exactly. Never used as a path. */
export type AccountId = string

/** Names a mailbox for as long as it exists; survives renaming, never given to another. RFC 8474 §4.1. */
export type MailboxId = string

/**
 * What a mailbox is for, as RFC 6154 §2 names it, without the backslash: at most one mailbox of an account has each.
 */
export type SpecialUse = 'All' | 'Archive' | 'Drafts' | 'Flagged' | 'Junk' | 'Sent' | 'Trash' | 'Important'

/** Limits of an account; a limit left out is no limit. RFC 9208 §5. */
export interface QuotaLimits {
  /** Sum of the sizes of all messages, in octets. */
  readonly octets?: number
  /** Number of messages in all mailboxes. */
  readonly messages?: number
}

/** What an account holds now; never negative, exact whenever no change is under way. */
export interface Usage {
  /** Sum of the sizes of all messages, in octets. */
  readonly octets: number
  /** Number of messages in all mailboxes. */
  readonly messages: number
}

/** A mailbox and what hardly changes about it. */
export interface MailboxInfo {
  readonly id: MailboxId
  /**
   * Unicode in NFC, levels of the hierarchy joined by `/`, at most 1,000 octets of UTF-8 and 25 levels; no empty level, no
   * control character, nothing that turns the writing direction (U+202A-E, U+2066-9). The inbox is `INBOX`, and this first level
   * has exactly this spelling. A name is data: it never becomes a path.
   */
  readonly name: string
  readonly uidValidity: UidValidity
  readonly specialUse?: SpecialUse
}

/** The counts of a mailbox at one moment. RFC 9051 §6.3.11. */
export interface MailboxStatus {
  /** Number of messages. */
  readonly messages: number
  /** Number of messages without `\Seen`. */
  readonly unseen: number
  /** Number of messages with `\Deleted`. */
  readonly deleted: number
  /** Sum of the sizes, in octets. */
  readonly size: number
  /** Greater than every UID ever given in this mailbox. */
  readonly uidNext: Uid
  readonly uidValidity: UidValidity
  /** At least every MODSEQ of a message in it, expunged ones included; never falls. RFC 7162 §3.1.2.1. */
  readonly highestModSeq: ModSeq
}
