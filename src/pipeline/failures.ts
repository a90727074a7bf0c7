/** What failing adapters mean to a peer: the one table of the pipeline from `MailError` kinds to verdicts. RFC 3463 §3. */

import { MailError } from '../contracts/mail-error.ts'
import { defer, reject } from '../contracts/verdict.ts'
import type { Verdict } from '../contracts/verdict.ts'

export const SERVER_PROBLEM: Verdict = defer('Temporary server problem, please try again later', '4.3.0')
const NO_SPACE: Verdict = defer('Not enough storage at present, please try again later', '4.3.1')
const MAILBOX_FULL: Verdict = reject('The mailbox is full', '5.2.2')

/** The verdict for an error, and whether it is one that the host should be told of. */
export function verdictOf(error: unknown): { readonly verdict: Verdict; readonly expected: boolean } {
  if (!(error instanceof MailError)) return { verdict: SERVER_PROBLEM, expected: false }
  switch (error.kind) {
    case 'over-quota':
      return { verdict: MAILBOX_FULL, expected: true }
    case 'no-space':
      return { verdict: NO_SPACE, expected: false }
    case 'too-big':
      return { verdict: reject('The message is too large', '5.3.4'), expected: true }
    case 'already-exists':
    case 'corrupt':
    case 'in-use':
    case 'invalid':
    case 'no-permission':
    case 'no-such-account':
    case 'no-such-mailbox':
    case 'no-such-message':
    case 'unavailable':
    case 'unsupported':
      return { verdict: SERVER_PROBLEM, expected: false }
  }
}

/** The worst of several verdicts, the first of its kind: `defer` before `reject` before everything that means yes. */
export function worstOf(verdicts: readonly Verdict[]): Verdict | undefined {
  return verdicts.find(({ kind }) => kind === 'defer') ?? verdicts.find(({ kind }) => kind === 'reject') ?? verdicts[0]
}
