/** Checks credentials with the same work for every failure: unknown, wrong, disabled and out of scope look alike (S23). */

import type { Account, Authenticator, CallOptions, Credentials, Principal, Scope } from '../../contracts/index.ts'
import { prepareString } from '../../sasl/index.ts'
import { accountOf } from './account.ts'
import { addressKey, canonicalAddress } from './address.ts'
import { appPasswordDigest } from './app-password.ts'
import { HashLane } from './hash-lane.ts'
import { checkPassword, decoyHash, hashPassword, isOutdated } from './password-hash.ts'
import type { HashCost } from './password-hash.ts'
import type { AccountRow, DirectoryTables, TablesSource } from './tables.ts'
import { VerifiedCache } from './verified-cache.ts'

const ALL_SCOPES: readonly Scope[] = Object.freeze(['imap', 'pop3', 'smtp'])

/** The key of no account: it is no address. */
const NOBODY = 'nobody'

/** Passwords with at least this many characters are taken. */
export const MIN_PASSWORD_CHARACTERS = 8

/** How a verifier works. */
export interface VerifierOptions {
  readonly cost: Required<HashCost>
  /** Milliseconds for which a right password is remembered. */
  readonly rememberFor: number
}

/** The {@link Authenticator} of the directories. */
export class Verifier implements Authenticator {
  readonly #tables: TablesSource
  readonly #cost: Required<HashCost>
  readonly #cache: VerifiedCache
  readonly #lane = new HashLane()
  readonly #decoy: string
  /** The key of a row that was found last: what is looked up where a name is not there. */
  #found = NOBODY

  constructor(tables: TablesSource, options: VerifierOptions) {
    this.#tables = tables
    this.#cost = options.cost
    this.#cache = new VerifiedCache(options.rememberFor)
    this.#decoy = decoyHash(options.cost)
  }

  async verify(credentials: Credentials, scope: Scope, options: CallOptions = {}): Promise<Principal | undefined> {
    options.signal?.throwIfAborted()
    // Tokens are for directories that know who issues them.
    if (credentials.kind !== 'password') return undefined
    const tables = await this.#tables()
    const password = prepareString(credentials.password)
    const row = rowNamed(tables, credentials.username)
    // One row is found and one is not, whichever name was given: finding costs a few microseconds more.
    const other = tables.account(row === undefined ? this.#found : NOBODY)
    const made = row ?? other
    const shown = made === undefined ? undefined : accountOf(made)
    const account = row === undefined ? undefined : shown
    if (row !== undefined) this.#found = row.key
    const mayEnter = row !== undefined && !row.disabled && actsForItself(row, credentials.authorizationId)
    // Digested and looked up for names that are not there, too. The comparison may take its time: whoever could steer a
    // digest could steer SHA-256.
    const app = tables.appPassword(row?.id ?? '', appPasswordDigest(row?.id ?? '', password ?? ''))
    if (password !== undefined && account !== undefined && mayEnter) {
      if (app?.scopes.includes(scope) === true) return principal(account, credentials.username, app.scopes, app.label)
      if (row.password !== undefined && this.#cache.has(row.password, password)) {
        return principal(account, credentials.username, ALL_SCOPES, 'password')
      }
    }
    // From here on every failure has cost the same: one hash, of the real thing or of the decoy.
    const stored = row?.password ?? this.#decoy
    const right = await this.#lane.run(() => checkPassword(password ?? '', stored), options.signal)
    if (!right || password === undefined || row?.password === undefined || account === undefined || !mayEnter) return undefined
    this.#cache.add(stored, password)
    if (isOutdated(stored, this.#cost)) await this.#renew(row, password)
    return principal(account, credentials.username, ALL_SCOPES, 'password')
  }

  /** The hash of a prepared password. */
  hash(password: string, options: CallOptions = {}): Promise<string> {
    return this.#lane.run(() => hashPassword(password, this.#cost), options.signal)
  }

  /** Brings an imported or older hash to today's cost, now that the password is known. */
  async #renew(row: AccountRow, password: string): Promise<void> {
    const renewed = await this.hash(password)
    const tables = await this.#tables()
    tables.atomically(() => {
      const now = tables.account(row.key)
      // Changed or removed meanwhile: then there is nothing to renew.
      if (now?.id === row.id && now.password === row.password) tables.putAccount({ ...now, password: renewed })
    })
    this.#cache.add(renewed, password)
  }
}

function rowNamed(tables: DirectoryTables, username: string): AccountRow | undefined {
  const prepared = prepareString(username)
  if (prepared === undefined) return undefined
  const key = keyOf(prepared)
  // A name that is no address is looked for all the same, so that it takes no other way than a good one.
  return tables.account(key ?? prepared)
}

/** RFC 4616 §2: to act for somebody else is for those who may; nobody here may. */
function actsForItself(row: AccountRow, authorizationId: string | undefined): boolean {
  return authorizationId === undefined || keyOf(authorizationId) === row.key
}

function keyOf(address: string): string | undefined {
  try {
    return addressKey(canonicalAddress(address))
  } catch {
    return undefined
  }
}

function principal(account: Account, username: string, scopes: readonly Scope[], credential: string): Principal {
  return Object.freeze({ account, username, scopes, credential })
}
