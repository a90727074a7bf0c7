/** A directory's rows in maps. */

import type { AccountId } from '../../contracts/index.ts'
import type { AccountRow, AliasRow, AppPasswordRow, DirectoryTables } from '../core/tables.ts'

/** Rows that are gone when the process is. */
export class MemoryTables implements DirectoryTables {
  readonly #domains = new Set<string>()
  readonly #accounts = new Map<string, AccountRow>()
  readonly #appPasswords = new Map<AccountId, AppPasswordRow[]>()
  readonly #aliases = new Map<string, AliasRow>()

  /** Every change here checks first and writes last, so that what throws has changed nothing. */
  atomically<T>(change: () => T): T {
    return change()
  }

  domains(): readonly string[] {
    return [...this.#domains]
  }

  hasDomain(domain: string): boolean {
    return this.#domains.has(domain)
  }

  addDomain(domain: string): void {
    this.#domains.add(domain)
  }

  removeDomain(domain: string): void {
    this.#domains.delete(domain)
  }

  domainInUse(domain: string): boolean {
    return [...this.#accounts.values(), ...this.#aliases.values()].some(row => row.domain === domain)
  }

  account(key: string): AccountRow | undefined {
    return this.#accounts.get(key)
  }

  accounts(): readonly AccountRow[] {
    return [...this.#accounts.values()]
  }

  putAccount(row: AccountRow): void {
    this.#accounts.set(row.key, row)
  }

  removeAccount(id: AccountId): void {
    for (const row of this.#accounts.values()) if (row.id === id) this.#accounts.delete(row.key)
    this.#appPasswords.delete(id)
  }

  appPasswords(account: AccountId): readonly AppPasswordRow[] {
    return this.#appPasswords.get(account) ?? []
  }

  appPassword(account: AccountId, digest: string): AppPasswordRow | undefined {
    return this.appPasswords(account).find(row => row.digest === digest)
  }

  addAppPassword(account: AccountId, row: AppPasswordRow): void {
    this.#appPasswords.set(account, [...this.appPasswords(account), row])
  }

  removeAppPassword(account: AccountId, label: string): void {
    this.#appPasswords.set(
      account,
      this.appPasswords(account).filter(row => row.label !== label),
    )
  }

  alias(key: string): AliasRow | undefined {
    return this.#aliases.get(key)
  }

  aliases(): readonly AliasRow[] {
    return [...this.#aliases.values()]
  }

  putAlias(row: AliasRow): void {
    this.#aliases.set(row.key, row)
  }

  removeAlias(key: string): void {
    this.#aliases.delete(key)
  }
}
