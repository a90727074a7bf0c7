/** What an operator reads of an error. */

import { MailError } from '../contracts/index.ts'

/** What to do about an error of the file system; `undefined` for any other. */
export function systemWayOut(error: unknown): string | undefined {
  if (!(error instanceof Error) || error instanceof MailError || !('syscall' in error) || !('path' in error || 'errno' in error))
    return undefined
  const code = 'code' in error ? error.code : undefined
  if (code === 'ENOSPC' || code === 'EDQUOT') return 'make room on that file system, then try again'
  if (code === 'EMFILE' || code === 'ENFILE') return 'raise the limit of open files (ulimit -n, LimitNOFILE), then try again'
  return 'check that folder, who owns it and its disk, then try again'
}

/** The error in words; with its stack where it is none that anybody foresaw. */
export function faultText(error: unknown): string {
  const hint = systemWayOut(error)
  if (hint !== undefined && error instanceof Error) return `${error.message} (${hint})`
  if (error instanceof MailError) return error.message
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}
