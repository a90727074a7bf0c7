/**
 * The one writer of a process: takes what arrived while the last sync ran, and makes one durable step of it. An
 * operation that is refused leaves no trace in the step of the others: it has a savepoint, or looks before it changes anything.
 */

import { MailError } from '../../contracts/mail-error.ts'
import { quietly } from '../quietly.ts'
import { connect, databasePath } from './database.ts'
import { failpoint } from './failpoints.ts'
import { isBusy, isFatal, isMissing, isNoSpace, isReadOnly, mailErrorOf, missingSegment } from './faults.ts'
import { KeywordSets } from './flag-bits.ts'
import { LogSize } from './log-size.ts'
import type { Answer, Failure, Operation, Request, WriterCounters, WriterOptions } from './operation.ts'
import { append, deliver } from './operations-add.ts'
import { copy, expunge, flag } from './operations-change.ts'
import { createMailbox, openAccount, removeAccount, removeMailbox, renameMailbox, subscription } from './operations-mailbox.ts'
import { forgetSegment, hold, moveContents, placesOf, type Place, retire, setSummaries, sweep } from './operations-upkeep.ts'
import { runQueueTask } from './queue-run.ts'
import { segmentPath } from './segment-format.ts'
import { type Group, SegmentWriter, type StagedContent } from './segment-writer.ts'
import type { Sql } from './sql.ts'
import { WriteContext } from './write-context.ts'

/** Octets of the write-ahead log after which they are moved into the database between two groups. */
const CHECKPOINT_AT = 16 * 1024 * 1024

/** The same when there is nothing else to do. */
const IDLE_CHECKPOINT_AT = 1024 * 1024

/** Another process retired the segment that was being written: what was staged must be staged again. */
class SegmentLost extends Error {}

/** What was staged for one operation. */
interface Staged {
  readonly contents: readonly StagedContent[]
  readonly moves: readonly (readonly [Place, StagedContent])[]
}

/** Executes operations in groups. Synchronous: it lives on a thread of its own. */
export class Writer {
  /** What it did so far, after those before it that counted here. */
  readonly counters: WriterCounters
  readonly #options: WriterOptions
  readonly #sql: Sql
  readonly #context: WriteContext
  readonly #segments: SegmentWriter
  readonly #log: LogSize
  /** The filling of the log that could not be moved as a whole, and the size at which that is worth another attempt. */
  #stuck: { readonly generation: string | undefined; readonly until: number } | undefined
  #writer = 0
  #stopped: Failure | undefined
  #isUseless = false

  constructor(options: WriterOptions, counters: WriterCounters = { groups: 0, operations: 0, segmentSyncs: 0 }) {
    this.#options = options
    this.counters = counters
    this.#sql = connect(options.folder, { busyTimeout: options.busyTimeout, writable: true })
    // Moving the log into the database is done here, between groups, where a failed sync is seen: a commit would hide it.
    this.#sql.database.exec('PRAGMA wal_autocheckpoint = 0')
    this.#log = new LogSize(`${databasePath(options.folder)}-wal`)
    this.#context = new WriteContext(this.#sql, new KeywordSets(this.#sql), options.history)
    const { folder, segmentSize, minimumFree } = options
    this.#segments = new SegmentWriter(this.#sql, { folder, segmentSize, minimumFree, writer: () => this.#writer })
  }

  /** Why it writes no more, once it does not. */
  get stopped(): Failure | undefined {
    return this.#stopped
  }

  /** Whether it was opened for reading only, for want of a file: another one may have more luck. */
  get isUseless(): boolean {
    return this.#isUseless
  }

  /** Executes requests as one durable step; answers in their order. */
  run(requests: readonly Request[]): readonly Answer[] {
    failpoint('after-receive')
    const answers = this.#attempt(requests)
    this.counters.operations += requests.length
    return answers
  }

  #attempt(requests: readonly Request[]): readonly Answer[] {
    if (this.#stopped !== undefined) return this.#refuseAll(requests, this.#stopped)
    try {
      return this.#group(requests)
    } catch (error) {
      this.#rollBack()
      if (error instanceof SegmentLost) return this.#attempt(requests)
      if (isFatal(error)) {
        this.#stop(error)
        return this.#attempt(requests)
      }
      this.#isUseless ||= isReadOnly(error)
      const failure = failureOf(error)
      // One at a time, so that only those fail that the fault is about: a full disk still lets messages be removed.
      if (requests.length > 1 && !isBusy(error) && !this.#isUseless) return requests.flatMap(request => this.#attempt([request]))
      return this.#refuseAll(requests, failure)
    }
  }

  #refuseAll(requests: readonly Request[], failure: Failure): readonly Answer[] {
    return requests.map(({ id }) => ({ id, changes: [], outcome: { ok: false, failure } }))
  }

  #group(requests: readonly Request[]): readonly Answer[] {
    this.#ensureWriter()
    this.#segments.beginGroup()
    const group: Group = new Map()
    const staged = requests.map(request => this.#stage(request.operation, group))
    if (this.#segments.sync()) this.counters.segmentSyncs++
    this.#sql.run('BEGIN IMMEDIATE')
    failpoint('after-begin')
    if (!this.#segments.isOurs()) {
      this.#rollBack()
      this.#segments.leave()
      throw new SegmentLost()
    }
    this.#keepKnown(group)
    const answers = requests.map((request, at) => this.#execute(request, staged[at]))
    failpoint('after-rows')
    if (answers.some(({ outcome }) => outcome.ok)) {
      this.#sql.run('UPDATE writer SET commits = commits + 1, seen = unixepoch() WHERE id = ?', this.#writer)
    }
    this.#sql.run('COMMIT')
    failpoint('after-commit')
    this.counters.groups++
    return answers
  }

  /** Brings contents into the segment before the database is locked. A refusal belongs to its operation alone. */
  #stage(operation: Operation, group: Group): Staged | Failure {
    try {
      if (operation.kind === 'append' || operation.kind === 'deliver' || operation.kind === 'queue') {
        return { contents: operation.contents.map(content => this.#segments.stage(content, group)), moves: [] }
      }
      if (operation.kind !== 'move-contents') return { contents: [], moves: [] }
      // Moving a content behind itself would never end.
      const places = placesOf(this.#context, operation.contents).filter(({ segment }) => segment !== this.#segments.current)
      failpoint('compact-after-look')
      return { contents: [], moves: places.flatMap(place => this.#restage(place)) }
    } catch (error) {
      // Where contents that others of this group staged are gone, the fault is not this operation's alone.
      if (isFatal(error) || this.#segments.lost) throw error
      // A file that came for this message alone cannot be read, or there is no room for it.
      return failureOf(error)
    }
  }

  /** A copy of a content at the end, with where it was; nothing where another process took it away meanwhile. */
  #restage(place: Place): readonly (readonly [Place, StagedContent])[] {
    const path = segmentPath(this.#options.folder, place.segment)
    try {
      return [[place, this.#segments.restage({ path, start: place.start, size: place.size })]]
    } catch (error) {
      if (!isMissing(error)) throw error
      // A file goes only once no row points to it: a row that does so still has lost what it points to.
      const [now] = placesOf(this.#context, [place.id])
      if (now?.segment === place.segment) throw missingSegment(path, error)
      return []
    }
  }

  /** Equal octets arrived for contents that a sweep had found unused, or that are gone since we looked. */
  #keepKnown(group: Group): void {
    for (const { id, known } of [...group.values()].flat()) {
      if (!known || id === undefined) continue
      if (this.#sql.run('UPDATE content SET doomed = 0 WHERE id = ?', id) === 0) throw new SegmentLost()
    }
  }

  #execute({ id, operation }: Request, staged: Staged | Failure | undefined): Answer {
    if (staged === undefined || 'kind' in staged) {
      return { id, changes: [], outcome: { ok: false, failure: staged ?? { kind: 'unavailable', message: 'nothing was staged' } } }
    }
    const context = this.#context
    const { database } = this.#sql
    context.begin()
    if (!looksFirst(operation)) context.guard()
    try {
      const value = execute(context, operation, staged)
      context.done()
      return { id, changes: context.changes, outcome: { ok: true, value } }
    } catch (error) {
      // Only a refusal leaves the transaction whole; anything else is the storage's fault, or ours.
      if (!(error instanceof MailError) || !database.isTransaction) throw error
      context.undoAll()
      return { id, changes: [], outcome: { ok: false, failure: failureOf(error) } }
    }
  }

  /** The number under which this process writes; taken at its first write, so that who only reads leaves no trace. */
  #ensureWriter(): void {
    if (this.#writer !== 0) return
    this.#writer = this.#sql.insert('INSERT INTO writer (seen) VALUES (unixepoch())')
  }

  #rollBack(): void {
    this.#segments.discard()
    this.#context.keywords.forget()
    if (!this.#sql.database.isTransaction) return
    try {
      this.#sql.database.exec('ROLLBACK')
    } catch (error) {
      this.#stop(error)
    }
  }

  #stop(error: unknown): void {
    const text = error instanceof Error ? error.message : String(error)
    this.#stopped ??= {
      kind: 'unavailable',
      message: `the storage of the mail store failed (${text}): nothing more is written; check the disk, then start again. Until then mail can be read, and senders are told to try later`,
      cause: error instanceof Error ? (error.stack ?? text) : text,
    }
  }

  /** Moves the log into the database when it has grown. Readers and other writers go on meanwhile. */
  checkpoint(idle: boolean): void {
    if (this.#stopped !== undefined) return
    try {
      const generation = this.#log.generation()
      const isStuck = this.#stuck !== undefined && this.#stuck.generation === generation
      if (!this.#log.holds(isStuck ? (this.#stuck?.until ?? 0) : idle ? IDLE_CHECKPOINT_AT : CHECKPOINT_AT)) return
      const [, frames = 0] = this.#sql.row<[number, number, number]>('PRAGMA wal_checkpoint(PASSIVE)') ?? []
      // A reader may keep the log from being begun anew: then it goes on behind what was moved.
      this.#stuck = { generation, until: frames * 4096 + CHECKPOINT_AT }
    } catch (error) {
      if (isNoSpace(error) || isBusy(error) || !isFatal(error)) return
      this.#stop(error)
    }
  }

  close(): void {
    this.#segments.leave()
    try {
      if (this.#stopped === undefined) this.#sql.row('PRAGMA wal_checkpoint(PASSIVE)')
    } catch {
      // The log stays as it is; the next process moves it.
    }
    quietly(() => this.#log.close())
    this.#sql.close()
  }
}

/** A fault as it travels to who asked. */
export function failureOf(error: unknown): Failure {
  const { kind, message, cause } = mailErrorOf(error)
  if (cause === undefined) return { kind, message }
  return { kind, message, cause: cause instanceof Error ? (cause.stack ?? cause.message) : typeof cause === 'string' ? cause : 'unknown' }
}

/** Whether it changes nothing before it is sure that it will not be refused, or guards itself. */
function looksFirst(operation: Operation): boolean {
  return operation.kind === 'append' || (operation.kind === 'deliver' && operation.targets.length === 1)
}

function execute(context: WriteContext, operation: Operation, { contents, moves }: Staged): unknown {
  switch (operation.kind) {
    case 'append':
      return append(context, operation, contents)
    case 'deliver':
      return deliver(context, operation, contents)
    case 'flag':
      return flag(context, operation)
    case 'copy':
    case 'move':
      return copy(context, operation)
    case 'expunge':
      return expunge(context, operation)
    case 'open-account':
      return openAccount(context, operation)
    case 'remove-account':
      return removeAccount(context, operation)
    case 'create':
      return createMailbox(context, operation)
    case 'rename':
      return renameMailbox(context, operation)
    case 'remove':
      return removeMailbox(context, operation)
    case 'subscribe':
    case 'unsubscribe':
      return subscription(context, operation)
    case 'set-summaries':
      return setSummaries(context, operation)
    case 'sweep':
      return sweep(context, operation)
    case 'move-contents':
      return moveContents(context, moves)
    case 'retire':
      return retire(context, operation)
    case 'forget-segment':
      return forgetSegment(context, operation)
    case 'hold':
      return hold(context, operation)
    case 'queue':
      return runQueueTask(context, operation.task, contents)
  }
}
