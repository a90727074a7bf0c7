/** An account as the contract shows it, from the row that keeps it. */

import type { Account } from '../../contracts/index.ts'
import type { AccountRow } from './tables.ts'

/** The frozen public half of a row: no hash in it. */
export function accountOf(row: AccountRow): Account {
  const { id, address, displayName, quotaOctets, quotaMessages, disabled } = row
  const limited = quotaOctets !== undefined || quotaMessages !== undefined
  return Object.freeze({
    id,
    address,
    ...(displayName === undefined ? {} : { displayName }),
    ...(limited
      ? {
          quota: Object.freeze({
            ...(quotaOctets === undefined ? {} : { octets: quotaOctets }),
            ...(quotaMessages === undefined ? {} : { messages: quotaMessages }),
          }),
        }
      : {}),
    disabled,
  })
}
