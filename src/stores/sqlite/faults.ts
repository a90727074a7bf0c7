/** What SQLite and the file system report, in the vocabulary of stores. */

import { MailError } from '../../contracts/mail-error.ts'

const SQLITE_BUSY = 5
const SQLITE_READONLY = 8
const SQLITE_IOERR = 10
const SQLITE_CORRUPT = 11
const SQLITE_FULL = 13
const SQLITE_CANTOPEN = 14
const SQLITE_NOTADB = 26
/** Extending the shared memory of the WAL found no space. */
const SQLITE_IOERR_SHMSIZE = SQLITE_IOERR | (19 << 8)

/** Reading failed: nothing that was written is in doubt. */
const SQLITE_IOERR_READ = SQLITE_IOERR | (1 << 8)

const NO_SPACE: ReadonlySet<string> = new Set(['ENOSPC', 'EDQUOT', 'EFBIG'])
const NO_FILES: ReadonlySet<string> = new Set(['EMFILE', 'ENFILE'])

function codeOf(error: unknown): { readonly errcode: number; readonly code: string } {
  if (!(error instanceof Error)) return { errcode: 0, code: '' }
  const { errcode, code } = error as { readonly errcode?: unknown; readonly code?: unknown }
  return { errcode: typeof errcode === 'number' ? errcode : 0, code: typeof code === 'string' ? code : '' }
}

/** Whether the storage below is full. */
export function isNoSpace(error: unknown): boolean {
  if (error instanceof MailError) return error.kind === 'no-space'
  const { errcode, code } = codeOf(error)
  return NO_SPACE.has(code) || (errcode & 0xff) === SQLITE_FULL || errcode === SQLITE_IOERR_SHMSIZE
}

/** Whether another process held the database for longer than we wait. */
export function isBusy(error: unknown): boolean {
  return (codeOf(error).errcode & 0xff) === SQLITE_BUSY
}

/**
 * Whether the storage below failed in a way after which nothing that it says can be trusted: after a failed fsync the kernel
 * may drop what was not written and call the next one a success. Whoever sees this must stop writing.
 */
export function isFatal(error: unknown): boolean {
  if (error instanceof MailError || isNoSpace(error)) return false
  const { errcode, code } = codeOf(error)
  const primary = errcode & 0xff
  if (errcode === SQLITE_IOERR_READ) return false
  return primary === SQLITE_IOERR || primary === SQLITE_CORRUPT || primary === SQLITE_NOTADB || code === 'EIO' || code === 'EROFS'
}

/** Whether SQLite's code stands for a call to the disk that failed. */
export function isIoError(code: number): boolean {
  return (code & 0xff) === SQLITE_IOERR
}

/** Whether the connection can only read, as SQLite opens it without a word when opening for writing fails. */
export function isReadOnly(error: unknown): boolean {
  return (codeOf(error).errcode & 0xff) === SQLITE_READONLY
}

/** Whether a file is not there. */
export function isMissing(error: unknown): boolean {
  return codeOf(error).code === 'ENOENT'
}

/** A segment that is needed is not there. */
export function missingSegment(path: string, cause: unknown): MailError {
  return new MailError('corrupt', `${path} is missing: restore it from a backup`, { cause })
}

/** The error as stores report it. */
export function mailErrorOf(error: unknown): MailError {
  if (error instanceof MailError) return error
  const { errcode, code } = codeOf(error)
  const primary = errcode & 0xff
  const options = { cause: error }
  if (isNoSpace(error))
    return new MailError('no-space', 'the file system of the mail store is full: make room, no restart is needed', options)
  if (primary === SQLITE_BUSY) {
    return new MailError(
      'unavailable',
      'another process holds the mail store: wait for it to end (a backup tool, a sqlite3 shell)',
      options,
    )
  }
  if (primary === SQLITE_CORRUPT || primary === SQLITE_NOTADB) {
    return new MailError(
      'corrupt',
      'mail.sqlite is damaged: stop the server, keep a copy of the folder, and restore the latest backup or run the sqlite3 shell’s ".recover"',
      options,
    )
  }
  if (NO_FILES.has(code)) {
    return new MailError(
      'unavailable',
      'too many files are open: raise the limit of open files (ulimit -n, LimitNOFILE), and try again',
      options,
    )
  }
  if (primary === SQLITE_CANTOPEN || primary === SQLITE_READONLY || code === 'EACCES' || code === 'EPERM') {
    return new MailError(
      'unavailable',
      'the mail store’s files cannot be opened for writing: check owner and permissions of the folder, and the limit of open files (ulimit -n)',
      options,
    )
  }
  if (primary === SQLITE_READONLY || code === 'EROFS') {
    return new MailError(
      'unavailable',
      'the mail store’s files may not be written: check owner and permissions of the folder, and how its disk is mounted',
      options,
    )
  }
  const text = error instanceof Error ? error.message : String(error)
  return new MailError('unavailable', `the mail store failed (${text}): try again; if it stays so, check the disk and the folder`, options)
}

/** Whether SQLite or the system said it: in words for nobody but the operator. */
export function isFromBelow(error: unknown): boolean {
  return error instanceof Error && !(error instanceof MailError) && (codeOf(error).errcode !== 0 || 'syscall' in error)
}
