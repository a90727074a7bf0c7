/** Everything a command can end with, and the one table from what adapters report to response codes. RFC 9051 §7.1; RFC 5530. */

import type { MailErrorKind } from '../contracts/mail-error.ts'
import { MailError } from '../contracts/mail-error.ts'
import type { Verdict } from '../contracts/verdict.ts'

/** How a command ended: the tagged response. RFC 9051 §7.1. */
export interface Completion {
  readonly status: 'OK' | 'NO' | 'BAD'
  /** Response code without its brackets. */
  readonly code?: string
  readonly text: string
  /** The session ends after it, with these last words. RFC 9051 §7.1.5. */
  readonly bye?: string
}

/** It was done. RFC 9051 §7.1.1. */
export function ok(text: string, code?: string): Completion {
  return code === undefined ? { status: 'OK', text } : { status: 'OK', code, text }
}

/** It was understood and not done. RFC 9051 §7.1.2. */
export function no(code: string, text: string): Completion {
  return { status: 'NO', code, text }
}

/** It was not understood. RFC 9051 §7.1.3. */
export function bad(text: string): Completion {
  return { status: 'BAD', text }
}

type CompletionName =
  | 'noSuchMailbox'
  | 'tryCreate'
  | 'alreadyExists'
  | 'readOnly'
  | 'badName'
  | 'expungeIssued'
  | 'loginFailed'
  | 'privacyRequired'
  | 'tooBig'
  | 'commandTooBig'
  | 'serverBug'
  | 'unknownEncoding'
  | 'tooManySearches'
  | 'badCharset'
  | 'noSuchSequence'

/** Completions that more than one command has. */
export const codes: Readonly<Record<CompletionName, Completion>> = {
  noSuchMailbox: no('NONEXISTENT', 'No such mailbox'),
  tryCreate: no('TRYCREATE', 'No such mailbox; it can be created'),
  alreadyExists: no('ALREADYEXISTS', 'A mailbox of that name exists'),
  readOnly: no('NOPERM', 'The mailbox is read-only here'),
  badName: no('CANNOT', 'That cannot be the name of a mailbox'),
  expungeIssued: no('EXPUNGEISSUED', 'Some of these messages were expunged'),
  loginFailed: no('AUTHENTICATIONFAILED', 'That is not a valid login'),
  privacyRequired: no('PRIVACYREQUIRED', 'Begin TLS first'),
  tooBig: no('TOOBIG', 'The message is larger than this server takes'),
  commandTooBig: no('TOOBIG', 'The command is too long'),
  serverBug: no('SERVERBUG', 'Something went wrong on our side; it was noted'),
  unknownEncoding: no('UNKNOWN-CTE', 'The part is in an encoding that is not known here'),
  tooManySearches: no('LIMIT', 'This account searches through too much at a time'),
  badCharset: no('BADCHARSET (US-ASCII UTF-8)', 'That charset is not known here'),
  noSuchSequence: bad('A sequence number is larger than the mailbox'),
}

/** What each kind of failure is to a client. RFC 5530 §3; RFC 9208 §5.1; RFC 7889 §4. */
const KINDS: Readonly<Record<MailErrorKind, Completion>> = {
  'no-such-mailbox': codes.noSuchMailbox,
  'no-such-message': codes.expungeIssued,
  'no-such-account': no('AUTHORIZATIONFAILED', 'There is no such account'),
  'already-exists': codes.alreadyExists,
  invalid: no('CANNOT', 'That cannot be done with this name or flag'),
  'over-quota': no('OVERQUOTA', 'The account is full'),
  'no-permission': no('NOPERM', 'That is not permitted'),
  'too-big': codes.tooBig,
  'no-space': no('UNAVAILABLE', 'There is no room at the moment'),
  unavailable: no('UNAVAILABLE', 'The mail is not reachable at the moment'),
  'in-use': no('INUSE', 'Somebody else is using it'),
  unsupported: no('CANNOT', 'This server cannot do that'),
  corrupt: no('CORRUPTION', 'The mail there is damaged'),
}

/** The completion for what was thrown; `undefined` when it is no failure of an adapter but a bug. */
export function completionOf(error: unknown): Completion | undefined {
  return error instanceof MailError ? KINDS[error.kind] : undefined
}

/** Whether the operator should hear of a failure. */
export function isWorthReporting(error: unknown): boolean {
  if (!(error instanceof MailError)) return true
  return error.kind === 'corrupt' || error.kind === 'unavailable' || error.kind === 'no-space'
}

/** What a verdict of middleware is to a client, `accept` apart. */
export function refusalOf(verdict: Exclude<Verdict, { kind: 'accept' }>): Completion {
  switch (verdict.kind) {
    case 'reject':
      return no('NOPERM', printable(verdict.text))
    case 'defer':
      return no('UNAVAILABLE', printable(verdict.text))
    case 'discard':
    case 'quarantine':
      return no('NOPERM', 'Refused by policy')
  }
}

/** One line of ASCII, whatever was given: `resp-text`. */
export function printable(text: string): string {
  const line = text
    .replace(/[^\x20-\x7e]+/g, ' ')
    .slice(0, 400)
    .trim()
  // resp-text must not begin with "[" unless a code does, and must not be empty.
  return line === '' ? 'Refused' : line.replace(/^\[/, '(')
}
