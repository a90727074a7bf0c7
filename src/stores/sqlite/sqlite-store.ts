/** The SQLite store's doors: opening accounts, delivering to many, closing. */

import { resolve } from 'node:path'
import type { CallOptions } from '../../contracts/call.ts'
import type { DeliveryResult, DeliveryTarget, MailAccount, MailStore, OpenOptions } from '../../contracts/mail-store.ts'
import { ConfigurationError, MailError } from '../../contracts/mail-error.ts'
import type { Queue, SuppressionList } from '../../contracts/queue.ts'
import type { AccountId } from '../../contracts/mailbox-info.ts'
import { checkAccountId } from '../account-id.ts'
import { checkFlags } from '../flags.ts'
import { backUp, type BackupOptions, type BackupResult } from './backup.ts'
import { compact, type CompactOptions, type CompactResult, rebuild, type RebuildOptions, verify, type VerifyOptions } from './caretaker.ts'
import { prepareDatabase } from './database.ts'
import { armFailpoint } from './failpoints.ts'
import { House } from './house.ts'
import type { StoreProblem } from './inspection.ts'
import { messageInput } from './message-input.ts'
import type { TargetInput } from './operation.ts'
import type { TargetOutcome } from './operations-add.ts'
import { SqliteQueue, type SqliteQueueOptions } from './queue-doors.ts'
import { SqliteSuppressions } from './queue-suppressions.ts'
import { SqliteAccount } from './sqlite-account.ts'
import { clearStash } from './stash.ts'
import { errorOf } from './writer-client.ts'

/** Options of {@link sqliteStore}. */
export interface SqliteStoreOptions {
  /** The folder of the store; made where it is missing. Nothing else may lie in it. */
  readonly path: string
  /** Milliseconds to wait for another process that is writing. Default: 5,000. */
  readonly busyTimeout?: number
  /** Milliseconds between looks for the changes of other processes, while somebody watches. Default: 500. */
  readonly pollInterval?: number
  /** Octets after which a segment file is full and the next is begun. Default: 134,217,728. */
  readonly segmentSize?: number
  /** Changes remembered for each account, for QRESYNC and for other processes. Default: 50,000. */
  readonly history?: number
  /**
   * Octets that must stay free: with less, new mail is refused with `no-space` while removing still works; 0: until the disk is full. Default: a
   * hundredth of the file system, at least 256 KiB and at most 64 MiB.
   */
  readonly minimumFree?: number
  /**
   * Milliseconds between two compactions in the background (see {@link SqliteStore.compact}); 0: none but those asked for.
   * Default: 6 hours.
   */
  readonly compactEvery?: number
  /** How the queue of outgoing mail is kept ({@link SqliteStore.queue}). */
  readonly queue?: SqliteQueueOptions
  /** For tests: the name of a place at which the process dies. Default: the environment's `MAILWRIGHT_FAILPOINT`. */
  readonly failpoint?: string
}

/** What the writer did so far. */
export interface SqliteStoreCounters {
  /** Durable steps: transactions committed. */
  readonly groups: number
  /** Operations in them. */
  readonly operations: number
  /** Syncs of segment files. */
  readonly segmentSyncs: number
}

/** A durable mail store in a folder, and what can be done with it beyond storing mail. */
export interface SqliteStore extends MailStore {
  readonly durable: true
  /** Outgoing mail: queued by the same durable steps as deliveries, its contents stored once, beside those of the mail. */
  readonly queue: Queue
  readonly suppressions: SuppressionList
  deliver(targets: readonly DeliveryTarget[], options?: CallOptions): Promise<readonly DeliveryResult[]>
  removeAccount(account: AccountId, options?: CallOptions): Promise<void>
  /** The ids of all accounts that have mail here, in order of their making. */
  accounts(options?: CallOptions): Promise<readonly AccountId[]>
  /**
   * Looks for damage while the store is in use: rows, counters, files, and with `deep` every octet. Answers problems as they
   * are found; a sound store has none.
   */
  verify(options?: VerifyOptions): AsyncIterable<StoreProblem>
  /** Makes all summaries again from the octets; answers how many. Flags, UIDs and MODSEQs stay. */
  rebuild(options: RebuildOptions): Promise<number>
  /**
   * Takes away what no mailbox refers to any more, and moves what is left in hollow segments together. In small steps between
   * deliveries; contents go at the second run that finds them unused.
   */
  compact(options?: CompactOptions): Promise<CompactResult>
  /**
   * Copies the store, as it is at one moment, into a new folder while it is in use. The copy is a store: open it to restore.
   * So that clients that had seen later mail notice, the copy goes on with greater UIDs and MODSEQs. Throws `already-exists`
   * when the folder holds a store.
   */
  backup(folder: string, options?: BackupOptions): Promise<BackupResult>
  /** What the writer of this process did so far. */
  readonly counters: SqliteStoreCounters
}

/**
 * Opens the mail store in a folder; makes it where there is none. Several processes may open the same folder.
 *
 * Throws `ConfigurationError` when the folder cannot be used, belongs to another program or was written by a newer release;
 * `MailError` `unavailable` when another process locks it, `corrupt` when it is damaged. The texts say what to do.
 *
 * @example
 * ```ts
 * import { sqliteStore } from 'mailwright/stores/sqlite'
 *
 * const store = sqliteStore({ path: './data/mail' })
 * const ann = await store.open('ann@example.org')
 * console.log(await ann.mailboxes())
 * await store.close()
 * ```
 */
export function sqliteStore(options: SqliteStoreOptions): SqliteStore {
  return new Store(options)
}

class Store implements SqliteStore {
  readonly durable = true
  readonly #house: House
  readonly #closing = new AbortController()
  readonly #compacting: NodeJS.Timeout | undefined
  readonly queue: SqliteQueue
  readonly suppressions: SuppressionList

  constructor({ path, busyTimeout = 5000, pollInterval = 500, segmentSize = 134_217_728, history = 50_000, ...rest }: SqliteStoreOptions) {
    if (path === '') throw new ConfigurationError('MW_STORE_FOLDER', 'the path of a mail store is empty: name a folder')
    const folder = resolve(path)
    prepareDatabase(folder, busyTimeout)
    clearStash(folder)
    const failpoint = rest.failpoint ?? process.env['MAILWRIGHT_FAILPOINT']
    // Compaction passes its places on this thread, deliveries theirs on the writer's.
    armFailpoint(failpoint)
    this.#house = new House({ folder, busyTimeout, segmentSize, history, minimumFree: rest.minimumFree, failpoint }, pollInterval)
    this.queue = new SqliteQueue(this.#house, rest.queue ?? {}, pollInterval)
    this.suppressions = new SqliteSuppressions(this.#house)
    const every = rest.compactEvery ?? 21_600_000
    if (every > 0) this.#compacting = setInterval(() => void this.#compactNow(), every).unref()
  }

  async #compactNow(): Promise<void> {
    try {
      await this.compact({ signal: this.#closing.signal })
    } catch (error) {
      // Deliveries go on without it; what it did so far stays done, and the next run goes on.
      if (!this.#closing.signal.aborted) process.emitWarning(error instanceof Error ? error : String(error))
    }
  }

  get counters(): SqliteStoreCounters {
    return this.#house.writer.counters
  }

  open(account: AccountId, options: OpenOptions = {}): Promise<MailAccount> {
    return this.#house.run(options, async () => {
      checkAccountId(account)
      if (this.#house.sql.row('SELECT 1 FROM account WHERE name = ?', account) === undefined) {
        await this.#house.write({ kind: 'open-account', account })
      }
      return new SqliteAccount(account, this.#house, options.quota)
    })
  }

  deliver(targets: readonly DeliveryTarget[], options?: CallOptions): Promise<readonly DeliveryResult[]> {
    return this.#house.run(options, async () => {
      const refused = targets.map(faultOf)
      const taken = targets.filter((_, at) => refused[at] === undefined)
      const parcel = await this.#house.pack(
        taken.map(({ message }) => message.content),
        options,
      )
      try {
        const inputs: readonly TargetInput[] = taken.map(({ account, mailbox, quota, message }) => ({
          account,
          mailbox,
          quota,
          message: messageInput(message, parcel),
        }))
        const outcomes =
          inputs.length === 0
            ? []
            : await this.#house.write<readonly TargetOutcome[]>(
                { kind: 'deliver', contents: parcel.contents, targets: inputs },
                parcel.octets,
              )
        const results = outcomes[Symbol.iterator]()
        return targets.map(({ account }, at): DeliveryResult => {
          const error = refused[at]
          if (error !== undefined) return { ok: false, account, error }
          const outcome = results.next().value
          if (outcome === undefined) return { ok: false, account, error: new Error('the writer gave no result') }
          return outcome.ok ? outcome : { ok: false, account, error: errorOf(outcome.failure) }
        })
      } finally {
        parcel.done()
      }
    })
  }

  removeAccount(account: AccountId, options?: CallOptions): Promise<void> {
    return this.#house.run(options, () => this.#house.write({ kind: 'remove-account', account }))
  }

  accounts(options?: CallOptions): Promise<readonly AccountId[]> {
    return this.#house.run(options, () => this.#house.sql.rows<[string]>('SELECT name FROM account ORDER BY id').map(([name]) => name))
  }

  verify(options?: VerifyOptions): AsyncIterable<StoreProblem> {
    return verify(this.#house, options)
  }

  rebuild(options: RebuildOptions): Promise<number> {
    return this.#house.run(options, () => rebuild(this.#house, options))
  }

  compact(options?: CompactOptions): Promise<CompactResult> {
    return this.#house.run(options, async () => {
      await this.queue.forget(options?.signal)
      return compact(this.#house, options)
    })
  }

  backup(folder: string, options?: BackupOptions): Promise<BackupResult> {
    return this.#house.run(options, () => backUp(this.#house, resolve(folder), options))
  }

  async close(): Promise<void> {
    clearInterval(this.#compacting)
    this.#closing.abort(new MailError('unavailable', 'the store is closed'))
    await this.queue.close()
    await this.#house.close()
  }
}

/** What is wrong with a target before anything is asked of the writer; it fails alone. */
function faultOf({ account, message }: DeliveryTarget): Error | undefined {
  try {
    checkAccountId(account)
    checkFlags(message.flags)
    return undefined
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error))
  }
}
