/**
 * Which names a mailbox can have, the same for every store, so that one archive fits into any of them. RFC 9051 §5.1;
 * RFC 5198 §2.
 */

import { MailError } from '../contracts/mail-error.ts'

/** The one mailbox that every account has, in the only spelling that stores know. RFC 9051 §5.1. */
export const INBOX = 'INBOX'

/** Most octets of a name in UTF-8. */
const MOST_OCTETS = 1000

/** Most levels of the hierarchy. */
const MOST_LEVELS = 25

// RFC 5198 §2: no C0 or C1 controls, no U+2028 and U+2029.
// Stricter than RFC 5198 §2: characters that turn the writing direction are refused too, since they make one name look like another.
const FORBIDDEN = /[\p{Cc}\u2028\u2029\u202A-\u202E\u2066-\u2069]/u

/**
 * Throws `invalid` unless the name is one that a mailbox (or a subscription) can have: Unicode in NFC, levels joined by `/`,
 * none of them empty, at most 1,000 octets and 25 levels, no control character; `INBOX` as the first level in exactly this
 * spelling or not at all. Anything else is data: dots, quotes and percent signs mean nothing to a store.
 */
export function checkMailboxName(name: string): void {
  const fault = faultOf(name)
  if (fault !== undefined) throw new MailError('invalid', `${JSON.stringify(name.slice(0, 100))} cannot name a mailbox: ${fault}`)
}

function faultOf(name: string): string | undefined {
  // A name never has more code units than octets, so this bounds all work below.
  if (name.length > MOST_OCTETS) return `more than ${MOST_OCTETS} octets`
  if (!name.isWellFormed()) return 'half of a surrogate pair'
  if (new TextEncoder().encode(name).length > MOST_OCTETS) return `more than ${MOST_OCTETS} octets`
  if (FORBIDDEN.test(name)) return 'a control character'
  if (name.normalize('NFC') !== name) return 'not in NFC'
  const levels = name.split('/')
  if (levels.length > MOST_LEVELS) return `more than ${MOST_LEVELS} levels`
  if (levels.includes('')) return 'an empty level'
  // RFC 9051 §5.1: "INBOX" is case-insensitive. Two spellings of it would be two mailboxes that clients take for one.
  if (levels[0] !== INBOX && /^inbox$/i.test(levels[0] ?? '')) return `the inbox is spelled ${INBOX}`
  return undefined
}

/** Whether `name` lies below `superior` in the hierarchy, at any depth. */
export function isInferior(name: string, superior: string): boolean {
  return name.startsWith(`${superior}/`)
}
