/** The model that made-up histories are compared with: what an account holds, without UIDs of its own making. */

import type { Flag, FlagChange, MessageRecord, ModSeq } from '../../contracts/index.ts'
import { changed } from './copy.ts'
import { line, promised, same } from './world.ts'

/** A message as the model expects it. */
export interface Expected {
  readonly uid: number
  readonly modSeq: number
  readonly flags: readonly Flag[]
  readonly size: number
  readonly internalDate: number
}

/** A mailbox as the model expects it. */
export interface ModelBox {
  readonly id: string
  readonly uidValidity: number
  messages: Expected[]
  /** The greatest UID ever seen here. */
  highestUid: number
  /** The greatest HIGHESTMODSEQ ever seen here. */
  highestModSeq: number
}

/** An empty mailbox. */
export function modelBox(id: string, uidValidity: number): ModelBox {
  return { id, uidValidity, messages: [], highestUid: 0, highestModSeq: 0 }
}

/** Takes messages in under the UIDs that the store gave them. */
export function admit(box: ModelBox, uids: readonly number[], messages: readonly Omit<Expected, 'uid' | 'modSeq'>[]): void {
  same('one UID for each message', uids.length, messages.length)
  for (const [at, message] of messages.entries()) {
    const uid = uids[at] ?? 0
    promised('UIDs ascend and are never given again', uid > box.highestUid, () => `UID ${uid} after ${box.highestUid}`)
    box.highestUid = uid
    // The MODSEQ is the store's to choose: it is learned when the mailbox is read.
    box.messages.push({ ...message, uid, modSeq: 0 })
  }
}

/** The messages that a change makes different. */
export function different(messages: readonly Expected[], change: FlagChange): readonly Expected[] {
  return messages.filter(({ flags }) => text(changed(flags, change)) !== text(flags))
}

/** Applies a change to the messages with these UIDs. */
export function applyFlags(box: ModelBox, uids: ReadonlySet<number>, change: FlagChange, modSeq: number): void {
  box.messages = box.messages.map(message =>
    uids.has(message.uid) ? { ...message, flags: [...new Set(changed(message.flags, change))], modSeq } : message,
  )
}

/** Takes messages out. */
export function take(box: ModelBox, uids: ReadonlySet<number>): void {
  box.messages = box.messages.filter(({ uid }) => !uids.has(uid))
}

/**
 * Compares the mailbox with what was read of it, and learns the MODSEQs of what is new. `highest` is HIGHESTMODSEQ as told
 * after the reading.
 */
export function compare(box: ModelBox, records: readonly MessageRecord[], highest: ModSeq): void {
  const before = box.highestModSeq
  box.messages = box.messages.map((message, at) => {
    const modSeq = records[at]?.modSeq ?? 0
    if (message.modSeq !== 0 || records[at]?.uid !== message.uid) return message
    promised(
      'what is new has a MODSEQ above every earlier one of the mailbox',
      modSeq > before,
      () => `UID ${message.uid}: ${modSeq} after ${before}`,
    )
    return { ...message, modSeq }
  })
  same('the mailbox holds what was put there', records.map(line), box.messages.map(line))
  promised('HIGHESTMODSEQ does not fall', highest >= before, () => `${highest} after ${before}`)
  for (const { uid, modSeq } of records)
    promised('HIGHESTMODSEQ covers every message', modSeq <= highest, () => `UID ${uid}: ${modSeq} above ${highest}`)
  box.highestModSeq = highest
}

function text(flags: readonly Flag[]): string {
  return [...new Set(flags)].sort().join(' ')
}
