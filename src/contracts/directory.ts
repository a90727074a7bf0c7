/** Who is served here: which addresses have an account behind them, and who may log in. RFC 5321 §3.6, §7.3; RFC 5233. */

import type { CallOptions } from './call.ts'
import type { AccountId, QuotaLimits, SpecialUse } from './mailbox-info.ts'

/**
 * A mail address in canonical form: the local part in NFC as its owner writes it (a quoted local part without its quotes),
 * the domain in lower case as A-labels. RFC 5321 §4.1.2; RFC 5890 §2.3.
 */
export interface MailAddress {
  readonly local: string
  readonly domain: string
}

/** An account as a directory knows it. */
export interface Account {
  /** Names the account's mail in the store; stays when addresses change. */
  readonly id: AccountId
  /** The main address, in canonical form `local@domain`; also the name to log in with. */
  readonly address: string
  /** What the person is called, where known. */
  readonly displayName?: string
  /** Limits of the account's mail; absent: none. */
  readonly quota?: QuotaLimits
  /** A disabled account neither logs in nor receives (550 5.2.1); its mail stays. */
  readonly disabled: boolean
}

/** What a directory says of a recipient. */
export type Resolution =
  /** Mail goes into this account. `detail` is what followed the `+`. */
  | {
      readonly kind: 'account'
      readonly account: Account
      readonly detail?: string
      /** Where in the account the directory wants it; default: the inbox. */
      readonly mailbox?: string | { readonly specialUse: SpecialUse }
    }
  /** An alias or a group: mail goes to each of these addresses instead, which are resolved in turn. */
  | { readonly kind: 'alias'; readonly targets: readonly string[] }
  /** Mail for this address is taken here and sent on to the servers that the way out knows for its domain: a gateway, a backup MX. */
  | { readonly kind: 'relay' }
  /** The domain is served here but has no such recipient. */
  | { readonly kind: 'unknown' }
  /** The domain is not served here. */
  | { readonly kind: 'remote' }

/** Resolves addresses. A directory on its way to the answer throws `unavailable`, which is answered 451, never 550. */
export interface Directory {
  /** Whether mail for this domain (canonical form) is delivered here. */
  serves(domain: string, options?: CallOptions): Promise<boolean>
  /** What an address stands for: one step; aliases are followed by the caller, who also ends loops. */
  resolve(address: MailAddress, options?: CallOptions): Promise<Resolution>
}

/** What a password or token may be used for. */
export type Scope = 'imap' | 'pop3' | 'smtp'

/** Who logged in, and what they may do. */
export interface Principal {
  readonly account: Account
  /** The name that was used to log in. */
  readonly username: string
  /** What this login may be used for. */
  readonly scopes: readonly Scope[]
  /** Which credential was used, for logs: `password`, or the label of an app password. Never the secret. */
  readonly credential: string
  /** Sender addresses that it may use beside those that lead to its account: `ann@example.org`, or `@example.org` for a whole domain. RFC 6409 §6.1. */
  readonly senders?: readonly string[]
}

/** What a client showed to prove who it is. */
export type Credentials =
  | {
      readonly kind: 'password'
      readonly username: string
      readonly password: string
      /** Whom the client wants to act for, when it names somebody else. RFC 4616 §2. */
      readonly authorizationId?: string
    }
  | { readonly kind: 'bearer'; readonly username?: string; readonly token: string }

/** Checks credentials. */
export interface Authenticator {
  /**
   * The principal, or `undefined` when the credentials are not valid for that scope: unknown user, wrong password, disabled
   * account and wrong scope are one answer and cost the same work, so that none can be told from another (S23). Throws
   * `unavailable` when it cannot tell, which is not a failed login.
   */
  verify(credentials: Credentials, scope: Scope, options?: CallOptions): Promise<Principal | undefined>
}

/** What is needed to make an account. */
export interface NewAccount {
  /** Main address, `local@domain`. Its domain must be one that is served. */
  readonly address: string
  /** At least 8 characters; normalised to NFC before it is hashed. Left out: the account cannot log in yet. */
  readonly password?: string
  readonly displayName?: string
  readonly quota?: QuotaLimits
}

/** An additional password of an account, for one client or purpose. The secret itself is shown once, when it is made. */
export interface AppPassword {
  readonly label: string
  readonly scopes: readonly Scope[]
  /** Milliseconds since the epoch. */
  readonly createdAt: number
}

/**
 * The writing side of a directory, for set-up and administration; adapters over foreign directories may leave it out.
 * Addresses are given as text and brought to canonical form by the directory. Throws `already-exists`, `no-such-account`,
 * `invalid`.
 */
export interface DirectoryAdmin {
  /** Serves a domain from now on; again is no error. */
  addDomain(domain: string, options?: CallOptions): Promise<void>
  /** Stops serving a domain. Throws `in-use` while accounts or aliases are in it. */
  removeDomain(domain: string, options?: CallOptions): Promise<void>
  /** The domains that are served, in canonical form. */
  domains(options?: CallOptions): Promise<readonly string[]>
  /** Makes an account; its id is new and never given again. Throws `already-exists`, and `invalid` for an address in a domain that is not served or a password that is too short. */
  addAccount(account: NewAccount, options?: CallOptions): Promise<Account>
  /** Takes an account out of the directory, with its app passwords; its mail in the store stays. Throws `no-such-account`. */
  removeAccount(address: string, options?: CallOptions): Promise<void>
  /** The account with this main address; `undefined` when there is none. Aliases are not followed. */
  account(address: string, options?: CallOptions): Promise<Account | undefined>
  /** All accounts, in order of their addresses. */
  accounts(options?: CallOptions): Promise<readonly Account[]>
  /** Gives an account another password; the old one stops working at once. Throws `no-such-account`, `invalid`. */
  setPassword(address: string, password: string, options?: CallOptions): Promise<void>
  /** `undefined` takes the limits away. */
  setQuota(address: string, quota: QuotaLimits | undefined, options?: CallOptions): Promise<void>
  /** Keeps an account from logging in and receiving; again is no error. Throws `no-such-account`. */
  disable(address: string, options?: CallOptions): Promise<void>
  /** Lets a disabled account in again; again is no error. Throws `no-such-account`. */
  enable(address: string, options?: CallOptions): Promise<void>
  /** Makes a random app password and answers it; it is kept only as a hash. Throws `already-exists` for the label. */
  addAppPassword(address: string, label: string, scopes: readonly Scope[], options?: CallOptions): Promise<string>
  /** Makes an app password void at once. Throws `no-such-account`; a label that is not there is no error. */
  removeAppPassword(address: string, label: string, options?: CallOptions): Promise<void>
  /** The app passwords of an account, without their secrets. Throws `no-such-account`. */
  appPasswords(address: string, options?: CallOptions): Promise<readonly AppPassword[]>
  /**
   * Sends an address on to one or more others; replaces what it stood for. `@domain` (an empty local part) is the
   * catch-all of a domain: it takes what nothing else in the domain does.
   */
  setAlias(address: string, targets: readonly string[], options?: CallOptions): Promise<void>
  /** Takes an alias away; one that is not there is no error. */
  removeAlias(address: string, options?: CallOptions): Promise<void>
  /** All aliases, catch-alls among them, with what they stand for. */
  aliases(options?: CallOptions): Promise<readonly { readonly address: string; readonly targets: readonly string[] }[]>
}
