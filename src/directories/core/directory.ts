/** The rules that both directories keep, over tables of either kind. RFC 5321 §2.4, §3.6; RFC 5233 §1. */

import { randomUUID } from 'node:crypto'
import { MailError } from '../../contracts/index.ts'
import type {
  Account,
  AppPassword,
  Authenticator,
  CallOptions,
  Credentials,
  Directory,
  DirectoryAdmin,
  MailAddress,
  NewAccount,
  Principal,
  QuotaLimits,
  Resolution,
  Scope,
} from '../../contracts/index.ts'
import { prepareString } from '../../sasl/index.ts'
import { accountOf } from './account.ts'
import { addressKey, addressText, canonicalAddress, canonicalDomain } from './address.ts'
import { appPasswordDigest, newAppPassword } from './app-password.ts'
import { DEFAULT_COST, assertReadable } from './password-hash.ts'
import type { HashCost } from './password-hash.ts'
import type { AccountRow, DirectoryTables, TablesSource } from './tables.ts'
import { MIN_PASSWORD_CHARACTERS, Verifier } from './verifier.ts'

const MAX_TARGETS = 1000
const MAX_LABEL_CHARACTERS = 100
const SCOPES: readonly Scope[] = ['imap', 'pop3', 'smtp']

/** What can be chosen about a directory's rules. */
export interface DirectoryRules {
  /** What parts the name from the detail in `ann+lists@…`; `false` for none. Default `+`. RFC 5233 §1. */
  readonly detailSeparator?: string | false
  /** Milliseconds for which a right password is remembered, as a keyed digest. 0: not at all. Default 60,000. */
  readonly rememberFor?: number
  /** Cost of new password hashes. Default: argon2id with 19 MiB and 2 passes. Less is for tests only. */
  readonly hashCost?: HashCost
}

/** Everything a directory of ours can do. */
export interface FullDirectory extends Directory, Authenticator, DirectoryAdmin {
  /**
   * Sets a password by its hash, as it comes from another system: a PHC string of argon2id or scrypt. It is made anew with
   * today's cost when its owner next logs in. Throws `no-such-account`, `invalid`.
   */
  setPasswordHash(address: string, hash: string, options?: CallOptions): Promise<void>
  /** Whether an account has a password; app passwords are none. Throws `no-such-account`. */
  hasPassword(address: string, options?: CallOptions): Promise<boolean>
}

/** A directory over tables. */
export class RuledDirectory implements FullDirectory {
  readonly #tables: TablesSource
  readonly #verifier: Verifier
  readonly #separator: string | false

  constructor(tables: TablesSource, rules: DirectoryRules) {
    this.#tables = tables
    this.#separator = rules.detailSeparator === '' ? false : (rules.detailSeparator ?? '+')
    this.#verifier = new Verifier(tables, { cost: { ...DEFAULT_COST, ...rules.hashCost }, rememberFor: rules.rememberFor ?? 60_000 })
  }

  async serves(domain: string, options?: CallOptions): Promise<boolean> {
    return (await this.#begin(options)).hasDomain(domain)
  }

  async resolve(address: MailAddress, options?: CallOptions): Promise<Resolution> {
    const tables = await this.#begin(options)
    const key = addressKey(address)
    // Most mail is for an account, and one has a domain that is served: nothing else need be asked then.
    const account = accountAt(tables, key, undefined)
    if (account !== undefined) return account
    if (!tables.hasDomain(address.domain)) return { kind: 'remote' }
    const alias = aliasAt(tables, key)
    if (alias !== undefined) return alias
    const at = this.#separator === false ? -1 : address.local.indexOf(this.#separator)
    if (at > 0 && this.#separator !== false) {
      const detail = address.local.slice(at + this.#separator.length)
      const base = resolved(tables, addressKey({ ...address, local: address.local.slice(0, at) }), detail)
      if (base !== undefined) return base
    }
    return resolved(tables, `@${address.domain}`, undefined) ?? { kind: 'unknown' }
  }

  verify(credentials: Credentials, scope: Scope, options?: CallOptions): Promise<Principal | undefined> {
    return this.#verifier.verify(credentials, scope, options)
  }

  async addDomain(domain: string, options?: CallOptions): Promise<void> {
    const name = canonicalDomain(domain)
    const tables = await this.#begin(options)
    tables.atomically(() => {
      if (!tables.hasDomain(name)) tables.addDomain(name)
    })
  }

  async removeDomain(domain: string, options?: CallOptions): Promise<void> {
    const name = canonicalDomain(domain)
    const tables = await this.#begin(options)
    tables.atomically(() => {
      if (tables.domainInUse(name)) throw new MailError('in-use', `${name} has accounts or aliases`)
      tables.removeDomain(name)
    })
  }

  async domains(options?: CallOptions): Promise<readonly string[]> {
    return [...(await this.#begin(options)).domains()].sort()
  }

  async addAccount(account: NewAccount, options?: CallOptions): Promise<Account> {
    const address = canonicalAddress(account.address)
    const password = account.password === undefined ? undefined : acceptable(account.password)
    const { octets, messages } = acceptableQuota(account.quota)
    // Looked at before the hash is made, and again when the row is written: another may have come first.
    assertFree(await this.#begin(options), address)
    const hash = password === undefined ? undefined : await this.#verifier.hash(password, options)
    const row: AccountRow = {
      // 122 bits of chance: never given twice, whatever was removed before.
      id: randomUUID(),
      key: addressKey(address),
      address: addressText(address),
      domain: address.domain,
      displayName: account.displayName,
      quotaOctets: octets,
      quotaMessages: messages,
      disabled: false,
      password: hash,
    }
    const tables = await this.#begin(options)
    tables.atomically(() => {
      assertFree(tables, address)
      tables.putAccount(row)
    })
    return accountOf(row)
  }

  async removeAccount(address: string, options?: CallOptions): Promise<void> {
    const tables = await this.#begin(options)
    tables.atomically(() => {
      tables.removeAccount(rowOf(tables, address).id)
    })
  }

  async account(address: string, options?: CallOptions): Promise<Account | undefined> {
    const row = (await this.#begin(options)).account(addressKey(canonicalAddress(address)))
    return row === undefined ? undefined : accountOf(row)
  }

  async accounts(options?: CallOptions): Promise<readonly Account[]> {
    return [...(await this.#begin(options)).accounts()].sort(byKey).map(row => accountOf(row))
  }

  async setPassword(address: string, password: string, options?: CallOptions): Promise<void> {
    const prepared = acceptable(password)
    rowOf(await this.#begin(options), address)
    const hash = await this.#verifier.hash(prepared, options)
    await this.#change(address, { password: hash }, options)
  }

  async hasPassword(address: string, options?: CallOptions): Promise<boolean> {
    return rowOf(await this.#begin(options), address).password !== undefined
  }

  async setPasswordHash(address: string, hash: string, options?: CallOptions): Promise<void> {
    assertReadable(hash)
    await this.#change(address, { password: hash }, options)
  }

  async setQuota(address: string, quota: QuotaLimits | undefined, options?: CallOptions): Promise<void> {
    const { octets, messages } = acceptableQuota(quota)
    await this.#change(address, { quotaOctets: octets, quotaMessages: messages }, options)
  }

  async disable(address: string, options?: CallOptions): Promise<void> {
    await this.#change(address, { disabled: true }, options)
  }

  async enable(address: string, options?: CallOptions): Promise<void> {
    await this.#change(address, { disabled: false }, options)
  }

  async addAppPassword(address: string, label: string, scopes: readonly Scope[], options?: CallOptions): Promise<string> {
    if (label.trim() === '' || label.length > MAX_LABEL_CHARACTERS || prepareString(label) !== label) {
      throw new MailError('invalid', 'the label of an app password is 1 to 100 printable characters in NFC')
    }
    const known = SCOPES.filter(scope => scopes.includes(scope))
    if (known.length === 0 || !scopes.every(scope => SCOPES.includes(scope))) {
      throw new MailError('invalid', 'an app password is for one or more of imap, pop3 and smtp')
    }
    const tables = await this.#begin(options)
    const secret = newAppPassword()
    tables.atomically(() => {
      const { id } = rowOf(tables, address)
      if (tables.appPasswords(id).some(row => row.label === label)) {
        throw new MailError('already-exists', `${address} has an app password called ${label} already`)
      }
      tables.addAppPassword(id, { label, digest: appPasswordDigest(id, secret), scopes: Object.freeze(known), createdAt: Date.now() })
    })
    return secret
  }

  async removeAppPassword(address: string, label: string, options?: CallOptions): Promise<void> {
    const tables = await this.#begin(options)
    tables.atomically(() => {
      tables.removeAppPassword(rowOf(tables, address).id, label)
    })
  }

  async appPasswords(address: string, options?: CallOptions): Promise<readonly AppPassword[]> {
    const tables = await this.#begin(options)
    return tables.appPasswords(rowOf(tables, address).id).map(({ label, scopes, createdAt }) => ({ label, scopes, createdAt }))
  }

  async setAlias(address: string, targets: readonly string[], options?: CallOptions): Promise<void> {
    const source = canonicalAddress(address, { catchAll: true })
    const written = [...new Set(targets.map(target => addressText(canonicalAddress(target))))]
    if (written.length === 0 || written.length > MAX_TARGETS) throw new MailError('invalid', `an alias has 1 to ${MAX_TARGETS} targets`)
    const key = addressKey(source)
    const tables = await this.#begin(options)
    tables.atomically(() => {
      assertServed(tables, source)
      if (tables.account(key) !== undefined) throw new MailError('already-exists', `${address} is the address of an account`)
      tables.putAlias({ key, address: addressText(source), domain: source.domain, targets: Object.freeze(written) })
    })
  }

  async removeAlias(address: string, options?: CallOptions): Promise<void> {
    const key = addressKey(canonicalAddress(address, { catchAll: true }))
    const tables = await this.#begin(options)
    tables.atomically(() => {
      tables.removeAlias(key)
    })
  }

  async aliases(options?: CallOptions): Promise<readonly { readonly address: string; readonly targets: readonly string[] }[]> {
    return [...(await this.#begin(options)).aliases()].sort(byKey).map(row => ({ address: row.address, targets: row.targets }))
  }

  async #begin(options: CallOptions | undefined): Promise<DirectoryTables> {
    options?.signal?.throwIfAborted()
    return this.#tables()
  }

  async #change(address: string, changes: Partial<AccountRow>, options: CallOptions | undefined): Promise<void> {
    const tables = await this.#begin(options)
    tables.atomically(() => {
      tables.putAccount({ ...rowOf(tables, address), ...changes })
    })
  }
}

function resolved(tables: DirectoryTables, key: string, detail: string | undefined): Resolution | undefined {
  return accountAt(tables, key, detail) ?? aliasAt(tables, key)
}

function accountAt(tables: DirectoryTables, key: string, detail: string | undefined): Resolution | undefined {
  const row = tables.account(key)
  if (row === undefined) return undefined
  const account = accountOf(row)
  return detail === undefined ? { kind: 'account', account } : { kind: 'account', account, detail }
}

function aliasAt(tables: DirectoryTables, key: string): Resolution | undefined {
  const alias = tables.alias(key)
  return alias === undefined ? undefined : { kind: 'alias', targets: alias.targets }
}

function rowOf(tables: DirectoryTables, address: string): AccountRow {
  const row = tables.account(addressKey(canonicalAddress(address)))
  if (row === undefined) throw new MailError('no-such-account', `there is no account ${address}`)
  return row
}

function assertServed(tables: DirectoryTables, address: MailAddress): void {
  if (!tables.hasDomain(address.domain)) throw new MailError('invalid', `${address.domain} is not served here: add the domain first`)
}

function assertFree(tables: DirectoryTables, address: MailAddress): void {
  assertServed(tables, address)
  const key = addressKey(address)
  if (tables.account(key) !== undefined || tables.alias(key) !== undefined) {
    throw new MailError('already-exists', `${addressText(address)} is taken`)
  }
}

function acceptable(password: string): string {
  const prepared = prepareString(password)
  if (prepared === undefined || Array.from(prepared).length < MIN_PASSWORD_CHARACTERS) {
    throw new MailError('invalid', `a password has at least ${MIN_PASSWORD_CHARACTERS} characters, and no control characters`)
  }
  return prepared
}

function acceptableQuota(quota: QuotaLimits | undefined): QuotaLimits {
  for (const limit of [quota?.octets, quota?.messages]) {
    if (limit !== undefined && (!Number.isSafeInteger(limit) || limit < 0)) {
      throw new MailError('invalid', 'a limit is a whole number of octets or messages')
    }
  }
  return quota ?? {}
}

function byKey(one: { readonly key: string }, other: { readonly key: string }): number {
  return one.key < other.key ? -1 : one.key > other.key ? 1 : 0
}
