/** A directory's rows in a SQLite file that several processes may share. */

import { closeSync, openSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import type { SQLOutputValue, StatementSync } from 'node:sqlite'
import { MailError } from '../../contracts/index.ts'
import type { AccountId, Scope } from '../../contracts/index.ts'
import type { AccountRow, AliasRow, AppPasswordRow, DirectoryTables } from '../core/tables.ts'
import { guarded, isReadOnly } from './faults.ts'
import { prepareSchema } from './schema.ts'

/** The columns in the order of their statement: as an object with their names a row costs a third more. */
type Row = readonly SQLOutputValue[]

const APP_COLUMNS = 'label, digest, scopes, created_at'
const ACCOUNT_COLUMNS = 'id, key, address, domain, display_name, quota_octets, quota_messages, disabled, password'

/**
 * Rows in a file. WAL, so that readers wait for nobody; a commit is on disk when `atomically` returns. Nothing is cached:
 * what another process has committed is seen by the next call.
 */
export class SqliteTables implements DirectoryTables {
  readonly #path: string
  readonly #busyTimeout: number
  #database: DatabaseSync
  readonly #statements = new Map<string, StatementSync>()

  constructor(path: string, busyTimeout: number) {
    this.#path = path
    this.#busyTimeout = busyTimeout
    this.#database = this.#opened()
  }

  #opened(): DatabaseSync {
    const path = this.#path
    keepPrivate(path)
    const database = guarded(() => new DatabaseSync(path, { timeout: this.#busyTimeout, enableForeignKeyConstraints: true }))
    try {
      guarded(() => {
        database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL')
        prepareSchema(database, path)
      })
      return database
    } catch (error) {
      database.close()
      throw error
    }
  }

  /** Nothing could be changed through this connection any more: the next call has another one. */
  #openAgain(): void {
    const before = this.#database
    this.#database = this.#opened()
    this.#statements.clear()
    before.close()
  }

  close(): void {
    this.#statements.clear()
    this.#database.close()
  }

  atomically<T>(change: () => T): T {
    try {
      return guarded(() => this.#transaction(change))
    } catch (error) {
      if (isReadOnly(error)) this.#openAgain()
      throw error
    }
  }

  #transaction<T>(change: () => T): T {
    this.#database.exec('BEGIN IMMEDIATE')
    try {
      const result = change()
      this.#database.exec('COMMIT')
      return result
    } catch (error) {
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK')
      throw error
    }
  }

  domains(): readonly string[] {
    return this.#all('SELECT name FROM domain').map(([name]) => String(name))
  }

  hasDomain(domain: string): boolean {
    return this.#get('SELECT 1 FROM domain WHERE name = ?', domain) !== undefined
  }

  addDomain(domain: string): void {
    this.#run('INSERT INTO domain (name) VALUES (?)', domain)
  }

  removeDomain(domain: string): void {
    this.#run('DELETE FROM domain WHERE name = ?', domain)
  }

  domainInUse(domain: string): boolean {
    const row = this.#get(
      'SELECT EXISTS (SELECT 1 FROM account WHERE domain = ?1) OR EXISTS (SELECT 1 FROM alias WHERE domain = ?1)',
      domain,
    )
    return row?.[0] === 1
  }

  account(key: string): AccountRow | undefined {
    const row = this.#get(`SELECT ${ACCOUNT_COLUMNS} FROM account WHERE key = ?`, key)
    return row === undefined ? undefined : accountRow(row)
  }

  accounts(): readonly AccountRow[] {
    return this.#all(`SELECT ${ACCOUNT_COLUMNS} FROM account`).map(row => accountRow(row))
  }

  putAccount(row: AccountRow): void {
    this.#run(
      `INSERT INTO account (${ACCOUNT_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT (id) DO UPDATE SET
         key = excluded.key, address = excluded.address, domain = excluded.domain, display_name = excluded.display_name,
         quota_octets = excluded.quota_octets, quota_messages = excluded.quota_messages, disabled = excluded.disabled,
         password = excluded.password`,
      row.id,
      row.key,
      row.address,
      row.domain,
      row.displayName ?? null,
      row.quotaOctets ?? null,
      row.quotaMessages ?? null,
      row.disabled ? 1 : 0,
      row.password ?? null,
    )
  }

  removeAccount(id: AccountId): void {
    this.#run('DELETE FROM account WHERE id = ?', id)
  }

  appPasswords(account: AccountId): readonly AppPasswordRow[] {
    return this.#all(`SELECT ${APP_COLUMNS} FROM app_password WHERE account = ? ORDER BY created_at, label`, account).map(row =>
      appPasswordRow(row),
    )
  }

  appPassword(account: AccountId, digest: string): AppPasswordRow | undefined {
    const row = this.#get(`SELECT ${APP_COLUMNS} FROM app_password WHERE account = ? AND digest = ?`, account, digest)
    return row === undefined ? undefined : appPasswordRow(row)
  }

  addAppPassword(account: AccountId, row: AppPasswordRow): void {
    this.#run(
      'INSERT INTO app_password (account, label, digest, scopes, created_at) VALUES (?, ?, ?, ?, ?)',
      account,
      row.label,
      row.digest,
      JSON.stringify(row.scopes),
      row.createdAt,
    )
  }

  removeAppPassword(account: AccountId, label: string): void {
    this.#run('DELETE FROM app_password WHERE account = ? AND label = ?', account, label)
  }

  alias(key: string): AliasRow | undefined {
    const row = this.#get('SELECT key, address, domain, targets FROM alias WHERE key = ?', key)
    return row === undefined ? undefined : aliasRow(row)
  }

  aliases(): readonly AliasRow[] {
    return this.#all('SELECT key, address, domain, targets FROM alias').map(row => aliasRow(row))
  }

  putAlias(row: AliasRow): void {
    this.#run(
      `INSERT INTO alias (key, address, domain, targets) VALUES (?, ?, ?, ?)
       ON CONFLICT (key) DO UPDATE SET address = excluded.address, domain = excluded.domain, targets = excluded.targets`,
      row.key,
      row.address,
      row.domain,
      JSON.stringify(row.targets),
    )
  }

  removeAlias(key: string): void {
    this.#run('DELETE FROM alias WHERE key = ?', key)
  }

  #statement(sql: string): StatementSync {
    const known = this.#statements.get(sql)
    if (known !== undefined) return known
    const statement = this.#database.prepare(sql)
    statement.setReturnArrays(true)
    this.#statements.set(sql, statement)
    return statement
  }

  #get(sql: string, ...values: (string | number | null)[]): Row | undefined {
    return guarded(() => this.#statement(sql).get(...values) as unknown as Row | undefined)
  }

  #all(sql: string, ...values: (string | number | null)[]): Row[] {
    return guarded(() => this.#statement(sql).all(...values) as unknown as Row[])
  }

  #run(sql: string, ...values: (string | number | null)[]): void {
    guarded(() => this.#statement(sql).run(...values))
  }
}

/** Makes a new file readable for its owner alone, since there are hashes in it; SQLite's own files beside it follow suit. */
function keepPrivate(path: string): void {
  try {
    closeSync(openSync(path, 'a', 0o600))
  } catch (cause) {
    const why = cause instanceof Error && 'code' in cause ? ` (${String(cause.code)})` : ''
    throw new MailError(
      'unavailable',
      `cannot open the directory’s database ${path}${why}: name a file in a folder that can be written to`,
      { cause },
    )
  }
}

function accountRow([id, key, address, domain, displayName, quotaOctets, quotaMessages, disabled, password]: Row): AccountRow {
  return {
    id: String(id),
    key: String(key),
    address: String(address),
    domain: String(domain),
    displayName: optional(displayName, String),
    quotaOctets: optional(quotaOctets, Number),
    quotaMessages: optional(quotaMessages, Number),
    disabled: disabled === 1,
    password: optional(password, String),
  }
}

function appPasswordRow([label, digest, scopes, createdAt]: Row): AppPasswordRow {
  return {
    label: String(label),
    digest: String(digest),
    scopes: Object.freeze(strings(scopes) as Scope[]),
    createdAt: Number(createdAt),
  }
}

function aliasRow([key, address, domain, targets]: Row): AliasRow {
  return { key: String(key), address: String(address), domain: String(domain), targets: Object.freeze(strings(targets)) }
}

function optional<T>(value: SQLOutputValue | undefined, as: (value: SQLOutputValue) => T): T | undefined {
  return value === null || value === undefined ? undefined : as(value)
}

function strings(column: SQLOutputValue | undefined): string[] {
  const value: unknown = JSON.parse(String(column))
  return Array.isArray(value) ? value.map(item => String(item)) : []
}
