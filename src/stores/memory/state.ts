/**
 * What the memory store remembers, and the few steps in which it changes. Every step runs to its end without waiting, so
 * that it is atomic: nobody ever sees half of one.
 */

import { createHash } from 'node:crypto'
import { rangesOf } from '../../bytes/uid-ranges.ts'
import type { CallOptions } from '../../contracts/call.ts'
import type { AddedMessage, MailboxChange } from '../../contracts/change.ts'
import { MailError } from '../../contracts/mail-error.ts'
import type { AccountId, MailboxId, MailboxInfo, QuotaLimits, SpecialUse } from '../../contracts/mailbox-info.ts'
import type { Flag, MessageSource, NewMessage } from '../../contracts/message.ts'
import { MAX_UID, type ModSeq, type Uid, type UidRange, type UidValidity } from '../../contracts/numbers.ts'

/** The part of a message that never changes; copies share it. */
export interface Body {
  readonly source: MessageSource
  readonly summary: Uint8Array
  /** A hash of all octets, made when first asked for. */
  readonly emailId: () => string
}

/** A message on its way in, by delivery or by copy. */
export interface Arrival {
  readonly body: Body
  readonly flags: readonly Flag[]
  readonly internalDate: number
}

/** A message in its mailbox. Replaced, never changed. */
export interface Message extends Arrival {
  readonly uid: Uid
  readonly modSeq: ModSeq
}

/** A mailbox. */
export interface Box {
  info: MailboxInfo
  /** In ascending order of UID. */
  messages: Message[]
  uidNext: Uid
  highestModSeq: ModSeq
  /** What was expunged, in the order in which it was. */
  readonly graves: { readonly modSeq: ModSeq; readonly uids: readonly UidRange[] }[]
}

/** What accounts need of the store around them. */
export interface House {
  /** Runs a call: not at all when the store is closed or nobody waits, and before the store closes when it has begun. */
  run<T>(options: CallOptions | undefined, call: () => T | Promise<T>): Promise<T>
  /** Reads what is to be stored into octets of our own. The same content object is read once. */
  arrivals(messages: readonly NewMessage[], options: CallOptions | undefined): Promise<readonly Arrival[]>
  nextUidValidity(): UidValidity
}

/** A body made of octets that belong to the store from now on. */
export function bodyOf(prefix: Uint8Array, content: Uint8Array, summary: Uint8Array): Body {
  let emailId: string | undefined
  return {
    source: joined(prefix, content),
    summary,
    emailId: () => (emailId ??= createHash('sha256').update(prefix).update(content).digest('base64url')),
  }
}

function joined(prefix: Uint8Array, content: Uint8Array): MessageSource {
  const size = prefix.length + content.length
  return {
    size,
    read(start, end) {
      const from = Math.max(0, Math.min(start, size))
      const to = Math.max(from, Math.min(end, size))
      if (to <= prefix.length) return prefix.subarray(from, to)
      if (from >= prefix.length) return content.subarray(from - prefix.length, to - prefix.length)
      const octets = new Uint8Array(to - from)
      octets.set(prefix.subarray(from))
      octets.set(content.subarray(0, to - prefix.length), prefix.length - from)
      return octets
    },
  }
}

/** The mail of one account. */
export class AccountState {
  readonly id: AccountId
  readonly boxes: Map<MailboxId, Box> = new Map()
  readonly subscriptions: Set<string> = new Set()
  readonly listeners: Set<(change: MailboxChange) => void> = new Set()
  removed: boolean = false
  usage: { readonly octets: number; readonly messages: number } = { octets: 0, messages: 0 }
  #modSeq = 0
  /** Changes that listeners have not been told yet: a listener may itself make a change, which is told after this one. */
  readonly #untold: MailboxChange[] = []
  #holding = false

  constructor(id: AccountId) {
    this.id = id
  }

  /** The MODSEQ of a change that is about to be made. */
  nextModSeq(): ModSeq {
    return ++this.#modSeq as ModSeq
  }

  checkLiving(): void {
    if (this.removed) throw new MailError('no-such-account', `${this.id} was removed`)
  }

  box(id: MailboxId): Box {
    const box = this.boxes.get(id)
    if (box === undefined) throw new MailError('no-such-mailbox', `${this.id} has no mailbox ${id}`)
    return box
  }

  named(name: string): Box | undefined {
    return [...this.boxes.values()].find(box => box.info.name === name)
  }

  used(specialUse: SpecialUse): Box | undefined {
    return [...this.boxes.values()].find(box => box.info.specialUse === specialUse)
  }

  /** Throws `over-quota` when the arrivals would not fit. Only additions are ever refused, so an account may stay over its limits. */
  checkQuota(quota: QuotaLimits, arrivals: readonly Arrival[]): void {
    if (arrivals.length === 0) return
    const octets = this.usage.octets + sizeOf(arrivals)
    const messages = this.usage.messages + arrivals.length
    if (octets > (quota.octets ?? Infinity) || messages > (quota.messages ?? Infinity)) {
      throw new MailError('over-quota', `${this.id} would hold ${octets} octets in ${messages} messages`)
    }
  }

  create(name: string, uidValidity: UidValidity, specialUse?: SpecialUse): Box {
    const modSeq = this.nextModSeq()
    // UIDVALIDITY is never used twice in this store, so it makes an id that is never given to another mailbox.
    const id = `m${uidValidity}`
    const info = Object.freeze(specialUse === undefined ? { id, name, uidValidity } : { id, name, uidValidity, specialUse })
    const box: Box = { info, messages: [], uidNext: 1 as Uid, highestModSeq: modSeq, graves: [] }
    this.boxes.set(id, box)
    this.tell({ kind: 'mailbox-created', modSeq, info })
    return box
  }

  /** Puts messages at the end of a mailbox; answers their UIDs. */
  add(box: Box, arrivals: readonly Arrival[], modSeq: ModSeq = this.nextModSeq()): readonly Uid[] {
    if (box.uidNext + arrivals.length > MAX_UID) throw new MailError('no-space', `mailbox ${box.info.id} has no UIDs left`)
    const added: AddedMessage[] = []
    for (const { body, flags, internalDate } of arrivals) {
      const uid = box.uidNext
      box.uidNext = (uid + 1) as Uid
      box.messages.push({ uid, modSeq, body, flags, internalDate })
      added.push({ uid, flags, size: body.source.size, internalDate })
    }
    box.highestModSeq = modSeq
    this.#use(arrivals, 1)
    this.tell({ kind: 'added', mailbox: box.info.id, modSeq, messages: added })
    return added.map(({ uid }) => uid)
  }

  /** Takes messages out of a mailbox for good; answers their UIDs. */
  expunge(box: Box, goners: readonly Message[], modSeq: ModSeq = this.nextModSeq()): readonly UidRange[] {
    const gone = new Set(goners)
    const uids = rangesOf(goners.map(({ uid }) => uid))
    box.messages = box.messages.filter(message => !gone.has(message))
    box.graves.push({ modSeq, uids })
    box.highestModSeq = modSeq
    this.#use(goners, -1)
    this.tell({ kind: 'expunged', mailbox: box.info.id, modSeq, uids })
    return uids
  }

  /** Puts changed messages in the place of what they were; answers their MODSEQ. */
  replace(box: Box, messages: readonly Omit<Message, 'modSeq'>[]): ModSeq {
    const modSeq = this.nextModSeq()
    for (const message of messages) box.messages[indexOf(box.messages, message.uid)] = { ...message, modSeq }
    box.highestModSeq = modSeq
    return modSeq
  }

  remove(box: Box): void {
    this.boxes.delete(box.info.id)
    this.#use(box.messages, -1)
    this.tell({ kind: 'mailbox-removed', modSeq: this.nextModSeq(), info: box.info })
  }

  /** Tells listeners of a change, in order, also when one of them makes another change. */
  tell(change: MailboxChange): void {
    this.#untold.push(change)
    if (this.#holding) return
    this.together(() => undefined)
  }

  /** Takes several steps as one: listeners are told of all of them when all are done. */
  together<T>(steps: () => T): T {
    if (this.#holding) return steps()
    this.#holding = true
    try {
      const result = steps()
      for (let next = this.#untold.shift(); next !== undefined; next = this.#untold.shift()) this.#announce(next)
      return result
    } finally {
      this.#holding = false
    }
  }

  #announce(change: MailboxChange): void {
    for (const listener of this.listeners) {
      try {
        listener(change)
      } catch (error) {
        // The change is made: a listener's bug must not make its promise reject, nor keep others from being told.
        process.emitWarning(error instanceof Error ? error : String(error))
      }
    }
  }

  #use(messages: readonly Arrival[], sign: 1 | -1): void {
    this.usage = {
      octets: this.usage.octets + sign * sizeOf(messages),
      messages: this.usage.messages + sign * messages.length,
    }
  }
}

function sizeOf(messages: readonly Arrival[]): number {
  return messages.reduce((sum, { body }) => sum + body.source.size, 0)
}

/** Index of the first message whose UID is at least `uid`; by bisection. */
export function indexOf(messages: readonly Message[], uid: number): number {
  let low = 0
  let high = messages.length
  while (low < high) {
    const middle = (low + high) >> 1
    if ((messages[middle]?.uid ?? Infinity) < uid) low = middle + 1
    else high = middle
  }
  return low
}
