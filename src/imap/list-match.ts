/** Patterns of LIST: `*` is anything, `%` anything within a level; linear in both lengths for each name. RFC 9051 §6.3.9. */

import { DELIMITER } from './names.ts'

/**
 * Whether a name matches a pattern. Walks the name once, keeping the set of reachable places of the pattern, so that no
 * pattern costs more than pattern times name: `%*%*%*` is as cheap as `*`.
 */
export function matchesPattern(name: string, pattern: string): boolean {
  const compact = pattern.replace(/[%*]+/g, run => (run.includes('*') ? '*' : '%'))
  // No two wildcards touch now, so a pattern of more than 2n + 1 characters asks for more than a name of n has.
  if (compact.length > 2 * name.length + 1) return false
  let reachable = new Uint8Array(compact.length + 1)
  let next = new Uint8Array(compact.length + 1)
  reachable[0] = 1
  skipWildcards(reachable, compact)
  const isInbox = name.startsWith('INBOX') && (name.length === 5 || name.charAt(5) === DELIMITER)
  for (let at = 0; at < name.length; at++) {
    const char = name.charAt(at)
    next.fill(0)
    let any = false
    for (let i = 0; i < compact.length; i++) {
      if (reachable[i] === 0) continue
      const wanted = compact.charAt(i)
      if (wanted === '*' || (wanted === '%' && char !== DELIMITER)) next[i] = 1
      // RFC 9051 §5.1: INBOX is matched in any case.
      else if (wanted === char || (isInbox && at < 5 && wanted.toUpperCase() === char)) next[i + 1] = 1
      else continue
      any = true
    }
    if (!any) return false
    skipWildcards(next, compact)
    const swap = reachable
    reachable = next
    next = swap
  }
  return reachable[compact.length] === 1
}

/** A wildcard also matches nothing. */
function skipWildcards(reachable: Uint8Array, pattern: string): void {
  for (let i = 0; i < pattern.length; i++) {
    if (reachable[i] === 1 && (pattern.charAt(i) === '*' || pattern.charAt(i) === '%')) reachable[i + 1] = 1
  }
}
