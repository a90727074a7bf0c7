/**
 * The password that a first start makes up: it counts once it was shown, and until then its account has none. A start that is killed
 * anywhere before leaves an account to which the next start gives another password. Nothing of it is written but its hash.
 */

import type { SqliteDirectory } from '../directories/sqlite/index.ts'
import { systemRandom } from '../net/index.ts'
import { noteIn } from '../files/note.ts'

/**
 * Whether an account was made by a start that ended before its password was shown: a note names it, and it has none. An account that
 * somebody else left without a password, or gave one meanwhile, is not meant.
 */
export async function isAwaited(note: string, directory: SqliteDirectory, address: string): Promise<boolean> {
  const noted = noteIn(note)
  if (noted === undefined || (await directory.account(noted))?.address !== address) return false
  return !(await directory.hasPassword(address))
}

/** Twenty letters and digits that cannot be mistaken for one another: 100 bits. */
export function newPassword(): string {
  const alphabet = 'abcdefghijkmnpqrstuvwxyz23456789'
  const characters = Array.from(systemRandom.bytes(20), octet => alphabet[octet & 31] ?? '')
  return [0, 5, 10, 15].map(at => characters.slice(at, at + 5).join('')).join('-')
}
