/** Names of mailboxes between the wire and the store. RFC 9051 §5.1; RFC 3501 §5.1.3. */

import { decodeModifiedUtf7 } from '../bytes/modified-utf7.ts'

/** What joins the levels of a name. */
export const DELIMITER = '/'

const MOST_OCTETS = 1_000
const MOST_LEVELS = 25

/** How a session writes names: modified UTF-7 until the client enabled IMAP4rev2 or UTF8=ACCEPT. RFC 6855 §3; RFC 9051 §A. */
export type NameForm = 'utf-7' | 'utf-8'

/** The name as stores spell it, from the text of a command; `undefined` when no mailbox can have it. */
export function nameFrom(text: string, form: NameForm): string | undefined {
  const decoded = form === 'utf-8' ? text : decodeModifiedUtf7(text)
  if (decoded === undefined) return undefined
  const name = canonical(decoded.normalize('NFC'))
  return isValid(name) ? name : undefined
}

/** RFC 9051 §5.1: INBOX is case-insensitive, here also as the first level of a name. */
function canonical(name: string): string {
  if (name.length < 5 || (name.length > 5 && name.charAt(5) !== DELIMITER)) return name
  return /^inbox$/i.test(name.slice(0, 5)) ? `INBOX${name.slice(5)}` : name
}

function isValid(name: string): boolean {
  if (name.length === 0 || name.length > MOST_OCTETS || !name.isWellFormed()) return false
  if (new TextEncoder().encode(name).length > MOST_OCTETS) return false
  // RFC 9051 §5.1: no C0, no C1, no line or paragraph separators.
  if (/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/.test(name)) return false
  const levels = name.split(DELIMITER)
  return levels.length <= MOST_LEVELS && !levels.includes('')
}

/** A pattern of LIST as text in the store's spelling; wildcards are ASCII and stay. `undefined` when nothing can match it. */
export function patternFrom(text: string, form: NameForm): string | undefined {
  const decoded = form === 'utf-8' ? text : decodeModifiedUtf7(text)
  return decoded?.normalize('NFC')
}
