/** The closed, protocol-free vocabulary in which adapters say what went wrong; each engine translates it once. */

/**
 * What an adapter can report:
 *
 * - `no-such-mailbox`, `no-such-message`, `no-such-account`: the thing named is not there (any more).
 * - `already-exists`: the name is taken.
 * - `invalid`: the argument cannot be stored (an empty or over-long name, a flag that is not one).
 * - `over-quota`: the account's limit would be passed.
 * - `no-permission`: the account may not do this.
 * - `too-big`: larger than this adapter takes at all.
 * - `no-space`: the storage below the adapter is full; may pass when space returns.
 * - `unavailable`: not now (locked, closing, unreachable); may be tried again.
 * - `in-use`: somebody holds it and will not share.
 * - `unsupported`: this adapter cannot do that, now or later.
 * - `corrupt`: what was read back is not what was written.
 */
export type MailErrorKind =
  | 'no-such-mailbox'
  | 'no-such-message'
  | 'no-such-account'
  | 'already-exists'
  | 'invalid'
  | 'over-quota'
  | 'no-permission'
  | 'too-big'
  | 'no-space'
  | 'unavailable'
  | 'in-use'
  | 'unsupported'
  | 'corrupt'

/**
 * The one error that adapters throw on purpose. `message` is for the operator and never reaches a peer; `cause` keeps what
 * lay below. Anything else that an adapter throws counts as a bug and is answered as a temporary server error.
 *
 * @example
 * ```ts
 * import { MailError } from 'mailwright/contracts'
 *
 * throw new MailError('no-such-mailbox', 'mailbox 17 of ann was removed')
 * ```
 */
export class MailError extends Error {
  override readonly name: string = 'MailError'
  /** What went wrong, in the closed vocabulary. */
  readonly kind: MailErrorKind

  constructor(kind: MailErrorKind, message: string, options?: ErrorOptions) {
    super(message, options)
    this.kind = kind
  }
}

/**
 * The host used the library wrongly: thrown at construction, never later, with a `code` that stays the same over releases.
 */
export class ConfigurationError extends Error {
  override readonly name: string = 'ConfigurationError'
  /** Stable, upper-case, begins with `MW_`. */
  readonly code: `MW_${string}`

  constructor(code: `MW_${string}`, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
