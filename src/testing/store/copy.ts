/** A client's copy of a mailbox, kept up to date by the changes it is told or by asking what changed. RFC 7162 §3.2.5. */

import type { Flag, FlagChange, Mailbox, MailboxChange, MailboxId, MessageRecord, ModSeq } from '../../contracts/index.ts'
import { line, promised, read, same } from './world.ts'

/** What a client keeps of one mailbox. */
export interface Copy {
  /** Brings the copy up to date with one change; fails when the change does not fit the copy. */
  apply(change: MailboxChange, mailbox: MailboxId): void
  /** Brings the copy up to date by asking what changed and what vanished since it was last up to date. */
  catchUp(mailbox: Mailbox): Promise<void>
  /** The copy as lines, in order of UID. */
  lines(): readonly string[]
}

type Kept = Pick<MessageRecord, 'uid' | 'modSeq' | 'flags' | 'size' | 'internalDate'>

/** What the change makes of flags. */
export function changed(flags: readonly Flag[], { kind, flags: named }: FlagChange): readonly Flag[] {
  if (kind === 'set') return named
  const others = flags.filter(flag => !named.includes(flag))
  return kind === 'add' ? [...others, ...named] : others
}

/** A copy that begins with these records, read when `since` was the mailbox's HIGHESTMODSEQ. */
export function copyOf(records: readonly MessageRecord[], since: ModSeq = 0 as ModSeq): Copy {
  const kept = new Map<number, Kept>(records.map(record => [record.uid, record]))
  let upToDate = since
  const highest = (): number => Math.max(0, ...kept.keys())
  return {
    apply(change, mailbox) {
      if (!('mailbox' in change) || change.mailbox !== mailbox) return
      if (change.kind === 'added') {
        for (const message of change.messages) {
          promised(
            'an added message has a UID above all that were seen',
            message.uid > highest(),
            () => `UID ${message.uid} after ${highest()}`,
          )
          kept.set(message.uid, { ...message, modSeq: change.modSeq })
        }
        return
      }
      const uids = [...kept.keys()].filter(uid => change.uids.some(({ first, last }) => uid >= first && uid <= last))
      promised(`a change is about messages that are there`, uids.length > 0, () => `${change.kind} of ${JSON.stringify(change.uids)}`)
      for (const uid of uids) {
        const old = kept.get(uid)
        if (old === undefined) continue
        if (change.kind === 'expunged') kept.delete(uid)
        else kept.set(uid, { ...old, flags: changed(old.flags, change.change), modSeq: change.modSeq })
      }
    },
    async catchUp(mailbox) {
      // Asked before the rest, so that what happens meanwhile is told again next time rather than missed.
      const { highestModSeq } = await mailbox.status()
      const vanished = (await mailbox.vanishedSince?.(upToDate)) ?? []
      for (const uid of kept.keys()) {
        if (vanished.some(({ first, last }) => uid >= first && uid <= last)) kept.delete(uid)
      }
      for (const record of await read(mailbox, [{ first: 1, last: 0xffff_ffff } as never], [], { changedSince: upToDate })) {
        kept.set(record.uid, record)
      }
      upToDate = highestModSeq
    },
    lines: () => [...kept.values()].sort((a, b) => a.uid - b.uid).map(line),
  }
}

/** Fails unless the MODSEQs rise, but for the two halves of a move, which share theirs. */
export function rising(what: string, changes: readonly MailboxChange[], above: number = 0): void {
  let last = above
  let before: MailboxChange | undefined
  for (const change of changes) {
    const halves = before?.kind === 'added' && change.kind === 'expunged' && before.modSeq === change.modSeq
    promised(
      `${what}: each change has a MODSEQ above the one before`,
      change.modSeq > last || halves,
      () => `${change.kind} ${change.modSeq} after ${last}`,
    )
    last = change.modSeq
    before = change
  }
}

/** Fails unless the copy equals the mailbox. */
export async function upToDate(promise: string, copy: Copy, mailbox: Mailbox): Promise<void> {
  same(promise, copy.lines(), (await read(mailbox)).map(line))
}
