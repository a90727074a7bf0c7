/** What a directory keeps, as rows: the one seam between the rules of directories and where the rows lie. */

import type { AccountId, Scope } from '../../contracts/index.ts'

/** An account's row. */
export interface AccountRow {
  readonly id: AccountId
  /** The main address as compared: unique among accounts. */
  readonly key: string
  /** The main address as written. */
  readonly address: string
  readonly domain: string
  readonly displayName: string | undefined
  readonly quotaOctets: number | undefined
  readonly quotaMessages: number | undefined
  readonly disabled: boolean
  /** PHC string; absent while the account cannot log in by password. */
  readonly password: string | undefined
}

/** An app password's row. */
export interface AppPasswordRow {
  readonly label: string
  readonly digest: string
  readonly scopes: readonly Scope[]
  readonly createdAt: number
}

/** An alias's row. */
export interface AliasRow {
  /** The address as compared; `@domain` for a catch-all. */
  readonly key: string
  /** The address as written. */
  readonly address: string
  readonly domain: string
  readonly targets: readonly string[]
}

/**
 * Rows and nothing else. All calls are synchronous; those inside `atomically` happen all or not at all, and exclude every
 * other writer, of other processes too.
 */
export interface DirectoryTables {
  atomically<T>(change: () => T): T
  domains(): readonly string[]
  hasDomain(domain: string): boolean
  addDomain(domain: string): void
  removeDomain(domain: string): void
  /** Whether an account or alias lies in the domain. */
  domainInUse(domain: string): boolean
  account(key: string): AccountRow | undefined
  accounts(): readonly AccountRow[]
  /** Adds an account or replaces the one with that id. */
  putAccount(row: AccountRow): void
  /** Removes an account and its app passwords. */
  removeAccount(id: AccountId): void
  appPasswords(account: AccountId): readonly AppPasswordRow[]
  /** The app password with that digest. */
  appPassword(account: AccountId, digest: string): AppPasswordRow | undefined
  addAppPassword(account: AccountId, row: AppPasswordRow): void
  removeAppPassword(account: AccountId, label: string): void
  alias(key: string): AliasRow | undefined
  aliases(): readonly AliasRow[]
  /** Adds an alias or replaces the one with that key. */
  putAlias(row: AliasRow): void
  removeAlias(key: string): void
}

/** Asked at each call; may make the caller wait until there are rows, and throws when there are none any more. */
export type TablesSource = () => DirectoryTables | Promise<DirectoryTables>
