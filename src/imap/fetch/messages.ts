/** FETCH of what has to be read from the store: page by page, message by message, in bounded memory. RFC 9051 §6.4.5, §7.5.2. */

import { rangesHave } from '../../bytes/uid-ranges.ts'
import { MailError } from '../../contracts/mail-error.ts'
import type { MessageRecord, MessageSource } from '../../contracts/message.ts'
import type { ModSeq, Uid, UidRange } from '../../contracts/numbers.ts'
import type { MessageSummary } from '../../mime/index.ts'
import { Disconnected } from '../../engine/sliced-work.ts'
import { codes, completionOf, type Completion } from '../codes.ts'
import type { Context } from '../context.ts'
import { READ_PIECE } from '../limits.ts'
import { printPlain } from './plain.ts'
import type { FetchPlan, MessageItem } from './plan.ts'
import { summaryOf } from './summaries.ts'
import { wantedOf, type Wanted } from './wanted.ts'

const NO_RANGES: readonly UidRange[] = []
const NOTHING: Uint8Array = new Uint8Array(0)
/** Runs of octets from this size on are sent as they are instead of being copied into the chunk. */
const SENT_ALONE = 16 * 1024

/** Whole messages up to this size are gathered in the chunk. */
const COPIED = 128 * 1024

/** One message on its way out. */
interface Row {
  readonly seq: number
  readonly record: MessageRecord
  readonly wanted: readonly Wanted[]
}

/** Fetches the messages of one command. */
export class MessageFetch {
  readonly #context: Context
  readonly #plan: FetchPlan
  #seenNow: readonly UidRange[] = NO_RANGES
  /** Why some messages were left out although they are there; `undefined` when none was. */
  failure: Completion | undefined
  /** Some messages are gone. */
  isMissing = false

  constructor(context: Context, plan: FetchPlan) {
    this.#context = context
    this.#plan = plan
  }

  /** Prints a FETCH for each message of the runs that is in the view. */
  async run(uids: readonly UidRange[]): Promise<void> {
    const context = this.#context
    const { view, connection } = context
    const { columns, setsSeen, changedSince } = this.#plan
    const options =
      changedSince === undefined ? { signal: connection.signal } : { signal: connection.signal, changedSince: changedSince as ModSeq }
    for await (const page of view.mailbox.records(uids, columns, options)) {
      if (setsSeen && !view.isReadOnly) await this.#markSeen(page)
      for (const record of page) {
        const seq = view.seqOf(record.uid)
        if (seq === 0) continue
        const waiting = this.#fetch(record, seq)
        if (waiting !== undefined) await waiting
        const pause = context.pause()
        if (pause !== undefined) await pause
      }
    }
  }

  /** RFC 9051 §6.4.5: "The \Seen flag is implicitly set"; once for a page, and only where it is not set yet. */
  async #markSeen(page: readonly MessageRecord[]): Promise<void> {
    const { view } = this.#context
    const { state } = view
    const unseen: { first: Uid; last: Uid }[] = []
    for (const { uid } of page) {
      const at = state.placeOf(uid)
      if (at < 0 || view.seqOf(uid) === 0 || state.flags.set(state.flagIds[at] ?? 0).isSeen) continue
      const open = unseen.at(-1)
      if (open !== undefined && open.last + 1 === uid) open.last = uid
      else unseen.push({ first: uid, last: uid })
    }
    this.#seenNow = NO_RANGES
    if (unseen.length === 0) return
    const { changed, modSeq } = await view.mailbox.flag(unseen, { kind: 'add', flags: ['\\Seen'] })
    if (modSeq !== undefined) view.own(modSeq)
    this.#seenNow = changed
  }

  /** Fetches one message; a promise only when the store does not answer at once. */
  #fetch(record: MessageRecord, seq: number): Promise<void> | undefined {
    try {
      const summary = this.#plan.columns.includes('summary') ? summaryOf(this.#context.view.mailbox, record) : undefined
      if (summary instanceof Promise) return this.#fetchLater(record, seq, summary)
      const waiting = this.#fetchWith(record, seq, summary)
      return waiting?.catch((error: unknown) => this.#failed(error))
    } catch (error) {
      this.#failed(error)
      return undefined
    }
  }

  async #fetchLater(record: MessageRecord, seq: number, summary: Promise<MessageSummary>): Promise<void> {
    try {
      await this.#fetchWith(record, seq, await summary)
    } catch (error) {
      this.#failed(error)
    }
  }

  /** A message that is gone or damaged is left out, the others are still told; anything else ends the command. */
  #failed(error: unknown): void {
    if (error instanceof MailError && error.kind === 'no-such-message') this.isMissing = true
    else if (error instanceof MailError && error.kind === 'corrupt') {
      this.#context.host.report(error, 'imap: fetch', this.#context.connection)
      this.failure = completionOf(error)
    } else throw error
  }

  #fetchWith(record: MessageRecord, seq: number, summary: MessageSummary | undefined): Promise<void> | undefined {
    const wanted = this.#plan.rest.map(item => wantedOf(item, summary, record.size))
    if (wanted.some(({ kind }) => kind === 'unknown-encoding')) this.failure = codes.unknownEncoding
    const row: Row = { seq, record, wanted }
    if (this.#plan.rest[0]?.kind === 'section' && isWholeAndSmall(record, wanted)) {
      this.#printCopied(row, record.source)
      return undefined
    }
    const firsts: (Uint8Array | Promise<Uint8Array>)[] = []
    let isLate = false
    for (const each of wanted) {
      const first = each.kind === 'read' ? firstPiece(record.source, each) : NOTHING
      if (first instanceof Promise) isLate = true
      firsts.push(first)
    }
    if (isLate) return Promise.all(firsts.map(async first => first)).then(pieces => this.#print(row, pieces))
    return this.#print(row, firsts as Uint8Array[])
  }

  /** Prints a row of one small message: its octets go from the store to where they are sent from. */
  #printCopied(row: Row, source: Copied): void {
    const { builder } = this.#context.out
    const before = builder.length
    try {
      const hasItems = this.#printHead(row)
      const [item] = this.#plan.rest
      if (hasItems === undefined || item === undefined) return
      if (hasItems) builder.byte(0x20)
      builder.utf8(item.label).latin1(' {').number(source.size).latin1('}\r\n')
      builder.filled(source.size, (target, at) => source.copyTo(target, at)).latin1(')\r\n')
    } catch (error) {
      builder.shorten(before)
      throw error
    }
  }

  /** Prints the whole row; a promise only when octets beyond the first pieces have to be read or the client is slow. */
  #print(row: Row, firsts: readonly Uint8Array[]): Promise<void> | undefined {
    for (const [i, each] of row.wanted.entries()) checkLength(each, firsts[i] ?? NOTHING)
    const hasItems = this.#printHead(row)
    return hasItems === undefined ? undefined : this.#printFrom(0, row, firsts, hasItems)
  }

  /** Prints a row up to its first item of the message; whether items stand there already; `undefined` when the message is gone. */
  #printHead({ seq, record }: Row): boolean | undefined {
    const { view, out } = this.#context
    const { state } = view
    const at = state.placeOf(record.uid)
    if (at < 0) {
      this.isMissing = true
      return undefined
    }
    out.text('* ').builder.number(seq).latin1(' FETCH (')
    const { plain } = this.#plan
    printPlain(out.builder, plain, state, at)
    // RFC 9051 §6.4.5: "if this causes the flags to change, they SHOULD be included".
    if (plain.includes('FLAGS') || !rangesHave(this.#seenNow, record.uid)) return plain.length > 0
    if (plain.length > 0) out.text(' ')
    printPlain(out.builder, ['FLAGS'], state, at)
    return true
  }

  #printFrom(from: number, row: Row, firsts: readonly Uint8Array[], hasItems: boolean): Promise<void> | undefined {
    const { out } = this.#context
    const { rest } = this.#plan
    let follows = hasItems
    for (let i = from; i < rest.length; i++) {
      const item = rest[i]
      const wanted = row.wanted[i]
      if (item === undefined || wanted === undefined || wanted.kind === 'unknown-encoding') continue
      if (follows) out.text(' ')
      follows = true
      out.builder.utf8(item.label).byte(0x20)
      const waiting = this.#printItem(item, wanted, firsts[i] ?? NOTHING, row.record.source)
      if (waiting !== undefined) return waiting.then(() => this.#printFrom(i + 1, row, firsts, true))
    }
    out.text(')\r\n')
    return undefined
  }

  #printItem(item: MessageItem, wanted: Wanted, first: Uint8Array, source: MessageSource | undefined): Promise<void> | undefined {
    const { out } = this.#context
    if (wanted.kind === 'known') {
      out.octets(wanted.octets)
      return undefined
    }
    if (wanted.kind !== 'read') {
      out.text(item.kind === 'binary-size' ? '0' : 'NIL')
      return undefined
    }
    const octets = wanted.shape === undefined ? first : wanted.shape(first)
    const size = wanted.shape === undefined ? wanted.end - wanted.start : octets.length
    if (wanted.isSize) {
      out.builder.number(size)
      return undefined
    }
    // RFC 9051 §9, literal8: only where a NUL may stand.
    if (item.kind === 'binary' && (octets.includes(0) || octets.length < size)) out.text('~')
    out.text('{').builder.number(size).latin1('}\r\n')
    const pressure = octets.length >= SENT_ALONE ? out.send(octets) : void out.octets(octets)
    if (octets.length < size) return this.#stream(wanted.start + octets.length, wanted.end, source, pressure)
    return pressure ?? undefined
  }

  /** Sends the octets of a message piece by piece, as fast as the client takes them. */
  async #stream(start: number, end: number, source: MessageSource | undefined, pressure: Promise<void> | undefined | void): Promise<void> {
    const { out, host, connection } = this.#context
    if (pressure !== undefined) await pressure
    try {
      for (let at = start; at < end; at += READ_PIECE) {
        const to = Math.min(end, at + READ_PIECE)
        const piece = await source?.read(at, to)
        if (piece?.length !== to - at) throw new MailError('corrupt', 'a message is shorter than its record says')
        await out.send(piece)
        await this.#context.pause()
      }
    } catch (error) {
      // The client counts on the octets that were announced: nothing else can be said on this connection.
      if (!(error instanceof Disconnected)) host.report(error, 'imap: fetch', connection)
      throw new Disconnected()
    }
  }
}

type Copied = MessageSource & Required<Pick<MessageSource, 'copyTo'>>

/** Whether one item is asked for that is the whole message, which is small and can be copied. */
function isWholeAndSmall(record: MessageRecord, wanted: readonly Wanted[]): record is MessageRecord & { readonly source: Copied } {
  const [item] = wanted
  const { source } = record
  if (wanted.length !== 1 || item?.kind !== 'read' || item.shape !== undefined || item.isSize) return false
  return source?.copyTo !== undefined && item.start === 0 && item.end === source.size && source.size <= COPIED
}

type Reading = Extract<Wanted, { readonly kind: 'read' }>

/** The octets to begin with: all that are shaped, a piece of those that are sent as they are. */
function firstPiece(source: MessageSource | undefined, { start, end, shape, isSize }: Reading): Uint8Array | Promise<Uint8Array> {
  if (start >= end || source === undefined) return NOTHING
  if (shape !== undefined) return source.read(start, end)
  return isSize ? NOTHING : source.read(start, Math.min(end, start + READ_PIECE))
}

function checkLength(wanted: Wanted, first: Uint8Array): void {
  if (wanted.kind !== 'read' || (wanted.isSize && wanted.shape === undefined)) return
  const due = wanted.shape === undefined ? Math.min(wanted.end - wanted.start, READ_PIECE) : wanted.end - wanted.start
  if (first.length !== Math.max(0, due)) throw new MailError('corrupt', 'a message is shorter than its record says')
}
