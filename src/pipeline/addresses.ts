/** Addresses as text and in parts. RFC 5321 §4.1.2. */

import type { MailAddress } from '../contracts/directory.ts'

/** Local parts that need no quotes: RFC 5321 §4.1.2 `Dot-string`, with RFC 6531 §3.3's letters. */
const DOT_STRING = /^[\w!#$%&'*+/=?^`{|}~\u0080-\u{10ffff}-]+(?:\.[\w!#$%&'*+/=?^`{|}~\u0080-\u{10ffff}-]+)*$/u

/** `local@domain`, for keys, logs and comparing; the local part is not quoted. */
export function printedAddress(address: MailAddress): string {
  return `${address.local}@${address.domain}`
}

/** The address as it stands in a header or envelope: the local part quoted where it must be. */
export function mailboxOf(address: MailAddress): string {
  const local = DOT_STRING.test(address.local) ? address.local : `"${address.local.replace(/["\\]/g, '\\$&')}"`
  return address.domain === '' ? local : `${local}@${address.domain}`
}

/** RFC 5321 §4.1.2 `Quoted-string`. */
const QUOTED = /^"((?:[^"\\]|\\.)*)"$/u

/** An address as a directory writes it in an alias, a local part in quotes without them; `undefined` when it is none. */
export function parseAddress(text: string): MailAddress | undefined {
  const at = text.lastIndexOf('@')
  if (at < 1 || at === text.length - 1) return undefined
  const local = text.slice(0, at)
  const quoted = QUOTED.exec(local)?.[1]
  return { local: quoted === undefined ? local : quoted.replace(/\\(.)/gu, '$1'), domain: text.slice(at + 1).toLowerCase() }
}
