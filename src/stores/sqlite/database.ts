/** Opens the database: finds out whether it is ours, new, old, newer, locked or damaged, and says what to do. */

import { statSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { ConfigurationError } from '../../contracts/mail-error.ts'
import { makeFolder } from '../../files/folder.ts'
import { mailErrorOf } from './faults.ts'
import { APPLICATION_ID, SCHEMA_VERSION, STEPS } from './schema.ts'
import { Sql } from './sql.ts'

/** Where the database of a store lies. */
export function databasePath(folder: string): string {
  return join(folder, 'mail.sqlite')
}

/** How a connection is opened. */
export interface ConnectionOptions {
  /** How long to wait for other processes, in milliseconds. */
  readonly busyTimeout: number
  /** Whether the connection may write. */
  readonly writable: boolean
}

/** Opens one more connection to a database that {@link prepareDatabase} has seen. Throws what SQLite throws. */
export function connect(folder: string, { busyTimeout, writable }: ConnectionOptions): Sql {
  const database = new DatabaseSync(databasePath(folder), { timeout: busyTimeout })
  try {
    // FULL: a commit is on the disk before it is answered. The default page cache of 2 MiB would be read again for each STORE 1:*.
    database.exec('PRAGMA synchronous = FULL; PRAGMA temp_store = MEMORY; PRAGMA cache_size = -16384; PRAGMA journal_size_limit = 67108864')
    // Reading goes through a mailbox once, and what is asked again is kept by who asks: filling a large cache would cost more than it saves.
    if (!writable) database.exec('PRAGMA query_only = ON; PRAGMA cache_size = -2048')
    return new Sql(database)
  } catch (error) {
    database.close()
    throw error
  }
}

/**
 * Makes the folder and the database where they are missing, and brings an older one up to date. Throws
 * `ConfigurationError` for a folder that cannot be one of ours or is of a newer release, `MailError` `unavailable` when it is
 * locked, `corrupt` when it is damaged.
 */
export function prepareDatabase(folder: string, busyTimeout: number): void {
  try {
    makeFolder(join(folder, 'segments'))
    if (!statSync(folder).isDirectory()) throw new Error('not a folder')
  } catch (error) {
    throw new ConfigurationError(
      'MW_STORE_FOLDER',
      `${folder} cannot be used as the folder of a mail store: name one that can be written to`,
      {
        cause: error,
      },
    )
  }
  let sql: Sql | undefined
  try {
    sql = connect(folder, { busyTimeout, writable: true })
    sql.database.exec('PRAGMA journal_mode = WAL')
    migrate(sql, folder)
  } catch (error) {
    throw error instanceof ConfigurationError ? error : mailErrorOf(error)
  } finally {
    // Where nobody else has it open this syncs the log and moves it: what a process that was killed had written and not synced is on
    // the disk before anybody is told of it.
    sql?.close()
  }
}

function migrate(sql: Sql, folder: string): void {
  checkOwner(sql, folder)
  for (let version = versionOf(sql, folder); version < SCHEMA_VERSION; version++) {
    sql.database.exec('BEGIN IMMEDIATE')
    try {
      // Another process may have taken the step while this one waited for the lock.
      if (versionOf(sql, folder) === version) {
        for (const statement of STEPS[version] ?? []) sql.database.exec(statement)
        sql.run('INSERT INTO schema (version, applied) VALUES (?, ?)', version + 1, Math.floor(Date.now() / 1000))
      }
      sql.database.exec('COMMIT')
    } catch (error) {
      if (sql.database.isTransaction) sql.database.exec('ROLLBACK')
      throw error
    }
  }
}

function checkOwner(sql: Sql, folder: string): void {
  const owner = sql.number('PRAGMA application_id')
  if (owner === APPLICATION_ID) return
  sql.database.exec('BEGIN IMMEDIATE')
  try {
    const taken = sql.number('PRAGMA application_id') !== APPLICATION_ID && sql.number('SELECT count(*) FROM sqlite_schema') > 0
    if (taken || (owner !== 0 && owner !== APPLICATION_ID)) {
      throw new ConfigurationError('MW_STORE_FOREIGN', `${databasePath(folder)} is a database of another program: name another folder`)
    }
    sql.database.exec('CREATE TABLE IF NOT EXISTS schema (version INTEGER PRIMARY KEY, applied INTEGER NOT NULL) STRICT')
    // 0x4d574d53, as in APPLICATION_ID: a PRAGMA takes no parameters.
    sql.database.exec('PRAGMA application_id = 1297567059')
    sql.database.exec('COMMIT')
  } catch (error) {
    if (sql.database.isTransaction) sql.database.exec('ROLLBACK')
    throw error
  }
}

function versionOf(sql: Sql, folder: string): number {
  const version = sql.number('SELECT max(version) FROM schema')
  if (version <= SCHEMA_VERSION) return version
  throw new ConfigurationError(
    'MW_STORE_NEWER',
    `${databasePath(folder)} has schema version ${version}, this release of mailwright knows up to ${SCHEMA_VERSION}: ` +
      'install the release that wrote it or a later one (the store was not changed)',
  )
}
