/** What every table of counters checks before it believes a caller. Contract: `contracts/state.ts`. */

import { MailError } from '../contracts/mail-error.ts'

/** Rows of one call. */
const MOST_ROWS = 10_000
const LONGEST_SPACE = 300
const LONGEST_KEY = 500

/** Rows that one page of `entries` has at most. */
export const STATE_PAGE = 1000

/** Throws `invalid` for a space that cannot be one. */
export function checkSpace(space: string): void {
  if (!isName(space, LONGEST_SPACE)) throw new MailError('invalid', `${JSON.stringify(space).slice(0, 100)} cannot be the name of a space`)
}

/** Throws `invalid` for keys that cannot be some, or too many. */
export function checkKeys(keys: readonly string[]): void {
  if (keys.length > MOST_ROWS) throw new MailError('invalid', `${keys.length} rows in one call are more than ${MOST_ROWS}`)
  for (const key of keys) {
    if (!isName(key, LONGEST_KEY)) throw new MailError('invalid', `${JSON.stringify(key).slice(0, 100)} cannot be a key`)
  }
}

/** Throws `invalid` for what is no whole number; for counters `least` is 0. */
export function checkNumbers(least: number, ...numbers: readonly (number | undefined)[]): void {
  for (const number of numbers) {
    if (number === undefined) continue
    if (!Number.isSafeInteger(number) || number < least) throw new MailError('invalid', `${number} cannot be counted`)
  }
}

/** A counter after a change. */
export function counted(before: number, change: number | undefined): number {
  return Math.min(Number.MAX_SAFE_INTEGER, Math.max(0, before + (change ?? 0)))
}

function isName(text: string, longest: number): boolean {
  return text.length > 0 && text.length <= longest && text.isWellFormed() && !text.includes('\0')
}
