/** What every case of the store's conformance kit works with: a fresh store, messages to put in, and sentences that fail well. */

import assert from 'node:assert/strict'
import { promised } from '../promised.ts'
import { ALL_UIDS, type MailAccount, type Mailbox, type MailboxInfo, type MailStore } from '../../contracts/index.ts'
import type { MessageRecord, MessageSource, NewMessage, RecordColumn, RecordOptions, Uid, UidRange } from '../../contracts/index.ts'

export { kindOf, promised, refuses, same } from '../promised.ts'

/** An optional power of a store: `emailId` is the column of that name, the others are the methods. */
export type StorePower = 'deliver' | 'removeAccount' | 'usage' | 'move' | 'vanishedSince' | 'emailId'

/** A fresh store and what the kit knows about it; made for one case and thrown away after it. */
export interface World {
  /** The store; another object after {@link World.crash}. */
  readonly store: MailStore
  readonly powers: ReadonlySet<StorePower>
  /** Size of the large mailbox. */
  readonly many: number
  /** How many histories are made up. */
  readonly histories: number
  readonly seed: number
  /** Crashes the store and opens what it left. */
  crash(): Promise<void>
  /** A second, independent world of the same kind, for cases that run a history more than once. */
  another(): Promise<World>
  /** Throws the world away. */
  end(): Promise<void>
}

/** One promise and how it is proved. */
export interface StoreCase {
  /** One sentence, the invariant first where it has a number. */
  readonly name: string
  /** Powers without which there is nothing to prove. */
  readonly needs?: readonly (StorePower | 'reopen')[]
  readonly run: (world: World) => Promise<void>
}

/** Octets of a text in UTF-8. */
export function octets(text: string): Uint8Array {
  return new TextEncoder().encode(text)
}

/** A source that answers with promises, so that the store really has to wait. */
export function slowSource(content: Uint8Array): MessageSource {
  return { size: content.length, read: async (start, end) => content.slice(Math.max(0, start), Math.max(0, end)) }
}

/** What a letter may differ in. */
export interface Letter {
  readonly text?: string
  readonly content?: MessageSource
  readonly prefix?: Uint8Array
  readonly summary?: Uint8Array
  readonly flags?: readonly string[]
  readonly internalDate?: number
}

/** A small message, ready to be added. */
export function letter({
  text = 'a letter',
  content,
  prefix,
  summary,
  flags = [],
  internalDate = 1_700_000_000_000,
}: Letter = {}): NewMessage {
  const octetsOfIt = octets(`Subject: ${text}\r\n\r\n${text}\r\n`)
  return {
    content: content ?? { size: octetsOfIt.length, read: (start, end) => octetsOfIt.subarray(Math.max(0, start), Math.max(0, end)) },
    ...(prefix === undefined ? {} : { prefix }),
    summary: summary ?? octets(`summary of ${text}`),
    flags,
    internalDate,
  }
}

/** A message of exactly this many octets. */
export function letterOf(size: number, flags: readonly string[] = []): NewMessage {
  const content = new Uint8Array(size).fill(0x61)
  return letter({ content: { size, read: (start, end) => content.subarray(start, end) }, flags })
}

/** Opens an account; `ann` unless another is named. */
export function open(world: World, account: string = 'ann'): Promise<MailAccount> {
  return world.store.open(account)
}

/** The inbox of an account. */
export async function inboxOf(account: MailAccount): Promise<Mailbox> {
  return account.mailbox((await infoOf(account, 'INBOX')).id)
}

/** The mailbox of that name. */
export async function infoOf(account: MailAccount, name: string): Promise<MailboxInfo> {
  const info = (await account.mailboxes()).find(mailbox => mailbox.name === name)
  if (info === undefined) throw new assert.AssertionError({ message: `Promised: ${account.id} has a mailbox ${name}\n    Seen: none` })
  return info
}

/** The names of all mailboxes, sorted. */
export async function namesOf(account: MailAccount): Promise<readonly string[]> {
  return (await account.mailboxes()).map(({ name }) => name).sort()
}

/** Runs of UIDs for given ends: `runs(1, 3, 7, 7)` is 1:3,7. */
export function runs(...ends: readonly number[]): readonly UidRange[] {
  const ranges: UidRange[] = []
  for (let at = 0; at + 1 < ends.length; at += 2) ranges.push({ first: (ends[at] ?? 0) as Uid, last: (ends[at + 1] ?? 0) as Uid })
  return ranges
}

/** Runs as `sequence-set` text, which is short in failures; fails on runs that are not ascending or touch one another. */
export function runsText(promise: string, ranges: readonly UidRange[]): string {
  const text = ranges.map(({ first, last }) => (first === last ? `${first}` : `${first}:${last}`)).join(',')
  let last = -1
  for (const range of ranges) {
    promised(`${promise}: runs ascend and do not touch`, range.first > last + 1 && range.last >= range.first, () => text)
    last = range.last
  }
  return text
}

/** Every UID in runs of known, small length. */
export function listed(ranges: readonly UidRange[]): readonly number[] {
  runsText('runs that are answered', ranges)
  return ranges.flatMap(({ first, last }) => Array.from({ length: last - first + 1 }, (_, at) => first + at))
}

/** All records in the ranges; fails when pages are empty, or UIDs do not ascend strictly from page to page. */
export async function read(
  mailbox: Mailbox,
  uids: readonly UidRange[] = ALL_UIDS,
  columns: readonly RecordColumn[] = [],
  options?: RecordOptions,
): Promise<MessageRecord[]> {
  const records: MessageRecord[] = []
  let last = 0
  for await (const page of mailbox.records(uids, columns, options)) {
    for (const record of page) {
      promised('records come in ascending order of UID, each once', record.uid > last, () => `UID ${record.uid} after ${last}`)
      last = record.uid
      records.push(record)
    }
  }
  return records
}

/** What a line tells of a message. */
export interface Lined {
  readonly uid: number
  readonly modSeq: number
  readonly flags: readonly string[]
  readonly size: number
  readonly internalDate: number
}

/** A record as one line, the same for equal records. */
export function line({ uid, modSeq, flags, size, internalDate }: Lined): string {
  return `${uid} modseq=${modSeq} flags=(${[...flags].sort().join(' ')}) size=${size} date=${internalDate}`
}

/** The whole mailbox as lines. */
export async function look(mailbox: Mailbox, uids: readonly UidRange[] = ALL_UIDS): Promise<readonly string[]> {
  return (await read(mailbox, uids)).map(line)
}

/** The octets of a source; as hexadecimal text they compare and print well only when small, so callers compare with {@link sameOctets}. */
export async function contentOf(record: MessageRecord | undefined): Promise<Uint8Array> {
  if (record?.source === undefined)
    throw new assert.AssertionError({ message: 'Promised: the column `source` when it is asked for\n    Seen: none' })
  return record.source.read(0, record.source.size)
}

/** Fails unless the octets are equal, and says where they differ first. */
export function sameOctets(promise: string, seen: Uint8Array, expected: Uint8Array): void {
  promised(promise, seen instanceof Uint8Array, () => `not octets but ${typeof seen}`)
  promised(promise, seen.length === expected.length, () => `${seen.length} octets instead of ${expected.length}`)
  const at = expected.findIndex((octet, index) => seen[index] !== octet)
  promised(promise, at === -1, () => `octet ${at} is ${seen[at]} instead of ${expected[at]}`)
}

/** The octets that a new message stands for: its prefix, then its content. */
export async function wholeOf(message: NewMessage): Promise<Uint8Array> {
  const content = await message.content.read(0, message.content.size)
  const whole = new Uint8Array((message.prefix?.length ?? 0) + content.length)
  whole.set(message.prefix ?? new Uint8Array())
  whole.set(content, message.prefix?.length ?? 0)
  return whole
}

/** Looks again and again while work is under way, and at least once after it; fails with whatever fails first. */
export async function whileLooking<T>(look: () => Promise<void>, work: () => Promise<T>): Promise<T> {
  const ended = new AbortController()
  const looking = async (): Promise<void> => {
    while (!ended.signal.aborted) {
      await look()
      await new Promise(resolve => {
        setImmediate(resolve)
      })
    }
    await look()
  }
  const working = async (): Promise<T> => {
    try {
      return await work()
    } finally {
      ended.abort()
    }
  }
  const [seen, done] = await Promise.allSettled([looking(), working()])
  if (seen.status === 'rejected') throw seen.reason
  if (done.status === 'rejected') throw done.reason
  return done.value
}
