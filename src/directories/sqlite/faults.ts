/** What SQLite says, in the vocabulary of contracts. */

import { ConfigurationError, MailError } from '../../contracts/index.ts'
import type { MailErrorKind } from '../../contracts/index.ts'

const SQLITE_READONLY = 8

/** Primary result codes of SQLite that mean something to callers. */
const KINDS: ReadonlyMap<number, MailErrorKind> = new Map([
  [5, 'unavailable'], // SQLITE_BUSY
  [6, 'unavailable'], // SQLITE_LOCKED
  [SQLITE_READONLY, 'unavailable'],
  [10, 'unavailable'], // SQLITE_IOERR
  [11, 'corrupt'], // SQLITE_CORRUPT
  [13, 'no-space'], // SQLITE_FULL
  [14, 'unavailable'], // SQLITE_CANTOPEN
  [26, 'corrupt'], // SQLITE_NOTADB
])

const DAMAGED = 'the file is damaged: keep a copy of it, and restore it from the latest backup'

const UNSURE = 'try again; if it stays so, check the disk and the limit of open files (ulimit -n)'

/** What to do, where it is more than waiting. */
const WAYS_OUT: ReadonlyMap<number, string> = new Map([
  [SQLITE_READONLY, 'the file may not be written: check owner and permissions, and how its disk is mounted'],
  [11, DAMAGED],
  [13, 'its disk is full: make room, no restart is needed'],
  [26, DAMAGED],
])

/** The error to throw instead; one of ours, or one that SQLite did not make, stays as it is. */
function translated(error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof MailError || error instanceof ConfigurationError) return error
  if (!('errcode' in error) || typeof error.errcode !== 'number') return error
  const code = error.errcode & 0xff
  const kind = KINDS.get(code)
  if (kind === undefined) return error
  return new MailError(kind, `the directory’s database: ${WAYS_OUT.get(code) ?? `${error.message}; ${UNSURE}`}`, { cause: error })
}

/** Whether the connection can only read, as SQLite opens it without a word when opening for writing fails. */
export function isReadOnly(error: unknown): boolean {
  return error instanceof MailError && (error.cause as { readonly errcode?: number } | undefined)?.errcode === SQLITE_READONLY
}

/** Does something with the database, its faults translated. */
export function guarded<T>(work: () => T): T {
  try {
    return work()
  } catch (error) {
    throw translated(error)
  }
}
