/** What SQLite reports of the table of counters, in the vocabulary of contracts. */

import { MailError } from '../../contracts/mail-error.ts'
import { isBusy, isNoSpace } from './faults.ts'

/** The error as the table reports it. */
export function stateErrorOf(error: unknown): MailError {
  if (error instanceof MailError) return error
  const options = { cause: error }
  if (isNoSpace(error)) return new MailError('no-space', 'the file system below the table of counters is full', options)
  if (isBusy(error)) return new MailError('unavailable', 'another process holds the table of counters', options)
  const text = error instanceof Error ? error.message : String(error)
  return new MailError('unavailable', `the table of counters failed: ${text}`, options)
}
