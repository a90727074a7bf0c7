/** What a stored message consists of: its octets, its flags, and the summary that engines keep beside it. RFC 9051 §2.3. */

import type { ModSeq, Uid } from './numbers.ts'

/**
 * A flag as RFC 9051 §2.3.2 spells it: a system flag with its backslash (`\Seen`, `\Answered`, `\Flagged`, `\Deleted`,
 * `\Draft`) or a keyword (`$Forwarded`, `$Junk`). A store compares flags octet by octet; engines see to canonical spelling.
 */
export type Flag = string

/**
 * The octets of a message (or of a message to be), readable in any order and as often as needed. The octets never change.
 */
export interface MessageSource {
  /** Length in octets. */
  readonly size: number
  /**
   * Octets from `start` up to but not including `end` (both clamped to the size). Small reads may be answered at once, larger
   * ones with a promise. The result must not be written to; it may be reused by the source after the next call only if the
   * source says so (none of ours does).
   *
   * Throws {@link MailError} `no-such-message` when the message was expunged and its octets are gone, `corrupt` when they
   * are not what was written.
   */
  read(start: number, end: number): Uint8Array | Promise<Uint8Array>
  /**
   * Writes the whole message to `target` from `at` on, at once: saves whoever gathers many small messages in one piece of memory
   * an array for each. Throws what {@link MessageSource.read} throws; `target` holds anything then.
   */
  copyTo?(target: Uint8Array, at: number): void
  /**
   * Where the same octets lie in a file of this machine, if they do: lets a store copy them without passing them through
   * memory. The file is not changed and outlives the call that was given the source.
   */
  readonly file?: { readonly path: string; readonly start: number }
  /**
   * The same octets, in order, in memory that other threads can read (`SharedArrayBuffer`), if they lie there: lets a store hand
   * them to its thread without copying. Not to be written to; another message may lie there once the call that was given the
   * source has settled.
   */
  readonly pieces?: readonly Uint8Array[]
}

/** A message on its way into a mailbox. */
export interface NewMessage {
  /** The message as received: RFC 5322 with CRLF line ends. Must stay readable until the call's promise settles. */
  readonly content: MessageSource
  /**
   * Further header fields that belong in front of `content` for this mailbox alone (`Delivered-To`, `Return-Path` ...): the
   * stored message is `prefix` followed by `content`. Kept apart so that the content of a message to many is stored once.
   */
  readonly prefix?: Uint8Array
  /**
   * The engine's own record of structure, envelope and header fields, made while the message arrived. Opaque: the store
   * keeps it and gives it back, octet for octet. At most 64 KiB for ordinary mail.
   */
  readonly summary: Uint8Array
  /** Flags to begin with; no duplicates. */
  readonly flags: readonly Flag[]
  /** INTERNALDATE in milliseconds since the epoch, whole seconds. RFC 9051 §2.3.3. */
  readonly internalDate: number
}

/** One message of a mailbox as a store tells it. A store may leave out what was not asked for, never what was. */
export interface MessageRecord {
  readonly uid: Uid
  /** MODSEQ of the last change of this message. RFC 7162 §3.1. */
  readonly modSeq: ModSeq
  /** In no particular order, without duplicates. */
  readonly flags: readonly Flag[]
  /** Octets of the whole message, prefix included. RFC 9051 §2.3.4. */
  readonly size: number
  /** Milliseconds since the epoch. RFC 9051 §2.3.3. */
  readonly internalDate: number
  /** Only with the column `summary`. */
  readonly summary?: Uint8Array
  /** Only with the column `source`. Opening costs nothing until it is read. */
  readonly source?: MessageSource
  /** Only with the column `emailId`, and only from stores with that power: equal for equal octets. RFC 8474 §4. */
  readonly emailId?: string
}

/** The parts of a record that cost something and are read only when named. */
export type RecordColumn = 'summary' | 'source' | 'emailId'

/** An atomic change of flags, applied as a set operation to each message, never as read-modify-write. RFC 9051 §6.4.6. */
export type FlagChange =
  | { readonly kind: 'add'; readonly flags: readonly Flag[] }
  | { readonly kind: 'remove'; readonly flags: readonly Flag[] }
  | { readonly kind: 'set'; readonly flags: readonly Flag[] }
