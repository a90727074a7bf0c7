/** The commands that look after accounts, aliases and domains. RFC 5321 §3.6; RFC 2142. */

import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { MailError } from '../contracts/index.ts'
import { sqliteDirectory } from '../directories/sqlite/index.ts'
import type { SqliteDirectory } from '../directories/sqlite/index.ts'
import { canonicalAddress } from '../mime/index.ts'
import { addMailAccount, personalFiles } from '../server/index.ts'
import { sqliteStore } from '../stores/sqlite/index.ts'
import { COMMON } from './command.ts'
import type { Call, Command } from './command.ts'
import { newFolder } from './folder.ts'
import type { Terminal } from './terminal.ts'
import { UsageError } from './usage.ts'

/** What a command does with the directory; the words are as many as its row says. */
type Work = (directory: SqliteDirectory, words: readonly string[], call: Call) => Promise<void>

function row(name: string, takes: string, text: string, work: Work, more: Partial<Command> = {}): Command {
  const count = takes === '' ? 0 : takes.split(' ').length
  return {
    name,
    takes,
    text,
    options: COMMON,
    arity: [count, count],
    needs: ['accounts'],
    ...more,
    async run(call) {
      make(call)
      await withDirectory(call, directory => work(directory, call.words, call))
    },
  }
}

async function withDirectory<T>({ data }: Call, work: (directory: SqliteDirectory) => Promise<T>): Promise<T> {
  const directory = sqliteDirectory({ path: personalFiles(data).directory })
  try {
    return await work(directory)
  } finally {
    directory.close()
  }
}

/** Only commands that may begin a folder come here without one. */
function make({ data, terminal }: Call): void {
  if (existsSync(data)) return
  newFolder(data)
  terminal.note(`made the folder ${resolve(data)}`)
}

/** The domain of an address that was typed. Throws {@link UsageError} for what is none. */
function domainOf(address: string, command: string): string {
  const at = address.lastIndexOf('@')
  if (at < 1 || at === address.length - 1) throw new UsageError(`"${address}" is no address: write NAME@DOMAIN`, command)
  return address.slice(at + 1)
}

/** Everything that can be wrong is looked at, and the password asked for, before a folder is made. */
async function addUser(call: Call): Promise<void> {
  const { words, data, terminal } = call
  const [address = ''] = words
  const domain = domainOf(address, 'user add')
  const files = personalFiles(data)
  if (existsSync(files.directory) && (await withDirectory(call, directory => directory.account(address))) !== undefined) {
    throw new MailError('already-exists', `${address} exists already: "mailwright user password ${address}" gives it another password`)
  }
  const password = await terminal.secret(`Password for ${address}: `)
  make(call)
  await withDirectory(call, async directory => {
    const others = await directory.domains()
    await directory.addDomain(domain)
    const store = sqliteStore({ path: files.mail })
    try {
      const account = await addMailAccount(directory, store, { address, password })
      terminal.tell(`${account.address} added`, { address: account.address, id: account.id })
      if (others.length > 0) await noteNewDomain(directory, others, terminal)
    } finally {
      await store.close()
    }
  })
}

/** A domain that came along may be a slip, after which mail for it goes nowhere else; and a server that runs has no keys for it. */
async function noteNewDomain(directory: SqliteDirectory, others: readonly string[], terminal: Terminal): Promise<void> {
  for (const domain of (await directory.domains()).filter(name => !others.includes(name)))
    terminal.note(`${domain} is new: mail for it is received from now on, and what it sends is signed from the next start of the server on`)
}

/** The accounts, aliases and domains commands. */
export const ACCOUNT_COMMANDS: readonly Command[] = [
  {
    name: 'user add',
    takes: 'ADDRESS',
    text: 'make an account; its password is read from stdin',
    more: 'The domain is served from then on. Without a terminal the first line of stdin is the password:\n  printf %s "$PASSWORD" | mailwright user add ann@example.org',
    options: COMMON,
    arity: [1, 1],
    needs: [],
    run: addUser,
  },
  row('user list', '', 'all accounts', async (directory, _words, { terminal }) => {
    const accounts = await directory.accounts()
    if (accounts.length === 0) terminal.note('no accounts yet: "mailwright user add ADDRESS" makes one')
    for (const { address, disabled, quota } of accounts) {
      terminal.tell(disabled ? `${address} (disabled)` : address, { address, disabled, quota: quota ?? null })
    }
  }),
  row('user password', 'ADDRESS', 'set a password, read from stdin', async (directory, [address = ''], { terminal }) => {
    await known(directory, address)
    await directory.setPassword(address, await terminal.secret(`New password for ${address}: `))
    terminal.tell(`password of ${address} set`, { address })
  }),
  row('user disable', 'ADDRESS', 'no logins and no mail until enabled again', async (directory, [address = ''], { terminal }) => {
    await known(directory, address)
    await directory.disable(address)
    terminal.tell(`${address} disabled`, { address, disabled: true })
  }),
  row('user enable', 'ADDRESS', 'logins and mail again', async (directory, [address = ''], { terminal }) => {
    await known(directory, address)
    await directory.enable(address)
    terminal.tell(`${address} enabled`, { address, disabled: false })
  }),
  row('user remove', 'ADDRESS', 'remove the account; its mail stays in the store', async (directory, [address = ''], { terminal }) => {
    await known(directory, address)
    await directory.removeAccount(address)
    terminal.tell(`${address} removed; its mail stays in the store`, { address })
  }),
  row(
    'alias set',
    'ADDRESS TARGET...',
    'send an address on; @DOMAIN is the catch-all',
    async (directory, [address = '', ...targets], { terminal }) => {
      await directory.setAlias(address, targets)
      terminal.tell(`${address} goes to ${targets.join(', ')}`, { address, targets })
      if (await isCircle(directory, address)) terminal.note(`${address} leads back to itself: mail to it is refused until that is changed`)
      // No fault: the account may come later. But a slip would show only when mail is refused.
      for (const target of await leadingNowhere(directory, targets)) {
        terminal.note(`there is no account ${target} yet, and it gets no mail until there is: "mailwright user add ${target}" makes one`)
      }
    },
    {
      arity: [2, Number.POSITIVE_INFINITY],
      more: 'Several targets make a group. The domain must be served: "mailwright domain add DOMAIN".',
    },
  ),
  row('alias list', '', 'all aliases', async (directory, _words, { terminal }) => {
    const aliases = await directory.aliases()
    if (aliases.length === 0) terminal.note('no aliases yet: "mailwright alias set ADDRESS TARGET" makes one')
    for (const { address, targets } of aliases) {
      terminal.tell(`${address} -> ${targets.join(', ')}`, { address, targets })
    }
  }),
  row('alias remove', 'ADDRESS', 'the address leads nowhere any more', async (directory, [address = ''], { terminal }) => {
    if (!(await directory.aliases()).some(alias => alias.address.toLowerCase() === address.toLowerCase())) {
      throw new MailError('invalid', `there is no alias ${address}: "mailwright alias list" shows those there are`)
    }
    await directory.removeAlias(address)
    terminal.tell(`${address} removed`, { address })
  }),
  row(
    'domain add',
    'DOMAIN',
    'receive mail for a domain',
    async (directory, [domain = ''], { terminal }) => {
      const others = await directory.domains()
      await directory.addDomain(domain)
      terminal.tell(`mail for ${domain} is received`, { domain })
      if (others.length > 0) await noteNewDomain(directory, others, terminal)
    },
    { needs: [] },
  ),
  row('domain list', '', 'all domains', async (directory, _words, { terminal }) => {
    const domains = await directory.domains()
    if (domains.length === 0) terminal.note('no domains yet: "mailwright domain add DOMAIN" adds one')
    for (const domain of domains) terminal.tell(domain, { domain })
  }),
]

/** Whether an alias comes back to itself, by way of others too: mail to it is refused then. */
async function isCircle(directory: SqliteDirectory, alias: string): Promise<boolean> {
  const start = canonicalAddress(alias)
  const seen = new Set<string>()
  const ahead = [start]
  for (let address = ahead.pop(); address !== undefined; address = ahead.pop()) {
    const found = await directory.resolve(address)
    for (const target of found.kind === 'alias' ? found.targets : []) {
      const next = canonicalAddress(target)
      if (next === undefined) continue
      const name = `${next.local}@${next.domain}`
      if (start !== undefined && name === `${start.local}@${start.domain}`) return true
      if (!seen.has(name)) ahead.push(next)
      seen.add(name)
    }
  }
  return false
}

/** The targets that are addresses of ours and nobody's. */
async function leadingNowhere(directory: SqliteDirectory, targets: readonly string[]): Promise<readonly string[]> {
  const nowhere: string[] = []
  for (const target of targets) {
    const address = canonicalAddress(target)
    if (address !== undefined && (await directory.resolve(address)).kind === 'unknown') nowhere.push(target)
  }
  return nowhere
}

/** Throws, with the way out, unless there is such an account: before a password is asked for. */
async function known(directory: SqliteDirectory, address: string): Promise<void> {
  if ((await directory.account(address)) !== undefined) return
  throw new MailError('no-such-account', `there is no account ${address}: "mailwright user list" shows those there are`)
}
