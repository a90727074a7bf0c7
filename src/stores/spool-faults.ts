/** What the file system reports of spooled messages, in the vocabulary of contracts. */

import { MailError } from '../contracts/mail-error.ts'

/** What the system calls an error. */
export function codeOf(error: unknown): unknown {
  return error instanceof Error ? (error as { readonly code?: unknown }).code : undefined
}

/** The error as the spool reports it. */
export function faultOf(error: unknown): MailError {
  if (error instanceof MailError) return error
  const code = codeOf(error)
  const full = code === 'ENOSPC' || code === 'EDQUOT' || code === 'EFBIG'
  if (full) return new MailError('no-space', 'no room to spool a message: make room on that file system', { cause: error })
  const text = error instanceof Error ? error.message : String(error)
  return new MailError(
    'unavailable',
    `a message could not be spooled (${text}): check the disk of the spool, and the limit of open files`,
    {
      cause: error,
    },
  )
}
