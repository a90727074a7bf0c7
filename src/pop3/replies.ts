/** Everything the server can say, by meaning, and the one table of failures. RFC 1939 §3; RFC 2449 §8; RFC 3206 §4, §5. */

import { MailError } from '../contracts/mail-error.ts'
import type { MailErrorKind } from '../contracts/mail-error.ts'
import type { Verdict } from '../contracts/verdict.ts'

/** The first line of a response. */
export interface Reply {
  readonly ok: boolean
  readonly text: string
}

/** `+OK text`. */
export function positive(text: string): Reply {
  return { ok: true, text }
}

/** `-ERR text`. */
export function negative(text: string): Reply {
  return { ok: false, text }
}

/** Names of the replies that more than one command has. */
export type ReplyName =
  | 'unknownCommand'
  | 'logInFirst'
  | 'loggedInAlready'
  | 'loginFailed'
  | 'beginTls'
  | 'notUtf8'
  | 'noSuchMessage'
  | 'isDeleted'
  | 'isGone'
  | 'loginCancelled'
  | 'badSasl'
  | 'goingDown'
  | 'tooManyFaults'
  | 'tooManyLogins'
  | 'serverBug'

/** Replies that more than one command has. */
export const replies: Readonly<Record<ReplyName, Reply>> = {
  unknownCommand: negative('There is no such command'),
  logInFirst: negative('Log in first'),
  loggedInAlready: negative('You are logged in already'),
  // RFC 3206 §5: the credentials are at fault, so that a client asks for others instead of trying again.
  loginFailed: negative('[AUTH] That is not a valid login'),
  beginTls: negative('[SYS/PERM] Begin TLS first'),
  // RFC 6856 §2.2: names and passwords that are no UTF-8 are refused.
  notUtf8: negative('[AUTH] That is not UTF-8'),
  noSuchMessage: negative('No such message'),
  isDeleted: negative('That message is marked as deleted'),
  isGone: negative('That message was removed elsewhere'),
  loginCancelled: negative('Login cancelled'),
  badSasl: negative('That is no answer to the challenge'),
  goingDown: negative('[SYS/TEMP] The server is going down'),
  tooManyFaults: negative('[SYS/PERM] Too many commands that are none'),
  tooManyLogins: negative('[AUTH] Too many failed logins'),
  serverBug: negative('[SYS/TEMP] Something went wrong on our side; it was noted'),
}

/** What each kind of failure is to a client. RFC 3206 §4: SYS/TEMP may pass by itself, SYS/PERM needs a person. */
const KINDS: Readonly<Record<MailErrorKind, Reply>> = {
  'no-such-mailbox': negative('[SYS/TEMP] The maildrop is not there'),
  'no-such-message': replies.isGone,
  'no-such-account': negative('[SYS/PERM] There is no such account'),
  'already-exists': negative('[SYS/PERM] That is there already'),
  invalid: negative('[SYS/PERM] That cannot be done'),
  'over-quota': negative('[SYS/PERM] The account is full'),
  'no-permission': negative('[SYS/PERM] That is not permitted'),
  'too-big': negative('[SYS/PERM] That is too large'),
  'no-space': negative('[SYS/TEMP] There is no room at the moment'),
  unavailable: negative('[SYS/TEMP] The mail is not reachable at the moment'),
  // RFC 2449 §8.1.2.
  'in-use': negative('[IN-USE] Somebody else is using the maildrop'),
  unsupported: negative('[SYS/PERM] This server cannot do that'),
  corrupt: negative('[SYS/PERM] The mail there is damaged'),
}

/** The reply for what was thrown; a bug of ours is never quoted. */
export function replyOf(error: unknown): Reply {
  return error instanceof MailError ? KINDS[error.kind] : replies.serverBug
}

/** Whether the operator should hear of a failure. */
export function isWorthReporting(error: unknown): boolean {
  return !(error instanceof MailError) || ['corrupt', 'unavailable', 'no-space'].includes(error.kind)
}

/** What a verdict of middleware is to a client, `accept` apart. */
export function refusalOf(verdict: Exclude<Verdict, { kind: 'accept' }>): Reply {
  switch (verdict.kind) {
    case 'reject':
      return negative(`[SYS/PERM] ${printable(verdict.text)}`)
    case 'defer':
      return negative(`[SYS/TEMP] ${printable(verdict.text)}`)
    case 'discard':
    case 'quarantine':
      return negative('[SYS/PERM] Refused by policy')
  }
}

/** One line of ASCII, whatever was given, well below the 512 octets of RFC 1939 §3. */
function printable(text: string): string {
  const line = text
    .slice(0, 400)
    .replace(/[^\x20-\x7e]+/g, ' ')
    .trim()
  return line === '' ? 'Refused' : line
}
