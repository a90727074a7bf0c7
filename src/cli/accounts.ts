/** The commands that look after accounts, aliases and domains. RFC 5321 §3.6; RFC 2142. */

import { mkdirSync } from 'node:fs'
import { sqliteDirectory } from '../directories/sqlite/index.ts'
import type { SqliteDirectory } from '../directories/sqlite/index.ts'
import { addMailAccount, personalFiles } from '../server/index.ts'
import { sqliteStore } from '../stores/sqlite/index.ts'
import { UsageError } from './usage.ts'
import type { Terminal } from './terminal.ts'

/** Runs `user`, `alias` or `domain`. Throws {@link UsageError} for what is none of their commands. */
export async function manageAccounts(words: readonly string[], data: string, terminal: Terminal): Promise<void> {
  mkdirSync(data, { recursive: true, mode: 0o700 })
  const directory = sqliteDirectory({ path: personalFiles(data).directory })
  try {
    const [noun, verb, ...rest] = words
    await command(`${noun ?? ''} ${verb ?? ''}`, rest, { directory, data, terminal })
  } finally {
    directory.close()
  }
}

interface Tools {
  readonly directory: SqliteDirectory
  readonly data: string
  readonly terminal: Terminal
}

async function command(name: string, rest: readonly string[], { directory, data, terminal }: Tools): Promise<void> {
  switch (name) {
    case 'user add': {
      const address = only(rest, 'an address')
      const password = await terminal.secret(`Password for ${address}: `)
      await directory.addDomain(address.slice(address.lastIndexOf('@') + 1))
      const store = sqliteStore({ path: personalFiles(data).mail })
      try {
        const account = await addMailAccount(directory, store, { address, password })
        terminal.tell(`${account.address} added`, { address: account.address, id: account.id })
      } finally {
        await store.close()
      }
      return
    }
    case 'user list':
      for (const { address, disabled, quota } of await directory.accounts()) {
        terminal.tell(disabled ? `${address} (disabled)` : address, { address, disabled, quota: quota ?? null })
      }
      return
    case 'user password': {
      const address = only(rest, 'an address')
      await directory.setPassword(address, await terminal.secret(`New password for ${address}: `))
      return terminal.tell(`password of ${address} set`, { address })
    }
    case 'user disable':
      await directory.disable(only(rest, 'an address'))
      return terminal.tell(`${rest[0]} disabled`, { address: rest[0], disabled: true })
    case 'user enable':
      await directory.enable(only(rest, 'an address'))
      return terminal.tell(`${rest[0]} enabled`, { address: rest[0], disabled: false })
    case 'user remove':
      await directory.removeAccount(only(rest, 'an address'))
      return terminal.tell(`${rest[0]} removed; its mail stays in the store`, { address: rest[0] })
    case 'alias set': {
      const [address, ...targets] = rest
      if (address === undefined || targets.length === 0) throw new UsageError('alias set takes an address and its targets')
      await directory.setAlias(address, targets)
      return terminal.tell(`${address} goes to ${targets.join(', ')}`, { address, targets })
    }
    case 'alias list':
      for (const { address, targets } of await directory.aliases())
        terminal.tell(`${address} -> ${targets.join(', ')}`, { address, targets })
      return
    case 'alias remove':
      await directory.removeAlias(only(rest, 'an address'))
      return terminal.tell(`${rest[0]} removed`, { address: rest[0] })
    case 'domain add':
      await directory.addDomain(only(rest, 'a domain'))
      return terminal.tell(`mail for ${rest[0]} is received`, { domain: rest[0] })
    case 'domain list':
      for (const domain of await directory.domains()) terminal.tell(domain, { domain })
      return
    default:
      throw new UsageError(`there is no command "${name.trim()}"`)
  }
}

function only(words: readonly string[], what: string): string {
  const [word] = words
  if (word === undefined || words.length > 1) throw new UsageError(`this command takes ${what} and nothing else`)
  return word
}
