/** Addresses in canonical form: one spelling for each mailbox. RFC 5321 §4.1.2; RFC 6531 §3.3; RFC 5890 §2.3.2; UTS 46. */

import { utf8Bytes } from '../bytes/ascii.ts'

/** RFC 5321 §4.1.2 `Dot-string`, with the letters beyond ASCII of RFC 6531 §3.3. */
const DOT_STRING = /^[\w!#$%&'*+/=?^`{|}~\u00a1-\u{10ffff}-]+(?:\.[\w!#$%&'*+/=?^`{|}~\u00a1-\u{10ffff}-]+)*$/u
/** The same without them: hardly an address has any, and what is in ASCII deceives nobody and is not to be composed. */
const ASCII_DOT_STRING = /^[\w!#$%&'*+/=?^`{|}~-]+(?:\.[\w!#$%&'*+/=?^`{|}~-]+)*$/
/** RFC 5321 §4.1.2 `Quoted-string`, whole. */
const QUOTED_STRING = /^"((?:[\u0020-\u0021\u0023-\u005b\u005d-\u007e\u00a1-\u{10ffff}]|\\[\u0020-\u007e])*)"$/u
/** Characters that look like nothing or like something else: soft hyphen, zero width, direction marks, fractions and signs of several letters (S11). */
const DECEPTIVE = /\p{Default_Ignorable_Code_Point}|\p{Bidi_Control}|[\u2100\u2101\u2105\u2106\ufff0-\uffff]/u
/** RFC 5321 §4.5.3.1.1 says 64 octets; senders of forwarded mail (SRS, VERP) need more. */
const LONGEST_LOCAL = 250
const LABEL = /^[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/

/** A domain as A-labels in lower case; `undefined` for what is no domain name (address literals are none). */
export function canonicalDomain(text: string): string | undefined {
  // Anything else in ASCII would be for the URL parser to unescape or to read as a number.
  if (text.length > 255) return undefined
  if (!/^[\w.-]+$/.test(text) && (DECEPTIVE.test(text) || !/^[\w.\u0080-\u{10ffff}-]+$/u.test(text))) return undefined
  const ascii = asciiDomain(text)
  if (ascii === undefined || ascii.length > 255) return undefined
  const labels = ascii.split('.')
  return labels.every(label => LABEL.test(label)) && !/^\d+$/.test(labels.at(-1) ?? '') ? ascii : undefined
}

function asciiDomain(text: string): string | undefined {
  if (!/[^\u0000-\u007f]/.test(text) && !/xn--/i.test(text)) return text.toLowerCase()
  // A number as the last label would be read as an IPv4 address.
  if (/(?:^|\.)(?:\d+|0x[\da-f]*)\.?$/i.test(text)) return undefined
  const url = URL.parse(`http://${text.normalize('NFC')}/`)
  return url === null || url.pathname !== '/' ? undefined : url.hostname
}

/**
 * An address in two parts: the local part in NFC without quotes, the domain by {@link canonicalDomain}. `undefined` for what
 * is no address. Case of the local part is left to the host that serves it (RFC 5321 §2.4).
 *
 * @example
 * ```ts
 * import { canonicalAddress } from 'mailwright/mime'
 *
 * canonicalAddress('"Ann Lee"@BÜCHER.example') // { local: 'Ann Lee', domain: 'xn--bcher-kva.example' }
 * ```
 */
export function canonicalAddress(text: string): { readonly local: string; readonly domain: string } | undefined {
  const at = text.lastIndexOf('@')
  if (at < 1 || text.length > 1000) return undefined
  const local = canonicalLocal(text.slice(0, at))
  const domain = canonicalDomain(text.slice(at + 1))
  return local === undefined || domain === undefined ? undefined : { local, domain }
}

/** A local part in NFC and without quotes; `undefined` for what is none. */
export function canonicalLocal(text: string): string | undefined {
  if (text.length <= LONGEST_LOCAL && ASCII_DOT_STRING.test(text)) return text
  if (DECEPTIVE.test(text)) return undefined
  const quoted = QUOTED_STRING.exec(text)?.[1]
  if (quoted === undefined && !DOT_STRING.test(text)) return undefined
  const local = (quoted === undefined ? text : quoted.replace(/\\(.)/gu, '$1')).normalize('NFC')
  return local === '' || utf8Bytes(local).length > LONGEST_LOCAL ? undefined : local
}

/** Printing: what stands in an envelope need not be canonical, yet must come out as it went in. */
const NEEDS_NO_QUOTES = /^[\w!#$%&'*+/=?^`{|}~\u0080-\u{10ffff}-]+(?:\.[\w!#$%&'*+/=?^`{|}~\u0080-\u{10ffff}-]+)*$/u

/**
 * The address as it stands in a header or envelope: the local part in quotes where it must be. Without a domain
 * (`postmaster`), the local part alone. RFC 5321 §4.1.2.
 *
 * @example
 * ```ts
 * import { printAddress } from 'mailwright/mime'
 *
 * printAddress({ local: 'Ann Lee', domain: 'example.org' }) // "Ann Lee"@example.org
 * ```
 */
export function printAddress(address: { readonly local: string; readonly domain: string }): string {
  const { local, domain } = address
  const printed = NEEDS_NO_QUOTES.test(local) ? local : `"${local.replace(/["\\]/g, String.raw`\$&`)}"`
  return domain === '' ? printed : `${printed}@${domain}`
}
