/** The numbers of a mailbox, each with a type of its own so that none can stand in for another. RFC 9051 §2.3.1; RFC 7162 §3.1. */

declare const brand: unique symbol

/**
 * Unique identifier of a message within one mailbox and one UIDVALIDITY: 1 to 4,294,967,295, strictly ascending in order of
 * addition, never reused. RFC 9051 §2.3.1.1.
 */
export type Uid = number & { readonly [brand]: 'Uid' }

/**
 * Position of a message in one session's view: 1 to the number of messages. Belongs to protocol engines only; a store never
 * sees one. RFC 9051 §2.3.1.2.
 */
export type SeqNo = number & { readonly [brand]: 'SeqNo' }

/**
 * Modification sequence: raised by every real change in an account, so that "what changed after this" has an answer. A safe
 * integer (at most 2^53 - 1) of at least 1; 0 stands for "before anything". RFC 7162 §3.1.
 */
export type ModSeq = number & { readonly [brand]: 'ModSeq' }

/** The number that vouches for the UIDs of a mailbox: 1 to 4,294,967,295, constant as long as the UIDs stay valid. RFC 9051 §2.3.1.1. */
export type UidValidity = number & { readonly [brand]: 'UidValidity' }

/**
 * A run of UIDs, both ends included, `first <= last`. Sets of UIDs are lists of such runs, ascending and not touching one
 * another, so that `1:*` costs one entry however large the mailbox is.
 */
export interface UidRange {
  readonly first: Uid
  readonly last: Uid
}

/** The largest number that a {@link Uid} can be. RFC 9051 §9, `nz-number`. */
export const MAX_UID: Uid = 0xffff_ffff as Uid

/** Every UID there can be: what `1:*` means to a store. */
export const ALL_UIDS: readonly UidRange[] = Object.freeze([Object.freeze({ first: 1 as Uid, last: MAX_UID })])
