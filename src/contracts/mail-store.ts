/**
 * Where mail lives. A store holds records, octets and durable change; protocols stay out of it: it speaks of UIDs and
 * never of sequence numbers, search keys or response codes.
 *
 * Optional methods are optional powers: engines advertise only what the store can do, and emulate the rest where that is
 * possible. `mailStoreSuite` of `mailwright/testing` proves every promise on this page against an adapter.
 */

import type { CallOptions } from './call.ts'
import type { MailboxChange } from './change.ts'
import type { AccountId, MailboxId, MailboxInfo, MailboxStatus, QuotaLimits, SpecialUse, Usage } from './mailbox-info.ts'
import type { FlagChange, MessageRecord, NewMessage, RecordColumn } from './message.ts'
import type { ModSeq, Uid, UidRange, UidValidity } from './numbers.ts'
import type { Queue, SuppressionList } from './queue.ts'

/** Options of {@link MailStore.open}. */
export interface OpenOptions extends CallOptions {
  /** Limits that additions through this handle keep, checked within the same durable step. Default: none. */
  readonly quota?: QuotaLimits
}

/** One place that a message is delivered to. */
export interface DeliveryTarget {
  readonly account: AccountId
  /**
   * Name of the mailbox, or the special use of one; created when it is a name that is not there, the inbox when no mailbox
   * has the use. Default: the inbox.
   */
  readonly mailbox?: string | { readonly specialUse: SpecialUse }
  /** Limits kept within the same step; a target over its limits fails alone. */
  readonly quota?: QuotaLimits
  /** What this target gets: {@link NewMessage.content} is the same object for all targets of one call. */
  readonly message: NewMessage
}

/** What became of one target: where the message is now, or why it is not there. */
export type DeliveryResult =
  | { readonly ok: true; readonly account: AccountId; readonly mailbox: MailboxId; readonly uid: Uid; readonly uidValidity: UidValidity }
  | { readonly ok: false; readonly account: AccountId; readonly error: Error }

/**
 * A mail store: the accounts' mailboxes and the messages in them.
 *
 * Promises that hold for every method: a promise that resolves stands for a change that survives a crash (unless the store
 * says it is volatile); a promise that rejects stands for no change at all; calls may overlap freely, from many sessions.
 * Failures are `MailError`s.
 */
export interface MailStore {
  /** `false` for stores that forget on exit (tests). Default, when left out: durable. */
  readonly durable?: boolean
  /**
   * The mail of one account. Opened for the first time, an account has one mailbox, `INBOX`. Cheap: may be called for every
   * login. Throws `invalid` for an id that cannot be one.
   */
  open(account: AccountId, options?: OpenOptions): Promise<MailAccount>
  /**
   * Delivers one message to many mailboxes of many accounts in one durable step, its content stored once. Accounts that
   * were never opened are made. Answers one result for each target in their order; what it reports as `ok` is durable.
   * Rejects only when nothing at all was stored.
   *
   * Without this power the pipeline appends to each target in turn.
   */
  deliver?(targets: readonly DeliveryTarget[], options?: CallOptions): Promise<readonly DeliveryResult[]>
  /** Removes an account with all its mail. Removing what is not there is no error. */
  removeAccount?(account: AccountId, options?: CallOptions): Promise<void>
  /** A queue of outgoing mail in the same place: the contents lie beside the mail, and one backup holds both. Closes with the store. */
  readonly queue?: Queue
  /** The addresses that get no mail from here, in the same place. */
  readonly suppressions?: SuppressionList
  /** Ends running calls, then lets go of every resource. Calls after it throw `unavailable`. */
  close(): Promise<void>
}

/** The mail of one account. */
export interface MailAccount {
  readonly id: AccountId
  /** All mailboxes, in no particular order; `INBOX` is always among them. */
  mailboxes(options?: CallOptions): Promise<readonly MailboxInfo[]>
  /**
   * Makes a mailbox. Superior levels are not made along with it. Its (name, UIDVALIDITY) never repeats an earlier one's.
   * Throws `already-exists` (also when the special use is taken), `invalid`.
   */
  create(name: string, options?: CallOptions & { readonly specialUse?: SpecialUse }): Promise<MailboxInfo>
  /**
   * Gives a mailbox and all its inferiors (names beginning with its name and `/`) another name, in one step; ids, UIDs and
   * messages stay. A name below its own is `invalid`. Throws `no-such-mailbox`, `already-exists`, `invalid`, `no-permission`
   * for the inbox.
   */
  rename(mailbox: MailboxId, name: string, options?: CallOptions): Promise<void>
  /** Removes a mailbox and its messages; inferiors stay. Throws `no-such-mailbox`, `no-permission` for the inbox. */
  remove(mailbox: MailboxId, options?: CallOptions): Promise<void>
  /** The subscribed names, whether or not mailboxes of these names exist. RFC 9051 §6.3.7. */
  subscriptions(options?: CallOptions): Promise<readonly string[]>
  /** Adds a name to the subscriptions; again is no error. */
  subscribe(name: string, options?: CallOptions): Promise<void>
  /** Takes a name from the subscriptions; not there is no error. */
  unsubscribe(name: string, options?: CallOptions): Promise<void>
  /** A mailbox by its id. Does no work: calls on a mailbox that is gone throw `no-such-mailbox`. */
  mailbox(id: MailboxId): Mailbox
  /**
   * Tells every change of this account, in the order of MODSEQ, to `listener`, synchronously and before the promise of the
   * call that made the change resolves. Changes made elsewhere (another process) arrive as soon as the store learns of
   * them. Where the store lost track it tells `{ kind: 'resync' }`. A listener must be quick and must not throw.
   *
   * Answers the function that ends it.
   */
  watch(listener: (change: MailboxChange) => void): () => void
  /** What the account holds. With this power engines advertise QUOTA. */
  usage?(options?: CallOptions): Promise<Usage>
}

/** Options of {@link Mailbox.records}. */
export interface RecordOptions extends CallOptions {
  /** Only messages whose MODSEQ is greater. RFC 7162 §3.1.4.1. Default: all. */
  readonly changedSince?: ModSeq
}

/** Options of {@link Mailbox.flag}. */
export interface FlagOptions extends CallOptions {
  /** Leave alone, and report as `refused`, the messages whose MODSEQ is greater. RFC 7162 §3.1.3. Default: change all. */
  readonly unchangedSince?: ModSeq
}

/** What {@link Mailbox.flag} did. */
export interface FlagResult {
  /** The messages that are different now; a message that had the flags already is not among them and keeps its MODSEQ. */
  readonly changed: readonly UidRange[]
  /** The messages that `unchangedSince` kept from being changed. */
  readonly refused: readonly UidRange[]
  /** MODSEQ of the changed messages: one for all. Absent when none changed. */
  readonly modSeq?: ModSeq
}

/** What {@link Mailbox.append} did. */
export interface AppendResult {
  readonly uidValidity: UidValidity
  /** One for each message, in their order. */
  readonly uids: readonly Uid[]
}

/** What {@link Mailbox.copy} and {@link Mailbox.move} did. RFC 4315 §3. */
export interface CopyResult {
  /** UIDVALIDITY of the target. */
  readonly uidValidity: UidValidity
  /** UIDs in the source, ascending: only those that were there. */
  readonly from: readonly Uid[]
  /** The UIDs they have in the target, in the same order, ascending. */
  readonly to: readonly Uid[]
}

/** Options of {@link Mailbox.expunge}. */
export interface ExpungeOptions extends CallOptions {
  /** Only messages that have this flag at that very moment. Default: all in the ranges. */
  readonly having?: string
}

/** What {@link Mailbox.summaries} answers. */
export interface Summaries {
  /** The messages, ascending. */
  readonly uids: Uint32Array
  /** Their summaries, one behind the other. */
  readonly octets: Uint8Array
  /** The summary of `uids[n]` lies from `ends[n - 1]` (0 for the first) up to `ends[n]`. */
  readonly ends: Uint32Array
}

/**
 * One mailbox. UIDs that are not there are passed over silently by every method: a range is a question, not a claim.
 *
 * The invariants: UIDs ascend and are never reused under one UIDVALIDITY; no UID and no MODSEQ becomes visible below one
 * that was visible before; the octets, size and internal date of a UID never change; every real change raises the
 * account's MODSEQ.
 */
export interface Mailbox {
  readonly id: MailboxId
  /** The counts, all of one moment. */
  status(options?: CallOptions): Promise<MailboxStatus>
  /**
   * The records in the ranges, in ascending order of UID, in pages of the store's choice (some hundreds to some thousands),
   * so that a mailbox of any size is read in bounded memory. A page shows one moment; changes between pages show.
   */
  records(uids: readonly UidRange[], columns: readonly RecordColumn[], options?: RecordOptions): AsyncIterable<readonly MessageRecord[]>
  /**
   * The summaries in a range of some hundreds of UIDs, all of one moment, and nothing else of the messages: a power for engines
   * that read many. Without it they read {@link Mailbox.records}.
   */
  summaries?(uids: UidRange, options?: CallOptions): Promise<Summaries>
  /** Adds messages, all or none. Throws `over-quota`, `too-big`, `no-space`. */
  append(messages: readonly NewMessage[], options?: CallOptions): Promise<AppendResult>
  /** Changes flags, atomically for each message and with one new MODSEQ for all that really change. */
  flag(uids: readonly UidRange[], change: FlagChange, options?: FlagOptions): Promise<FlagResult>
  /** Copies messages with flags and internal date into another mailbox of the account, all or none; the sources do not change. */
  copy(uids: readonly UidRange[], target: MailboxId, options?: CallOptions): Promise<CopyResult>
  /**
   * Moves messages: at every moment each is in exactly one of the two mailboxes. Moving into the same mailbox gives new
   * UIDs. Without this power engines copy and expunge. RFC 6851 §3.3.
   */
  move?(uids: readonly UidRange[], target: MailboxId, options?: CallOptions): Promise<CopyResult>
  /** Removes messages for good; answers the UIDs it removed. One new MODSEQ for all. */
  expunge(uids: readonly UidRange[], options?: ExpungeOptions): Promise<readonly UidRange[]>
  /**
   * UIDs expunged after that MODSEQ. Where the store has forgotten, it answers more than that, never fewer, and never a UID
   * that lives. With this power engines can offer QRESYNC. RFC 7162 §3.2.5.
   */
  vanishedSince?(modSeq: ModSeq, options?: CallOptions): Promise<readonly UidRange[]>
}
