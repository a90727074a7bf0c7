/** What the callers' thread asks of the writer, and what the writer answers: the messages between the two threads. */

import type { MailboxChange } from '../../contracts/change.ts'
import type { MailErrorKind } from '../../contracts/mail-error.ts'
import type { AccountId, MailboxId, QuotaLimits, SpecialUse } from '../../contracts/mailbox-info.ts'
import type { Flag, FlagChange } from '../../contracts/message.ts'
import type { UidRange } from '../../contracts/numbers.ts'
import type { QueueTask } from './queue-task.ts'

/** A file in which octets lie. */
export interface ContentFile {
  readonly path: string
  readonly start: number
  readonly size: number
}

/** Octets to be stored: themselves in pieces, or the file where they lie. */
export type ContentInput = { readonly pieces: readonly Uint8Array[]; readonly size: number } | ContentFile

/** A message to be stored. `content` is an index into the contents of the operation. */
export interface MessageInput {
  readonly content: number
  /** Octets as text, each character one: handing an array to another thread costs ten times as much. */
  readonly prefix: string | undefined
  readonly summary: string
  readonly flags: readonly Flag[]
  /** Seconds. */
  readonly date: number
}

/** One target of a delivery. */
export interface TargetInput {
  readonly account: AccountId
  readonly mailbox: string | { readonly specialUse: SpecialUse } | undefined
  readonly quota: QuotaLimits | undefined
  readonly message: MessageInput
}

/** Every operation, without its number. */
export type Operation =
  | { readonly kind: 'open-account'; readonly account: AccountId }
  | { readonly kind: 'remove-account'; readonly account: AccountId }
  | { readonly kind: 'create'; readonly account: AccountId; readonly name: string; readonly specialUse: SpecialUse | undefined }
  | { readonly kind: 'rename'; readonly account: AccountId; readonly mailbox: MailboxId; readonly name: string }
  | { readonly kind: 'remove'; readonly account: AccountId; readonly mailbox: MailboxId }
  | { readonly kind: 'subscribe' | 'unsubscribe'; readonly account: AccountId; readonly name: string }
  | {
      readonly kind: 'append'
      readonly account: AccountId
      readonly mailbox: MailboxId
      readonly quota: QuotaLimits | undefined
      readonly contents: readonly ContentInput[]
      readonly messages: readonly MessageInput[]
    }
  | { readonly kind: 'deliver'; readonly contents: readonly ContentInput[]; readonly targets: readonly TargetInput[] }
  | {
      readonly kind: 'flag'
      readonly account: AccountId
      readonly mailbox: MailboxId
      readonly uids: readonly UidRange[]
      readonly change: FlagChange
      readonly unchangedSince: number | undefined
    }
  | {
      readonly kind: 'copy' | 'move'
      readonly account: AccountId
      readonly mailbox: MailboxId
      readonly uids: readonly UidRange[]
      readonly target: MailboxId
      readonly quota: QuotaLimits | undefined
    }
  | {
      readonly kind: 'expunge'
      readonly account: AccountId
      readonly mailbox: MailboxId
      readonly uids: readonly UidRange[]
      readonly having: Flag | undefined
    }
  | { readonly kind: 'set-summaries'; readonly summaries: readonly (readonly [message: number, summary: Uint8Array])[] }
  | { readonly kind: 'sweep'; readonly messages: readonly number[]; readonly contents: readonly number[]; readonly doom: readonly number[] }
  | { readonly kind: 'move-contents'; readonly contents: readonly number[] }
  | { readonly kind: 'retire'; readonly segments: readonly number[] }
  | { readonly kind: 'forget-segment'; readonly segment: number }
  | { readonly kind: 'hold'; readonly id: number | undefined; readonly until: number | undefined }
  | { readonly kind: 'queue'; readonly contents: readonly ContentInput[]; readonly task: QueueTask }

/** An operation on its way. */
export interface Request {
  readonly id: number
  readonly operation: Operation
}

/** A failure on its way between threads. */
export interface Failure {
  readonly kind: MailErrorKind
  readonly message: string
  /** What lay below, as text. */
  readonly cause?: string
}

/** A change and whose it is. */
export interface AccountChange {
  readonly account: AccountId
  readonly change: MailboxChange
}

/** What became of one operation. Changes are in order of MODSEQ and are to be told before it. */
export interface Answer {
  readonly id: number
  readonly changes: readonly AccountChange[]
  readonly outcome: { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly failure: Failure }
}

/** What the writer did so far, for tests and figures. */
export interface WriterCounters {
  /** Transactions committed. */
  groups: number
  /** Operations answered. */
  operations: number
  /** Syncs of segment files. */
  segmentSyncs: number
}

/** What the writer says. */
export type WriterReport =
  | { readonly kind: 'answers'; readonly answers: readonly Answer[]; readonly counters: WriterCounters }
  /** It writes no more: why, and everything asked from now on fails with this. */
  | { readonly kind: 'stopped'; readonly failure: Failure }
  | { readonly kind: 'closed' }

/** What is asked of the writer. */
export type WriterCommand = { readonly kind: 'requests'; readonly requests: readonly Request[] } | { readonly kind: 'close' }

/** What the writer is started with. */
export interface WriterOptions {
  readonly folder: string
  readonly busyTimeout: number
  /** Octets after which the next segment is begun. */
  readonly segmentSize: number
  /** Change rows kept for each account. */
  readonly history: number
  /** Octets that must stay free for mail to be taken. */
  readonly minimumFree: number | undefined
  readonly failpoint: string | undefined
}
