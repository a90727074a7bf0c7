/** A directory in a SQLite file. RFC 5321 §3.6; RFC 5233 §1. */

export type { DirectoryRules, FullDirectory } from '../core/directory.ts'
export type { HashCost } from '../core/password-hash.ts'
export { sqliteDirectory } from './sqlite-directory.ts'
export type { SqliteDirectory, SqliteDirectoryOptions } from './sqlite-directory.ts'
