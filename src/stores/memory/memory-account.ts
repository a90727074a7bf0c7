/** One account of the memory store and its mailboxes, as sessions hold them. */

import { intersectRanges, normaliseRanges, rangesHave, rangesOf } from '../../bytes/uid-ranges.ts'
import type { CallOptions } from '../../contracts/call.ts'
import type { MailboxChange } from '../../contracts/change.ts'
import type {
  AppendResult,
  CopyResult,
  ExpungeOptions,
  FlagOptions,
  FlagResult,
  MailAccount,
  Mailbox,
  RecordOptions,
} from '../../contracts/mail-store.ts'
import { MailError } from '../../contracts/mail-error.ts'
import type { MailboxId, MailboxInfo, MailboxStatus, QuotaLimits, SpecialUse, Usage } from '../../contracts/mailbox-info.ts'
import type { FlagChange, MessageRecord, NewMessage, RecordColumn } from '../../contracts/message.ts'
import type { ModSeq, Uid, UidRange } from '../../contracts/numbers.ts'
import { checkFlags, flagsAfter } from '../flags.ts'
import { checkMailboxName, INBOX, isInferior } from '../mailbox-name.ts'
import { type AccountState, type Box, type House, indexOf, type Message } from './state.ts'

/** Messages in one page of records. */
const PAGE = 1000

/** An account as one session holds it: what its additions may fill is its own. */
export class MemoryAccount implements MailAccount {
  readonly id: string
  readonly #house: House
  readonly #state: AccountState
  readonly #quota: QuotaLimits

  constructor(house: House, state: AccountState, quota: QuotaLimits) {
    this.id = state.id
    this.#house = house
    this.#state = state
    this.#quota = quota
  }

  mailboxes(options?: CallOptions): Promise<readonly MailboxInfo[]> {
    return this.#run(options, state => [...state.boxes.values()].map(box => box.info))
  }

  create(name: string, options?: CallOptions & { readonly specialUse?: SpecialUse }): Promise<MailboxInfo> {
    return this.#run(options, state => {
      checkMailboxName(name)
      if (state.named(name) !== undefined) throw new MailError('already-exists', `${this.id} has a mailbox of this name`)
      const specialUse = options?.specialUse
      if (specialUse !== undefined && state.used(specialUse) !== undefined) {
        throw new MailError('already-exists', `${this.id} has a mailbox for ${specialUse}`)
      }
      return state.create(name, this.#house.nextUidValidity(), specialUse).info
    })
  }

  rename(mailbox: MailboxId, name: string, options?: CallOptions): Promise<void> {
    return this.#run(options, state => {
      const oldName = state.box(mailbox).info.name
      if (oldName === INBOX) throw new MailError('no-permission', 'the inbox keeps its name')
      if (isInferior(name, oldName)) throw new MailError('invalid', 'a mailbox cannot lie below itself')
      const moved = [...state.boxes.values()]
        .filter(({ info }) => info.name === oldName || isInferior(info.name, oldName))
        .sort((a, b) => (a.info.name < b.info.name ? -1 : 1))
        .map(box => ({ box, newName: name + box.info.name.slice(oldName.length) }))
      for (const { newName } of moved) {
        checkMailboxName(newName)
        if (state.named(newName) !== undefined) throw new MailError('already-exists', `${this.id} has a mailbox ${newName}`)
      }
      for (const { box, newName } of moved) {
        const { info } = box
        box.info = Object.freeze({ ...info, name: newName })
      }
      for (const { box, newName } of moved) {
        const was = oldName + newName.slice(name.length)
        state.tell({ kind: 'mailbox-renamed', modSeq: state.nextModSeq(), info: box.info, oldName: was })
      }
    })
  }

  remove(mailbox: MailboxId, options?: CallOptions): Promise<void> {
    return this.#run(options, state => {
      const box = state.box(mailbox)
      if (box.info.name === INBOX) throw new MailError('no-permission', 'the inbox stays')
      state.remove(box)
    })
  }

  subscriptions(options?: CallOptions): Promise<readonly string[]> {
    return this.#run(options, state => [...state.subscriptions])
  }

  subscribe(name: string, options?: CallOptions): Promise<void> {
    return this.#run(options, state => {
      checkMailboxName(name)
      if (state.subscriptions.has(name)) return
      state.subscriptions.add(name)
      state.tell({ kind: 'subscribed', modSeq: state.nextModSeq(), name })
    })
  }

  unsubscribe(name: string, options?: CallOptions): Promise<void> {
    return this.#run(options, state => {
      if (state.subscriptions.delete(name)) state.tell({ kind: 'unsubscribed', modSeq: state.nextModSeq(), name })
    })
  }

  mailbox(id: MailboxId): Mailbox {
    return new MemoryMailbox(id, this.#house, this.#state, this.#quota)
  }

  watch(listener: (change: MailboxChange) => void): () => void {
    // A function of its own, so that the same listener can be given twice and ended once.
    const own = (change: MailboxChange): void => listener(change)
    this.#state.listeners.add(own)
    return () => this.#state.listeners.delete(own)
  }

  usage(options?: CallOptions): Promise<Usage> {
    return this.#run(options, state => state.usage)
  }

  #run<T>(options: CallOptions | undefined, call: (state: AccountState) => T): Promise<T> {
    return this.#house.run(options, () => {
      this.#state.checkLiving()
      return call(this.#state)
    })
  }
}

class MemoryMailbox implements Mailbox {
  readonly id: MailboxId
  readonly #house: House
  readonly #state: AccountState
  readonly #quota: QuotaLimits

  constructor(id: MailboxId, house: House, state: AccountState, quota: QuotaLimits) {
    this.id = id
    this.#house = house
    this.#state = state
    this.#quota = quota
  }

  status(options?: CallOptions): Promise<MailboxStatus> {
    return this.#run(options, ({ messages, uidNext, highestModSeq, info: { uidValidity } }) => ({
      messages: messages.length,
      unseen: messages.filter(({ flags }) => !flags.includes('\\Seen')).length,
      deleted: messages.filter(({ flags }) => flags.includes('\\Deleted')).length,
      size: messages.reduce((sum, { body }) => sum + body.source.size, 0),
      uidNext,
      uidValidity,
      highestModSeq,
    }))
  }

  async *records(
    uids: readonly UidRange[],
    columns: readonly RecordColumn[],
    options: RecordOptions = {},
  ): AsyncGenerator<readonly MessageRecord[]> {
    const changedSince = options.changedSince ?? 0
    let rest = normaliseRanges(uids)
    while (rest.length > 0) {
      const page = await this.#run(options, box => select(box, rest, changedSince, PAGE))
      const last = page.at(-1)
      if (last === undefined) return
      yield page.map(message => recordOf(message, columns))
      rest = intersectRanges(rest, [{ first: (last.uid + 1) as Uid, last: Infinity as Uid }])
    }
  }

  append(messages: readonly NewMessage[], options?: CallOptions): Promise<AppendResult> {
    return this.#house.run(options, async () => {
      for (const { flags } of messages) checkFlags(flags)
      const arrivals = await this.#house.arrivals(messages, options)
      const box = this.#box()
      this.#state.checkQuota(this.#quota, arrivals)
      return { uidValidity: box.info.uidValidity, uids: arrivals.length === 0 ? [] : this.#state.add(box, arrivals) }
    })
  }

  flag(uids: readonly UidRange[], change: FlagChange, options?: FlagOptions): Promise<FlagResult> {
    return this.#run(options, box => {
      checkFlags(change.flags)
      const unchangedSince = options?.unchangedSince ?? Infinity
      const messages = select(box, normaliseRanges(uids))
      const open = messages.filter(message => message.modSeq <= unchangedSince)
      const refused = messages.filter(message => message.modSeq > unchangedSince)
      const changes = open.flatMap(message => {
        const flags = flagsAfter(message.flags, change)
        return flags === undefined ? [] : [{ ...message, flags }]
      })
      const changed = rangesOf(changes.map(({ uid }) => uid))
      const result = { changed, refused: rangesOf(refused.map(({ uid }) => uid)) }
      if (changes.length === 0) return result
      const modSeq = this.#state.replace(box, changes)
      this.#state.tell({ kind: 'flagged', mailbox: this.id, modSeq, uids: changed, change })
      return { ...result, modSeq }
    })
  }

  copy(uids: readonly UidRange[], target: MailboxId, options?: CallOptions): Promise<CopyResult> {
    return this.#run(options, box => {
      const into = this.#state.box(target)
      const messages = select(box, normaliseRanges(uids))
      this.#state.checkQuota(this.#quota, messages)
      const to = messages.length === 0 ? [] : this.#state.add(into, messages)
      return { uidValidity: into.info.uidValidity, from: messages.map(({ uid }) => uid), to }
    })
  }

  move(uids: readonly UidRange[], target: MailboxId, options?: CallOptions): Promise<CopyResult> {
    return this.#run(options, box => {
      const into = this.#state.box(target)
      const messages = select(box, normaliseRanges(uids))
      const from = messages.map(({ uid }) => uid)
      if (messages.length === 0) return { uidValidity: into.info.uidValidity, from, to: [] }
      const modSeq = this.#state.nextModSeq()
      // Listeners are told of both halves only when both are done.
      const to = this.#state.together(() => {
        const added = this.#state.add(into, messages, modSeq)
        this.#state.expunge(box, messages, modSeq)
        return added
      })
      return { uidValidity: into.info.uidValidity, from, to }
    })
  }

  expunge(uids: readonly UidRange[], options?: ExpungeOptions): Promise<readonly UidRange[]> {
    return this.#run(options, box => {
      const having = options?.having
      const goners = select(box, normaliseRanges(uids)).filter(({ flags }) => having === undefined || flags.includes(having))
      return goners.length === 0 ? [] : this.#state.expunge(box, goners)
    })
  }

  vanishedSince(modSeq: ModSeq, options?: CallOptions): Promise<readonly UidRange[]> {
    return this.#run(options, box => normaliseRanges(box.graves.filter(grave => grave.modSeq > modSeq).flatMap(grave => grave.uids)))
  }

  #box(): Box {
    this.#state.checkLiving()
    return this.#state.box(this.id)
  }

  #run<T>(options: CallOptions | undefined, call: (box: Box) => T): Promise<T> {
    return this.#house.run(options, () => call(this.#box()))
  }
}

/** The messages in the ranges that changed after a MODSEQ, at most `limit` of them. */
function select(box: Box, ranges: readonly UidRange[], changedSince = 0, limit = Infinity): readonly Message[] {
  const found: Message[] = []
  const last = ranges.at(-1)?.last ?? 0
  for (let at = indexOf(box.messages, ranges[0]?.first ?? Infinity); found.length < limit; at++) {
    const message = box.messages[at]
    if (message === undefined || message.uid > last) break
    if (message.modSeq > changedSince && rangesHave(ranges, message.uid)) found.push(message)
  }
  return found
}

function recordOf({ uid, modSeq, flags, internalDate, body }: Message, columns: readonly RecordColumn[]): MessageRecord {
  return {
    uid,
    modSeq,
    flags,
    size: body.source.size,
    internalDate,
    ...(columns.includes('summary') ? { summary: body.summary } : {}),
    ...(columns.includes('source') ? { source: body.source } : {}),
    ...(columns.includes('emailId') ? { emailId: body.emailId() } : {}),
  }
}
