/** Addresses as directories write and compare them. RFC 5321 §4.1.2, §2.4; RFC 6531 §3.3; RFC 5890 §2.3.2. */

import { domainToASCII } from 'node:url'
import { MailError } from '../../contracts/index.ts'
import type { MailAddress } from '../../contracts/index.ts'

/** RFC 5321 §4.1.2 `Dot-string`, with the letters beyond ASCII of RFC 6531 §3.3. */
const DOT_STRING = /^[\w!#$%&'*+/=?^`{|}~\u00a1-\u{10ffff}-]+(?:\.[\w!#$%&'*+/=?^`{|}~\u00a1-\u{10ffff}-]+)*$/u
/** RFC 5321 §4.1.2 `Quoted-string`, whole. */
const QUOTED_STRING = /^"((?:[\x20-\x21\x23-\x5b\x5d-\x7e\u00a1-\u{10ffff}]|\\[\x20-\x7e])*)"$/u
const LABEL = /^[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/

/** RFC 5321 §4.5.3.1.1 and §4.5.3.1.2. */
const MAX_LOCAL_OCTETS = 64
const MAX_DOMAIN_OCTETS = 255

/** A domain in canonical form: A-labels in lower case. Throws `invalid` for what is no domain name. */
export function canonicalDomain(text: string): string {
  const domain = asDomain(text)
  if (domain === undefined) throw new MailError('invalid', `not a domain name: ${JSON.stringify(text)}`)
  return domain
}

function asDomain(text: string): string | undefined {
  // Anything else in ASCII would be for the URL parser, which domainToASCII is, to unescape or to read as a number.
  if (text.length > MAX_DOMAIN_OCTETS || !/^[\w.\u0080-\u{10ffff}-]+$/u.test(text)) return undefined
  const ascii = domainToASCII(text.normalize('NFC')).toLowerCase()
  const labels = ascii.split('.')
  if (ascii.length > MAX_DOMAIN_OCTETS || !labels.every(label => LABEL.test(label))) return undefined
  return /^\d+$/.test(labels.at(-1) ?? '') ? undefined : ascii
}

/**
 * An address in canonical form; its local part keeps the case it is written in. `@domain` (an empty local part) is allowed
 * only where `catchAll` says so. Throws `invalid`.
 */
export function canonicalAddress(text: string, options: { readonly catchAll?: boolean } = {}): MailAddress {
  const at = text.lastIndexOf('@')
  const domain = at < 0 ? undefined : asDomain(text.slice(at + 1))
  const local = at === 0 && options.catchAll === true ? '' : at > 0 ? asLocal(text.slice(0, at)) : undefined
  if (domain === undefined || local === undefined) throw new MailError('invalid', `not a mail address: ${JSON.stringify(text)}`)
  return { local, domain }
}

function asLocal(text: string): string | undefined {
  const [, quoted] = QUOTED_STRING.exec(text) ?? []
  if (quoted === undefined && !DOT_STRING.test(text)) return undefined
  const local = (quoted === undefined ? text : quoted.replace(/\\(.)/g, '$1')).normalize('NFC')
  return local === '' || Buffer.byteLength(local) > MAX_LOCAL_OCTETS ? undefined : local
}

/** The address as text: `local@domain`, the local part in quotes where it must be. */
export function addressText(address: MailAddress): string {
  const { local, domain } = address
  return local === '' || DOT_STRING.test(local) ? `${local}@${domain}` : `"${local.replace(/["\\]/g, String.raw`\$&`)}"@${domain}`
}

/**
 * What addresses are compared by. RFC 5321 §2.4 leaves case to the host that serves the address: here ASCII letters are
 * equal in both cases, and nothing else is folded.
 */
export function addressKey(address: MailAddress): string {
  const local = address.local.normalize('NFC').replace(/[A-Z]+/g, letters => letters.toLowerCase())
  return `${local}@${address.domain}`
}
