/** Whom a personal server is for: its domain, its first account, and who answers for the domain. RFC 2142 §2, §4. */

import { ConfigurationError } from '../contracts/index.ts'
import type { SqliteDirectory } from '../directories/sqlite/index.ts'
import type { SqliteStore } from '../stores/sqlite/index.ts'
import { keepNote, noteIn } from '../files/note.ts'
import { isAwaited, newPassword } from './first-password.ts'
import { addMailAccount, firstMailboxes } from './new-account.ts'

/** What the operator may say about it; what is left out stays as it was. */
interface Wishes {
  readonly domain?: string
  readonly user?: string
  readonly password?: string
  readonly progress?: (line: string) => void
  readonly notice: (text: string) => void
  /** The folder, for commands that are named. */
  readonly data: string
}

function domainOf(address: string): string {
  return address.slice(address.lastIndexOf('@') + 1)
}

/** Throws for an account and a domain that do not belong together: before anything is made, since the next start would take it for meant. */
export function checkPair({ domain, user }: Pick<Wishes, 'domain' | 'user'>): void {
  if (domain !== undefined && user !== undefined && domainOf(user).toLowerCase() !== domain.toLowerCase())
    throw new ConfigurationError('MW_USER_ELSEWHERE', `the account ${user} is not in the domain ${domain}`)
}

/**
 * The domain that gives the server its name, added to those that are served. Without a wish it is that of the last start: the server's name
 * and its certificate must not change because somebody added a domain that comes first in the alphabet.
 */
export async function servedDomain(
  directory: SqliteDirectory,
  lastUser: string | undefined,
  { domain: wish, user }: Pick<Wishes, 'domain' | 'user'>,
): Promise<string> {
  const domains = await directory.domains()
  const last = [lastUser].filter(address => address !== undefined).map(domainOf)
  const ofUser = user === undefined ? undefined : domainOf(user)
  const domain = (wish ?? ofUser ?? last.find(name => domains.includes(name)) ?? domains[0] ?? 'home.test').toLowerCase()
  if (!domains.includes(domain)) await directory.addDomain(domain)
  return domain
}

/** The account that the server is started for. */
export interface FirstAccount {
  readonly user: string
  readonly password: string | undefined
  readonly firstStart: boolean
  /** Whether it was made just now. */
  readonly isNew: boolean
}

/** Finds it, or makes it with its mailboxes. */
export async function firstAccount(
  directory: SqliteDirectory,
  store: SqliteStore,
  domain: string,
  awaited: string,
  lastUser: string | undefined,
  { user, password, progress = () => undefined, notice, data }: Wishes,
): Promise<FirstAccount> {
  const ofDomain = (await directory.accounts()).filter(account => user === undefined && account.address.endsWith(`@${domain}`))
  const known = ofDomain.find(account => account.address === lastUser) ?? ofDomain[0]
  const address = user ?? known?.address ?? `me@${domain}`
  const existing = known ?? (await directory.account(address))
  const left = noteIn(awaited)
  if (left !== undefined && left !== (existing?.address ?? address) && (await isAwaited(awaited, directory, left))) {
    notice(
      `${left} has no password: the start that made it ended before it had shown one. "mailwright user password ${left} --data ${data}" gives it one.`,
    )
  }
  if (existing === undefined) {
    progress(`making the account ${address}`)
    if (password === undefined) keepNote(awaited, address)
    const added = await addMailAccount(directory, store, { address, ...(password === undefined ? {} : { password }) })
    return { user: added.address, password: password ?? newPassword(), firstStart: true, isNew: true }
  }
  await firstMailboxes(store, existing)
  if (password === undefined && (await isAwaited(awaited, directory, existing.address))) {
    progress(`making a password for ${existing.address}: an earlier start ended before it had shown one`)
    return { user: existing.address, password: newPassword(), firstStart: true, isNew: false }
  }
  if (
    password !== undefined &&
    (await directory.verify({ kind: 'password', username: existing.address, password }, 'imap')) === undefined
  ) {
    progress(`setting the password of ${existing.address} to the one that was given`)
    await directory.setPassword(existing.address, password)
  }
  return { user: existing.address, password, firstStart: false, isNew: false }
}

/** Takes an account away again, with its mail. */
export async function forgetAccount(directory: SqliteDirectory, store: SqliteStore, address: string): Promise<void> {
  const account = await directory.account(address)
  if (account === undefined) return
  await directory.removeAccount(address)
  await store.removeAccount(account.id)
}

/** RFC 2142 §4, §2: whoever writes to the postmaster of a domain, or about abuse of it, reaches somebody. What is there already stays. */
export async function roleAddresses(directory: SqliteDirectory, domain: string, user: string): Promise<void> {
  for (const local of ['postmaster', 'abuse'])
    if ((await directory.resolve({ local, domain })).kind === 'unknown') await directory.setAlias(`${local}@${domain}`, [user])
}
