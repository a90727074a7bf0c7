/** Addresses as directories take, write and compare them. RFC 5321 §4.1.2, §2.4; RFC 5890 §2.3.2. */

import { MailError } from '../../contracts/index.ts'
import type { MailAddress } from '../../contracts/index.ts'
import { canonicalAddress as parsedAddress, canonicalDomain as parsedDomain, printAddress } from '../../mime/index.ts'

/** A domain in canonical form. Throws `invalid` for what is no domain name. */
export function canonicalDomain(text: string): string {
  const domain = parsedDomain(text)
  if (domain === undefined) throw new MailError('invalid', `not a domain name: ${JSON.stringify(text)}`)
  return domain
}

/**
 * An address in canonical form; its local part keeps the case it is written in. `@domain` (an empty local part) is allowed
 * only where `catchAll` says so. Throws `invalid`.
 */
export function canonicalAddress(text: string, options: { readonly catchAll?: boolean } = {}): MailAddress {
  if (options.catchAll === true && text.startsWith('@')) return { local: '', domain: canonicalDomain(text.slice(1)) }
  const address = parsedAddress(text)
  if (address === undefined) throw new MailError('invalid', `not a mail address: ${JSON.stringify(text)}`)
  return address
}

/** The address as text: `local@domain`, the local part in quotes where it must be. */
export function addressText(address: MailAddress): string {
  return address.local === '' ? `@${address.domain}` : printAddress(address)
}

/**
 * What addresses are compared by. RFC 5321 §2.4 leaves case to the host that serves the address: here ASCII letters are
 * equal in both cases, and nothing else is folded.
 */
export function addressKey(address: MailAddress): string {
  const local = address.local.normalize('NFC').replace(/[A-Z]+/g, letters => letters.toLowerCase())
  return `${local}@${address.domain}`
}
