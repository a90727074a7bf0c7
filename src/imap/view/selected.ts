/** One session's view of the selected mailbox: the only place that knows sequence numbers. RFC 9051 §2.3.1.2, §7.5.1. */

import { normaliseRanges, subtractRanges, uniteRanges } from '../../bytes/uid-ranges.ts'
import type { Mailbox } from '../../contracts/mail-store.ts'
import type { MailboxInfo } from '../../contracts/mailbox-info.ts'
import type { UidRange, Uid } from '../../contracts/numbers.ts'
import type { NumberRange } from '../wire/sequence-set.ts'
import type { MailboxState } from './mailbox-state.ts'
import { lowerBound, placeOf } from './positions.ts'

/** What changed in a view: what the client is to be told, in this order. RFC 9051 §7.5. */
export interface Update {
  /** Sequence numbers in descending order, so that each is right when it is told. */
  readonly expunged: readonly number[]
  /** UIDs of the expunged messages. */
  readonly vanished: readonly UidRange[]
  /** The new number of messages, when messages were added. */
  readonly exists: number | undefined
  /** Messages whose flags to tell. */
  readonly flagged: readonly UidRange[]
}

const NOTHING: readonly never[] = Object.freeze([])

/** The session's side of a selected mailbox. Shares its array of UIDs with the mailbox's state until they differ. */
export class Selected {
  readonly info: MailboxInfo
  readonly mailbox: Mailbox
  readonly state: MailboxState
  readonly isReadOnly: boolean
  /** UIDs in order of sequence number: `uids[n - 1]`. Never written to. */
  uids: Uint32Array
  /** Number of messages, as the client knows it. */
  count: number
  /** What SEARCH saved for `$`. RFC 9051 §6.4.4.1. */
  saved: readonly UidRange[] = NOTHING
  /** Version of the keywords that the client was told. */
  keywordVersion: number
  #cursor: number
  #told: number
  #highest: number
  #pendingExpunge: readonly UidRange[] = NOTHING
  #own: number[] = []

  constructor(info: MailboxInfo, mailbox: Mailbox, state: MailboxState, access: 'read-only' | 'read-write') {
    this.info = info
    this.mailbox = mailbox
    this.state = state
    this.isReadOnly = access === 'read-only'
    this.uids = state.uids
    this.count = state.count
    this.keywordVersion = state.flags.version
    this.#cursor = state.logEnd
    this.#told = state.highestModSeq
    this.#highest = this.count === 0 ? 0 : (this.uids[this.count - 1] ?? 0)
  }

  /** The UID of a sequence number of the view; 0 beyond it. */
  uidAt(seq: number): number {
    return seq > this.count ? 0 : (this.uids[seq - 1] ?? 0)
  }

  /** The sequence number of a UID; 0 when the view does not have it. */
  seqOf(uid: number): number {
    return placeOf(this.uids, this.count, uid) + 1
  }

  /** The place of the first UID that is at least `uid`. */
  lowerBound(uid: number): number {
    return lowerBound(this.uids, this.count, uid)
  }

  /** The largest UID of the view; 0 when it is empty. */
  get largestUid(): number {
    return this.uidAt(this.count)
  }

  /** Runs of sequence numbers as runs of UIDs: each spans exactly the messages of the view between its ends. */
  uidsOfSeqs(seqs: readonly NumberRange[]): readonly UidRange[] {
    return normaliseRanges(seqs.map(({ first, last }) => ({ first: this.uidAt(first) as Uid, last: this.uidAt(last) as Uid })))
  }

  /** Whether some messages in the runs are gone, though the client was not told yet. */
  hasGone(uids: readonly UidRange[]): boolean {
    const { state } = this
    if (this.uids === state.uids) return false
    for (const { first, last } of uids) {
      let at = lowerBound(state.uids, state.count, first)
      for (let place = this.lowerBound(first); place < this.count; place++) {
        const uid = this.uids[place] ?? 0
        if (uid > last) break
        if (at >= state.count || state.uids[at++] !== uid) return true
      }
    }
    return false
  }

  /** Whether there is something that {@link Selected.update} would tell. */
  get isBehind(): boolean {
    return this.#cursor !== this.state.logEnd || this.#pendingExpunge.length > 0 || this.keywordVersion !== this.state.flags.version
  }

  /** A change that this session made and tells by itself: not to be told again. */
  own(modSeq: number): void {
    this.#own.push(modSeq)
  }

  /**
   * Brings the view up to the present and answers what to tell. Without `expunge`, messages that are gone stay in the view
   * until a later call: RFC 9051 §7.5.1 forbids EXPUNGE while sequence numbers are in use.
   */
  update(expunge: 'tell' | 'keep'): Update | undefined {
    if (this.#cursor === this.state.logEnd && (expunge === 'keep' || this.#pendingExpunge.length === 0)) return undefined
    let { gone, flagged } = this.#news()
    this.#cursor = this.state.logEnd
    this.#told = this.state.highestModSeq
    this.#own = []
    gone = uniteRanges(this.#pendingExpunge, gone)
    flagged = subtractRanges(flagged, gone)
    const newest = this.state.count === 0 ? 0 : (this.state.uids[this.state.count - 1] ?? 0)
    const hasNew = newest > this.#highest
    const known = this.#highest
    this.#highest = Math.max(newest, known)
    if (expunge === 'keep') {
      this.#pendingExpunge = gone
      if (gone.length === 0) this.#adopt()
      else if (hasNew) this.#extend(known)
      return { expunged: NOTHING, vanished: NOTHING, exists: hasNew ? this.count : undefined, flagged }
    }
    this.#pendingExpunge = NOTHING
    const expunged: number[] = []
    const vanished: UidRange[] = []
    if (gone.length > 0) {
      this.#collect(gone, expunged, vanished)
      if (this.saved.length > 0) this.saved = subtractRanges(this.saved, gone)
    }
    this.#adopt()
    return { expunged, vanished: normaliseRanges(vanished), exists: hasNew ? this.count : undefined, flagged }
  }

  #news(): { gone: readonly UidRange[]; flagged: readonly UidRange[] } {
    const entries = this.state.since(this.#cursor)
    if (entries === undefined) return this.#compare()
    const gone: UidRange[] = []
    const flagged: UidRange[] = []
    for (const entry of entries) {
      if (entry.kind === 'expunged') gone.push(...entry.uids)
      else if (entry.kind === 'flagged' && !this.#own.includes(entry.modSeq)) flagged.push(...entry.uids)
    }
    return { gone: normaliseRanges(gone), flagged: normaliseRanges(flagged) }
  }

  /** The news found by comparing, when the log does not reach back far enough. */
  #compare(): { gone: readonly UidRange[]; flagged: readonly UidRange[] } {
    const { state } = this
    const gone: UidRange[] = []
    const flagged: UidRange[] = []
    let at = 0
    for (let i = 0; i < this.count; i++) {
      const uid = this.uids[i] as Uid
      while (at < state.count && (state.uids[at] ?? 0) < uid) at++
      if (at >= state.count || state.uids[at] !== uid) gone.push({ first: uid, last: uid })
      else if ((state.modSeqs[at] ?? 0) > this.#told) flagged.push({ first: uid, last: uid })
    }
    return { gone: normaliseRanges(gone), flagged: normaliseRanges(flagged) }
  }

  #collect(gone: readonly UidRange[], expunged: number[], vanished: UidRange[]): void {
    for (let i = gone.length - 1; i >= 0; i--) {
      const range = gone[i]
      if (range === undefined) continue
      for (let place = this.lowerBound(range.last + 1) - 1; place >= 0 && (this.uids[place] ?? 0) >= range.first; place--) {
        const uid = this.uids[place] as Uid
        expunged.push(place + 1)
        vanished.push({ first: uid, last: uid })
      }
    }
    vanished.reverse()
  }

  #adopt(): void {
    this.uids = this.state.uids
    this.count = this.state.count
  }

  #extend(known: number): void {
    const { state } = this
    const from = lowerBound(state.uids, state.count, known + 1)
    const extended = new Uint32Array(this.count + state.count - from)
    extended.set(this.uids.subarray(0, this.count))
    extended.set(state.uids.subarray(from, state.count), this.count)
    this.uids = extended
    this.count = extended.length
  }

  /** Whether messages of the runs are in the view but gone from the mailbox. */
  hasExpunged(runs: readonly UidRange[]): boolean {
    const { uids, count, state } = this
    if (uids === state.uids) return false
    for (const { first, last } of runs) {
      for (let place = this.lowerBound(first); place < count && (uids[place] ?? 0) <= last; place++)
        if (state.placeOf(uids[place] ?? 0) < 0) return true
    }
    return false
  }
}
