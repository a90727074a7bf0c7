/** Copies a store while it is in use: the database at one moment, then the segment files that this moment names. */

import { constants, existsSync, rmSync } from 'node:fs'
import { copyFile, open, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { backup as backupDatabase, DatabaseSync } from 'node:sqlite'
import { MailError } from '../../contracts/mail-error.ts'
import { makeFolder } from '../../files/folder.ts'
import { quietly } from '../quietly.ts'
import { databasePath } from './database.ts'
import { mailErrorOf, missingSegment } from './faults.ts'
import type { House } from './house.ts'
import { prepareQueueCopy } from './queue-copy.ts'
import { segmentPath } from './segment-format.ts'
import { Sql } from './sql.ts'

/** Seconds for which segment files are kept from being removed, renewed with each file. */
const HOLD = 3600

/** How far the UIDs of a copy are ahead: more than any mailbox gets between a backup and the day it is needed. */
const UIDS_AHEAD = 1_000_000

/** The same for MODSEQ. */
const MODSEQS_AHEAD = 1_000_000_000

/** How far a backup is. */
export interface BackupProgress {
  readonly phase: 'database' | 'segments'
  /** Pages of the database, or segment files. */
  readonly done: number
  readonly total: number
}

/** Options of `backup`. */
export interface BackupOptions {
  /** Told how far it is. */
  readonly onProgress?: (progress: BackupProgress) => void
  /**
   * Told of each segment file that is needed and is not there, by its path; the copy is made without it, and `verify` of the copy says what
   * is lost. Without it a missing file makes the backup fail with `corrupt`.
   */
  readonly onMissing?: (path: string) => void
  readonly signal?: AbortSignal
}

/** What was copied. */
export interface BackupResult {
  readonly messages: number
  /** Segment files. */
  readonly segments: number
}

/** Makes the copy; durable when it resolves. */
export async function backUp(house: House, folder: string, { onProgress, onMissing, signal }: BackupOptions = {}): Promise<BackupResult> {
  const target = databasePath(folder)
  if (existsSync(target)) throw new MailError('already-exists', `${folder} holds a mail store already: name a new folder`)
  const seconds = (): number => Math.floor(Date.now() / 1000) + HOLD
  const unfinished = `${target}.part`
  let isNamed = false
  const hold = await house.write<number>({ kind: 'hold', id: undefined, until: seconds() })
  try {
    makeFolder(join(folder, 'segments'))
    // Under another name until everything is there: half a backup must not look like one.
    removeUnfinished(unfinished)
    await backupDatabase(house.sql.database, unfinished, {
      progress: ({ totalPages, remainingPages }) =>
        onProgress?.({ phase: 'database', done: totalPages - remainingPages, total: totalPages }),
    })
    const { segments, messages } = prepareCopy(unfinished)
    removeBeside(unfinished)
    for (const [at, segment] of segments.entries()) {
      signal?.throwIfAborted()
      onProgress?.({ phase: 'segments', done: at, total: segments.length })
      const path = segmentPath(folder, segment)
      const source = segmentPath(house.folder, segment)
      if (existsSync(source)) {
        // Octets behind what the copy of the database knows may come along; nothing refers to them there.
        await copyFile(source, path, constants.COPYFILE_FICLONE)
        await sync(path)
      } else {
        if (onMissing === undefined) throw missingSegment(source, undefined)
        onMissing(source)
      }
      await house.write({ kind: 'hold', id: hold, until: seconds() })
    }
    await sync(join(folder, 'segments'))
    await sync(unfinished)
    await rename(unfinished, target)
    isNamed = true
    await sync(folder)
    onProgress?.({ phase: 'segments', done: segments.length, total: segments.length })
    return { messages, segments: segments.length }
  } catch (error) {
    quietly(() => removeUnfinished(unfinished))
    // Who is told that it failed must be able to try again.
    if (isNamed) quietly(() => removeUnfinished(target))
    throw signal?.aborted === true ? error : mailErrorOf(error)
  } finally {
    await house.write({ kind: 'hold', id: hold, until: undefined }).catch(() => undefined)
  }
}

/** Takes away what a backup that failed made of its database: the next one must not go on with the log of another. */
function removeUnfinished(path: string): void {
  rmSync(path, { force: true })
  removeBeside(path)
}

/** SQLite's own files beside a database that nobody has open. */
function removeBeside(path: string): void {
  for (const ending of ['-wal', '-shm', '-journal']) rmSync(`${path}${ending}`, { force: true })
}

/**
 * Sees to it that clients notice when they come to the copy after having seen later mail: a UID that was given after the
 * backup is not given again to another message, and a MODSEQ that was seen is below all that follow. RFC 9051 §2.3.1.1;
 * RFC 7162 §3.1.2.1.
 */
function prepareCopy(path: string): { readonly segments: readonly number[]; readonly messages: number } {
  const sql = new Sql(new DatabaseSync(path))
  try {
    // No log: what were left in it, should moving it fail at the end, would not be in the copy. Who opens the copy begins one.
    if (sql.row<[string]>('PRAGMA journal_mode = MEMORY')?.[0] !== 'memory')
      throw new MailError('unavailable', `${path} is in use: name a new folder`)
    sql.database.exec('PRAGMA synchronous = OFF; BEGIN IMMEDIATE')
    sql.run('UPDATE account SET modseq = modseq + ?', MODSEQS_AHEAD)
    sql.run('UPDATE account SET floor = modseq')
    sql.run('DELETE FROM change')
    sql.run('UPDATE mailbox SET uid_next = min(uid_next + ?, 4294967295)', UIDS_AHEAD)
    sql.run('UPDATE mailbox SET highest_modseq = (SELECT modseq FROM account WHERE account.id = mailbox.account)')
    sql.run('UPDATE state SET modseq = (SELECT highest_modseq FROM mailbox WHERE mailbox.id = state.mailbox)')
    sql.run('DELETE FROM hold')
    prepareQueueCopy(sql)
    sql.database.exec('COMMIT')
    const segments = sql.rows<[number]>('SELECT DISTINCT segment FROM content ORDER BY segment').map(([segment]) => segment)
    return { segments, messages: sql.number('SELECT count(*) FROM state') }
  } finally {
    sql.close()
  }
}

async function sync(path: string): Promise<void> {
  await using file = await open(path, 'r')
  await file.sync()
}
