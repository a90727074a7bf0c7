/** A directory in a SQLite file: for one machine, any number of processes, and people who like to look inside. */

import { MailError } from '../../contracts/index.ts'
import { RuledDirectory } from '../core/directory.ts'
import type { DirectoryRules, FullDirectory } from '../core/directory.ts'
import { SqliteTables } from './sqlite-tables.ts'

/** Options of {@link sqliteDirectory}. */
export interface SqliteDirectoryOptions extends DirectoryRules {
  /** The file; made when it is not there. Its folder must exist. */
  readonly path: string
  /** Milliseconds to wait for another process that writes, before `unavailable`. Default 2,000. */
  readonly busyTimeout?: number
}

/** A directory in a file. */
export interface SqliteDirectory extends FullDirectory {
  /** Lets go of the file. Calls after it throw `unavailable`. */
  close(): void
}

/**
 * Opens a directory, or makes it. Changes are on disk when their promise resolves, and are seen by other processes at their
 * next call. Throws a `ConfigurationError` with the code `MW_DIRECTORY_FOREIGN` or `MW_DIRECTORY_TOO_NEW` when the file is
 * something else, and a `MailError` when it cannot be opened.
 *
 * @example
 * ```ts
 * import { sqliteDirectory } from 'mailwright/directories/sqlite'
 *
 * const directory = sqliteDirectory({ path: './directory.db' })
 * await directory.addDomain('example.org')
 * await directory.addAccount({ address: 'ann@example.org', password: 'correct horse battery' })
 * const phone = await directory.addAppPassword('ann@example.org', 'phone', ['imap', 'smtp'])
 * ```
 */
export function sqliteDirectory(options: SqliteDirectoryOptions): SqliteDirectory {
  return new FileDirectory(options)
}

class FileDirectory extends RuledDirectory implements SqliteDirectory {
  readonly #file: { tables: SqliteTables | undefined }

  constructor(options: SqliteDirectoryOptions) {
    const file: { tables: SqliteTables | undefined } = { tables: new SqliteTables(options.path, options.busyTimeout ?? 2000) }
    super(() => {
      if (file.tables === undefined) throw new MailError('unavailable', 'the directory is closed')
      return file.tables
    }, options)
    this.#file = file
  }

  close(): void {
    this.#file.tables?.close()
    this.#file.tables = undefined
  }
}
