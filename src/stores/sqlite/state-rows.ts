/** The rows of a table of counters in a small database of its own. Runs in the table's thread. Contract: `contracts/state.ts`. */

import { closeSync, openSync, readSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { NewStateRow, StateChange, StateRow } from '../../contracts/state.ts'
import { ConfigurationError } from '../../contracts/mail-error.ts'
import { makeFolder } from '../../files/folder.ts'
import { STATE_PAGE } from '../state-input.ts'
import { Sql } from './sql.ts'

/** What is asked of the rows; everything in it was checked. */
export type StateRequest =
  | { readonly kind: 'read'; readonly space: string; readonly keys: readonly string[] }
  | { readonly kind: 'add'; readonly space: string; readonly changes: readonly StateChange[] }
  | { readonly kind: 'put'; readonly space: string; readonly rows: readonly NewStateRow[] }
  | { readonly kind: 'drop'; readonly space: string; readonly keys: readonly string[] | undefined }
  | { readonly kind: 'page'; readonly space: string; readonly after: string }
  | { readonly kind: 'sweep' }

/** What the table's thread is started with. */
export interface StateFileOptions {
  readonly path: string
  readonly busyTimeout: number
  readonly rowsPerSpace: number
}

type Counters = readonly [first: number, second: number, created: number, changed: number, expires: number | null]

const SCHEMA = `
  CREATE TABLE space (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;
  CREATE TABLE counter (
    space INTEGER NOT NULL, key TEXT NOT NULL, first INTEGER NOT NULL, second INTEGER NOT NULL,
    created INTEGER NOT NULL, changed INTEGER NOT NULL, expires INTEGER, PRIMARY KEY (space, key)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX ends ON counter (expires) WHERE expires IS NOT NULL;`
/** "MWSt": whose file it is. The version of the schema stands in user_version. */
const APPLICATION_ID = 0x4d57_5374
const SCHEMA_VERSION = 1

const READ = 'SELECT first, second, created, changed, expires FROM counter WHERE space = ? AND key = ? AND (expires IS NULL OR expires > ?)'
const PAGE = `SELECT key, first, second, created, changed, expires FROM counter
  WHERE space = ? AND key > ? AND (expires IS NULL OR expires > ?) ORDER BY key LIMIT ${STATE_PAGE}`
/** A row past its end counts as none: its counters and its beginning are forgotten. */
const ADD = `INSERT INTO counter (space, key, first, second, created, changed, expires)
  VALUES (?1, ?2, max(0, ?3), max(0, ?4), ?5, ?5, ?6)
  ON CONFLICT (space, key) DO UPDATE SET
    first = min(9007199254740991, max(0, iif(expires <= ?5, 0, first) + ?3)),
    second = min(9007199254740991, max(0, iif(expires <= ?5, 0, second) + ?4)),
    created = iif(expires <= ?5, ?5, created),
    changed = ?5,
    expires = coalesce(?6, iif(expires <= ?5, NULL, expires))
  RETURNING first, second, created, changed, expires`
const PUT = `INSERT INTO counter (space, key, first, second, created, changed, expires) VALUES (?1, ?2, ?3, ?4, ?5, ?5, ?6)
  ON CONFLICT (space, key) DO UPDATE SET
    first = ?3, second = ?4, created = iif(expires <= ?5, ?5, created), changed = ?5, expires = ?6`
const OLDEST = 'DELETE FROM counter WHERE space = ?1 AND key IN (SELECT key FROM counter WHERE space = ?1 ORDER BY changed, key LIMIT +?2)'

/**
 * Looks at the beginning of a file before anything is begun. Throws `ConfigurationError` for one that is plainly somebody else's, or of a
 * later release; what cannot be seen there (a new file, one whose changes still lie in its log) is found out at the first call.
 */
export function checkStateFile(path: string): void {
  const head = Buffer.alloc(100)
  let length = 0
  try {
    const file = openSync(path, 'r')
    try {
      length = readSync(file, head, 0, head.length, 0)
    } finally {
      closeSync(file)
    }
  } catch {
    return
  }
  if (length === 0) return
  const owner = head.readUInt32BE(68)
  if (head.toString('latin1', 0, 16) !== 'SQLite format 3\0' || (owner !== 0 && owner !== APPLICATION_ID)) throw foreign(path)
  if (owner === APPLICATION_ID && head.readUInt32BE(60) > SCHEMA_VERSION) throw newer(path)
}

function foreign(path: string): ConfigurationError {
  return new ConfigurationError(
    'MW_STATE_FOREIGN',
    `${path} is a file of another program, or damaged: name another one, or move it away to begin anew`,
  )
}

function newer(path: string): ConfigurationError {
  return new ConfigurationError('MW_STATE_NEWER', `${path} was written by a later release of mailwright: install that one`)
}

/** The rows of one file. */
export class StateRows {
  readonly #sql: Sql
  readonly #bound: number
  readonly #spaces = new Map<string, number>()
  /** Rows made since a space was last held to its bound. */
  readonly #made = new Map<number, number>()

  constructor({ path, busyTimeout, rowsPerSpace }: StateFileOptions) {
    makeFolder(dirname(path), 0o777)
    // What an account's words are is for nobody else; SQLite's files beside it follow suit.
    closeSync(openSync(path, 'a', 0o600))
    const database = new DatabaseSync(path, { timeout: busyTimeout })
    this.#sql = new Sql(database)
    this.#bound = rowsPerSpace
    try {
      // NORMAL: after a crash of the machine the last seconds may be missing, nothing is broken.
      database.exec(
        'PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA cache_size = -8192; PRAGMA journal_size_limit = 16777216',
      )
      this.#prepare(path)
    } catch (error) {
      this.#sql.close()
      throw error
    }
  }

  /** Answers a group of requests in one step: all of it is there afterwards, or none. Throws what SQLite throws. */
  run(requests: readonly { readonly now: number; readonly request: StateRequest }[]): unknown[] {
    const writes = requests.some(({ request }) => request.kind !== 'read' && request.kind !== 'page')
    const { database } = this.#sql
    database.exec(writes ? 'BEGIN IMMEDIATE' : 'BEGIN')
    try {
      const answers = requests.map(({ now, request }) => this.#answer(request, now))
      database.exec('COMMIT')
      return answers
    } catch (error) {
      if (database.isTransaction) database.exec('ROLLBACK')
      this.#spaces.clear()
      throw error
    }
  }

  close(): void {
    this.#sql.close()
  }

  #prepare(path: string): void {
    const { database } = this.#sql
    if (this.#sql.number('PRAGMA user_version') === SCHEMA_VERSION && this.#sql.number('PRAGMA application_id') === APPLICATION_ID) return
    database.exec('BEGIN IMMEDIATE')
    try {
      const version = this.#sql.number('PRAGMA user_version')
      const owner = this.#sql.number('PRAGMA application_id')
      if (version !== SCHEMA_VERSION || owner !== APPLICATION_ID) {
        if (owner === APPLICATION_ID) throw newer(path)
        if (owner !== 0 || version !== 0 || this.#sql.number('SELECT count(*) FROM sqlite_schema') > 0) throw foreign(path)
        database.exec(SCHEMA)
        database.exec(`PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = ${SCHEMA_VERSION}`)
      }
      database.exec('COMMIT')
    } catch (error) {
      if (database.isTransaction) database.exec('ROLLBACK')
      throw error
    }
  }

  #answer(request: StateRequest, now: number): unknown {
    switch (request.kind) {
      case 'read':
        return this.#read(request.space, request.keys, now)
      case 'add':
        return this.#add(request.space, request.changes, now)
      case 'put':
        return this.#put(request.space, request.rows, now)
      case 'drop':
        return this.#drop(request.space, request.keys)
      case 'page':
        return this.#page(request.space, request.after, now)
      case 'sweep':
        return this.#sweep(now)
    }
  }

  #read(name: string, keys: readonly string[], now: number): StateRow[] {
    const space = this.#known(name)
    if (space === undefined) return []
    return keys.flatMap(key => {
      const row = this.#sql.row<Counters>(READ, space, key, now)
      return row === undefined ? [] : rowOf(key, row)
    })
  }

  #add(name: string, changes: readonly StateChange[], now: number): StateRow[] {
    const space = this.#space(name)
    const rows = changes.map(({ key, first, second, expiresAt }) => {
      const row = this.#sql.row<Counters>(ADD, space, key, first ?? 0, second ?? 0, now, expiresAt ?? null)
      return rowOf(key, row ?? [0, 0, now, now, null])
    })
    this.#hold(
      space,
      rows.reduce((sum, row) => sum + (row.createdAt === now ? 1 : 0), 0),
    )
    return rows
  }

  #put(name: string, rows: readonly NewStateRow[], now: number): void {
    const space = this.#space(name)
    for (const { key, first, second, expiresAt } of rows) this.#sql.run(PUT, space, key, first, second, now, expiresAt ?? null)
    this.#hold(space, rows.length)
  }

  #drop(name: string, keys: readonly string[] | undefined): void {
    const space = this.#known(name)
    if (space === undefined) return
    if (keys === undefined) this.#sql.run('DELETE FROM counter WHERE space = ?', space)
    else for (const key of keys) this.#sql.run('DELETE FROM counter WHERE space = ? AND key = ?', space, key)
  }

  #page(name: string, after: string, now: number): StateRow[] {
    const space = this.#known(name)
    if (space === undefined) return []
    return this.#sql.rows<readonly [string, ...Counters]>(PAGE, space, after, now).map(([key, ...counters]) => rowOf(key, counters))
  }

  #sweep(now: number): number {
    let removed = this.#sql.run('DELETE FROM counter WHERE expires <= ?', now)
    for (const [space] of this.#sql.rows<readonly [number]>('SELECT id FROM space')) removed += this.#trim(space)
    return removed
  }

  /** Counting a space costs time: it is done when a twentieth of the bound may have been added. */
  #hold(space: number, made: number): void {
    const sum = (this.#made.get(space) ?? this.#bound) + made
    this.#made.set(space, sum)
    if (sum >= this.#bound / 20) this.#trim(space)
  }

  #trim(space: number): number {
    this.#made.set(space, 0)
    const over = this.#sql.number('SELECT count(*) FROM counter WHERE space = ?', space) - this.#bound
    return over > 0 ? this.#sql.run(OLDEST, space, over) : 0
  }

  #known(name: string): number | undefined {
    const known = this.#spaces.get(name)
    if (known !== undefined) return known
    const id = this.#sql.row<readonly [number]>('SELECT id FROM space WHERE name = ?', name)?.[0]
    if (id !== undefined) this.#remember(name, id)
    return id
  }

  #space(name: string): number {
    const known = this.#known(name)
    if (known !== undefined) return known
    this.#sql.run('INSERT INTO space (name) VALUES (?)', name)
    return this.#known(name) ?? 0
  }

  #remember(name: string, id: number): void {
    if (this.#spaces.size >= 10_000) this.#spaces.clear()
    this.#spaces.set(name, id)
  }
}

function rowOf(key: string, [first, second, createdAt, changedAt, expires]: Counters): StateRow {
  const row = { key, first, second, createdAt, changedAt }
  return expires === null ? row : { ...row, expiresAt: expires }
}
