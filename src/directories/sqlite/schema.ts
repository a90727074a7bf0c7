/** The tables of a directory in a file, and how a file is known to be one. */

import type { DatabaseSync } from 'node:sqlite'
import { ConfigurationError } from '../../contracts/index.ts'

/** Stands in the file's header: "MWdr". */
const APPLICATION_ID = 0x4d57_6472
const VERSION = 1

const TABLES = `
  CREATE TABLE domain (
    name TEXT PRIMARY KEY
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE account (
    id TEXT PRIMARY KEY,
    key TEXT NOT NULL UNIQUE,
    address TEXT NOT NULL,
    domain TEXT NOT NULL REFERENCES domain (name),
    display_name TEXT,
    quota_octets INTEGER,
    quota_messages INTEGER,
    disabled INTEGER NOT NULL CHECK (disabled IN (0, 1)),
    password TEXT
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX account_domain ON account (domain);

  CREATE TABLE app_password (
    account TEXT NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    label TEXT NOT NULL,
    digest TEXT NOT NULL,
    scopes TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (account, label)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE alias (
    key TEXT PRIMARY KEY,
    address TEXT NOT NULL,
    domain TEXT NOT NULL REFERENCES domain (name),
    targets TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX alias_domain ON alias (domain);
`

/**
 * Makes the tables in a new file, or sees that the file is a directory of a version we know. Throws a
 * {@link ConfigurationError}: `MW_DIRECTORY_FOREIGN` for a database of something else, `MW_DIRECTORY_TOO_NEW` for one that
 * a later release has written.
 */
export function prepareSchema(database: DatabaseSync, path: string): void {
  const number = (pragma: 'application_id' | 'user_version'): number => Number(database.prepare(`PRAGMA ${pragma}`).get()?.[pragma])
  // The look and the making are one step, so that of two processes that start together one makes and the other finds.
  database.exec('BEGIN IMMEDIATE')
  try {
    const [application, version] = [number('application_id'), number('user_version')]
    const tables = Number(database.prepare('SELECT count(*) AS tables FROM sqlite_schema').get()?.['tables'])
    if (application !== APPLICATION_ID && (application !== 0 || version !== 0 || tables > 0)) {
      throw new ConfigurationError(
        'MW_DIRECTORY_FOREIGN',
        `${path} is a database, but no directory of mailwright: give the directory a file of its own`,
      )
    }
    if (version > VERSION) {
      throw new ConfigurationError(
        'MW_DIRECTORY_TOO_NEW',
        `${path} was written by a later release (format ${version}, known is ${VERSION}): upgrade mailwright`,
      )
    }
    if (version === 0) {
      database.exec(TABLES)
      database.exec(`PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = ${VERSION}`)
    }
    database.exec('COMMIT')
  } catch (error) {
    if (database.isTransaction) database.exec('ROLLBACK')
    throw error
  }
}
