/** What this process knows of one mailbox, shared by all its sessions: typed arrays kept current by the change feed. RFC 9051 §2.3. */

import { normaliseRanges } from '../../bytes/uid-ranges.ts'
import type { AddedMessage, MailboxChange } from '../../contracts/change.ts'
import type { MailboxId } from '../../contracts/mailbox-info.ts'
import type { MessageRecord } from '../../contracts/message.ts'
import { ALL_UIDS, type UidRange } from '../../contracts/numbers.ts'
import { FlagTable } from './flag-table.ts'
import { lowerBound, placeOf } from './positions.ts'

/** One thing that happened, for sessions that have not told it yet. */
export interface LogEntry {
  readonly kind: 'added' | 'flagged' | 'expunged'
  readonly modSeq: number
  readonly uids: readonly UidRange[]
}

/** Entries kept for sessions that lag behind; those further behind compare with the arrays instead. */
const LOG_ENTRIES = 1_024

/** Somebody to be told that something happened. */
export interface Observer {
  /** Something was logged. Must be quick. */
  changed(): void
}

/**
 * The messages of a mailbox in ascending order of UID: 28 octets each, shared. `uids` is replaced, never changed, when a
 * message goes, and only written beyond its end when one comes, so that a session may keep it as its view.
 */
export class MailboxState {
  readonly id: MailboxId
  readonly flags: FlagTable
  readonly observers: Set<Observer> = new Set()
  uids: Uint32Array = new Uint32Array(0)
  count = 0
  flagIds: Uint32Array = new Uint32Array(0)
  modSeqs: Float64Array = new Float64Array(0)
  sizes: Uint32Array = new Uint32Array(0)
  /** Seconds since the epoch. */
  dates: Float64Array = new Float64Array(0)
  /** The highest MODSEQ known. */
  highestModSeq = 0
  /** Greater than every UID known. */
  uidNext = 1
  /** The mailbox was removed. */
  isGone = false
  #log: LogEntry[] = []
  #logStart = 0

  constructor(id: MailboxId, flags: FlagTable = new FlagTable()) {
    this.id = id
    this.flags = flags
  }

  /** Where the log ends: what a session that knows everything remembers. */
  get logEnd(): number {
    return this.#logStart + this.#log.length
  }

  /** The entries from `cursor` on; `undefined` when some of them are forgotten. */
  since(cursor: number): readonly LogEntry[] | undefined {
    if (cursor < this.#logStart) return undefined
    return cursor === this.#logStart ? this.#log : this.#log.slice(cursor - this.#logStart)
  }

  /** Place of a UID in the arrays; -1 when it is not there. */
  placeOf(uid: number): number {
    return placeOf(this.uids, this.count, uid)
  }

  /** Takes a page of records while the mailbox is loaded. Pages come in ascending order. */
  load(page: readonly MessageRecord[]): void {
    this.#grow(this.count + page.length)
    for (const record of page) this.#push(record.uid, record.flags, record.modSeq, record.size, record.internalDate)
  }

  #push(uid: number, flags: readonly string[], modSeq: number, size: number, internalDate: number): void {
    const at = this.count
    this.uids[at] = uid
    this.flagIds[at] = this.flags.intern(flags)
    this.modSeqs[at] = modSeq
    this.sizes[at] = size
    this.dates[at] = Math.floor(internalDate / 1000)
    this.count = at + 1
    if (uid >= this.uidNext) this.uidNext = uid + 1
    if (modSeq > this.highestModSeq) this.highestModSeq = modSeq
  }

  #grow(needed: number): void {
    if (needed <= this.uids.length) return
    const capacity = Math.max(needed, Math.ceil(this.uids.length * 1.25), 16)
    const grown = <T extends Uint32Array | Float64Array>(next: T, old: T): T => {
      next.set(old)
      return next
    }
    this.uids = grown(new Uint32Array(capacity), this.uids)
    this.flagIds = grown(new Uint32Array(capacity), this.flagIds)
    this.sizes = grown(new Uint32Array(capacity), this.sizes)
    this.modSeqs = grown(new Float64Array(capacity), this.modSeqs)
    this.dates = grown(new Float64Array(capacity), this.dates)
  }

  /** Takes over what was read afresh into `other`, which has the same table of flags; sessions keep their views and compare. */
  replaceWith(other: MailboxState): void {
    this.uids = other.uids
    this.flagIds = other.flagIds
    this.sizes = other.sizes
    this.modSeqs = other.modSeqs
    this.dates = other.dates
    this.count = other.count
    this.uidNext = Math.max(this.uidNext, other.uidNext)
    this.highestModSeq = Math.max(this.highestModSeq, other.highestModSeq)
    // Whoever has a cursor must compare instead.
    this.#logStart = this.logEnd + 1
    this.#log = []
  }

  /** Applies a change of this mailbox. Changes that the loaded records show already change nothing. */
  apply(change: Extract<MailboxChange, { kind: 'added' | 'flagged' | 'expunged' }>): void {
    if (change.modSeq > this.highestModSeq) this.highestModSeq = change.modSeq
    switch (change.kind) {
      case 'added':
        this.#add(change.messages, change.modSeq)
        break
      case 'flagged':
        this.#flag(change)
        break
      case 'expunged':
        this.#expunge(change.uids, change.modSeq)
        break
    }
  }

  /** Tells the observers; apart from {@link MailboxState.apply} so that a loading state stays silent. */
  notify(): void {
    for (const observer of this.observers) observer.changed()
  }

  #add(messages: readonly AddedMessage[], modSeq: number): void {
    // A UID at or below the largest one is known, or was expunged before the records were read.
    const fresh = messages.filter(({ uid }) => uid >= this.uidNext)
    if (fresh.length === 0) return
    this.#grow(this.count + fresh.length)
    for (const { uid, flags, size, internalDate } of fresh) this.#push(uid, flags, modSeq, size, internalDate)
    this.#note('added', modSeq, normaliseRanges(fresh.map(({ uid }) => ({ first: uid, last: uid }))))
  }

  #flag({ uids, change, modSeq }: Extract<MailboxChange, { kind: 'flagged' }>): void {
    const changed = new Map<number, number>()
    for (const { first, last } of uids) {
      for (let at = lowerBound(this.uids, this.count, first); at < this.count && (this.uids[at] ?? 0) <= last; at++) {
        if ((this.modSeqs[at] ?? 0) >= modSeq) continue
        const before = this.flagIds[at] ?? 0
        let after = changed.get(before)
        if (after === undefined) changed.set(before, (after = this.flags.after(before, change)))
        this.flagIds[at] = after
        this.modSeqs[at] = modSeq
      }
    }
    if (changed.size > 0) this.#note('flagged', modSeq, uids)
  }

  #expunge(uids: readonly UidRange[], modSeq: number): void {
    const { uids: old, count } = this
    let kept: Uint32Array | undefined
    let to = 0
    let from = 0
    for (const { first, last } of uids) {
      const begin = lowerBound(old, count, first)
      const end = lowerBound(old, count, last + 1)
      if (begin === end) continue
      // Views may be this very array: what stays is copied into another one.
      kept ??= new Uint32Array(old.length)
      to = this.#keep(kept, from, begin, to)
      from = end
    }
    if (kept === undefined) return
    this.count = this.#keep(kept, from, count, to)
    this.uids = kept
    this.#note('expunged', modSeq, uids)
  }

  #keep(kept: Uint32Array, from: number, end: number, to: number): number {
    kept.set(this.uids.subarray(from, end), to)
    if (from !== to) {
      this.flagIds.copyWithin(to, from, end)
      this.sizes.copyWithin(to, from, end)
      this.modSeqs.copyWithin(to, from, end)
      this.dates.copyWithin(to, from, end)
    }
    return to + end - from
  }

  /** The mailbox was removed: for its sessions every message is gone. */
  remove(modSeq: number): void {
    this.isGone = true
    this.#expunge(ALL_UIDS, modSeq)
  }

  #note(kind: LogEntry['kind'], modSeq: number, uids: readonly UidRange[]): void {
    if (this.observers.size === 0) {
      this.#logStart++
      return
    }
    this.#log.push({ kind, modSeq, uids })
    if (this.#log.length < 2 * LOG_ENTRIES) return
    this.#log = this.#log.slice(LOG_ENTRIES)
    this.#logStart += LOG_ENTRIES
  }
}
