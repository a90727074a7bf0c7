/** Which ids an account can have, the same for every store. */

import type { AccountId } from '../contracts/mailbox-info.ts'
import { MailError } from '../contracts/mail-error.ts'

/** Throws `invalid` unless the id is 1 to 255 characters of printable Unicode. */
export function checkAccountId(id: AccountId): void {
  // Twice 255 code units bounds the work: no character takes more than two.
  if (id !== '' && id.length <= 510 && id.isWellFormed() && !/[\p{Cc}\u2028\u2029]/u.test(id) && Array.from(id).length <= 255) return
  throw new MailError('invalid', `${JSON.stringify(id.slice(0, 100))} cannot be the id of an account`)
}
