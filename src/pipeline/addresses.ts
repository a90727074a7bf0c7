/** Addresses as text and in parts. RFC 5321 §4.1.2. */

import type { MailAddress } from '../contracts/directory.ts'

/** `local@domain`, for keys, logs and comparing; the local part is not quoted. */
export function printedAddress(address: MailAddress): string {
  return `${address.local}@${address.domain}`
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
