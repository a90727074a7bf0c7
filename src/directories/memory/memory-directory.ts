/** A directory that lives as long as its process: for tests, examples, and hosts that read their accounts from a file. */

import type { DirectoryRules, FullDirectory } from '../core/directory.ts'
import { RuledDirectory } from '../core/directory.ts'
import { MemoryTables } from './memory-tables.ts'

/** Options of {@link memoryDirectory}. */
export interface MemoryDirectoryOptions extends DirectoryRules {
  /** Domains that are served from the start. */
  readonly domains?: readonly string[]
  /** Accounts to begin with: addresses and their passwords. Their domains are served along with them. */
  readonly accounts?: Readonly<Record<string, string>>
  /** Aliases to begin with; their domains must be served. `@domain` is a catch-all. */
  readonly aliases?: Readonly<Record<string, readonly string[]>>
}

/** A directory in memory. */
export interface MemoryDirectory extends FullDirectory {
  /** Resolves when the accounts given at the start are there; rejects with what was wrong about them. */
  ready(): Promise<void>
}

/**
 * Makes a directory in memory. It may be used at once: calls wait for the accounts that were given.
 *
 * @example
 * ```ts
 * import { memoryDirectory } from 'mailwright/directories/memory'
 *
 * const directory = memoryDirectory({
 *   accounts: { 'ann@example.org': 'correct horse battery' },
 *   aliases: { 'office@example.org': ['ann@example.org'], '@example.org': ['ann@example.org'] },
 * })
 * const who = await directory.resolve({ local: 'ann+lists', domain: 'example.org' })
 * // { kind: 'account', account: { address: 'ann@example.org', … }, detail: 'lists' }
 * ```
 */
export function memoryDirectory(options: MemoryDirectoryOptions = {}): MemoryDirectory {
  return new SeededDirectory(options)
}

class SeededDirectory extends RuledDirectory implements MemoryDirectory {
  readonly #seeded: Promise<void>

  constructor(options: MemoryDirectoryOptions) {
    const tables = new MemoryTables()
    // The seeds are sown through a directory of their own, which does not wait for them.
    const seeded = seed(new RuledDirectory(() => tables, options), options)
    super(() => seeded.then(() => tables), options)
    this.#seeded = seeded
    // Whoever calls anything hears of it; until then it is not an unhandled rejection.
    seeded.catch(() => {})
  }

  ready(): Promise<void> {
    return this.#seeded
  }
}

async function seed(directory: FullDirectory, options: MemoryDirectoryOptions): Promise<void> {
  for (const domain of options.domains ?? []) await directory.addDomain(domain)
  for (const [address, password] of Object.entries(options.accounts ?? {})) {
    await directory.addDomain(address.slice(address.lastIndexOf('@') + 1))
    await directory.addAccount({ address, password })
  }
  for (const [address, targets] of Object.entries(options.aliases ?? {})) await directory.setAlias(address, targets)
}
