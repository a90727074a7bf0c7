/** Whether this server has found a stored message's author to be real: read from the field that it added itself. RFC 8601 §2.2, §5. */

import type { TextField } from '../message-text.ts'

/** Whether the topmost `Authentication-Results` of `authservId` says `dmarc=pass`. Forged fields of that name were removed on arrival. */
export function hasPassed(fields: readonly TextField[], authservId: string | undefined): boolean {
  if (authservId === undefined) return false
  for (const { name, raw } of fields) {
    if (name !== 'authentication-results') continue
    const [id = '', ...results] = raw.split(';')
    if (id.trim().split(/\s/, 1)[0]?.toLowerCase() !== authservId.toLowerCase()) continue
    return results.some(result => /^\s*dmarc\s*=\s*pass\b/i.test(result))
  }
  return false
}
