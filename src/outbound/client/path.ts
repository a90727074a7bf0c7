/** Addresses and parameters as commands carry them. RFC 5321 §4.1.2; RFC 3461 §4, §5; RFC 6531 §3.3; RFC 6533 §3. */

import { utf8Bytes } from '../../bytes/ascii.ts'
import { canonicalDomain } from '../../mime/address.ts'

const ATOMS = /^[\w!#$%&'*+/=?^`{|}~\u0080-\u{10ffff}-]+(?:\.[\w!#$%&'*+/=?^`{|}~\u0080-\u{10ffff}-]+)*$/u
const QUOTED = /^"(?:[^"\\]|\\.)*"$/u
/** What can stand in no command, quoted or not. RFC 5321 §4.1.2; S2. */
const FORBIDDEN = /[\u0000-\u001f\u007f]/
const DOMAIN = /^(?:[\w.\u0080-\u{10ffff}-]+|\[[\w.:-]+\])$/u

/** `<local@domain>`; the local part quoted where it must be, the domain in A-labels without `utf8`. `undefined` for what is no address. */
export function pathOf(address: string, utf8: boolean): string | undefined {
  if (address === '') return '<>'
  const at = address.lastIndexOf('@')
  const local = address.slice(0, Math.max(0, at))
  const given = address.slice(at + 1)
  if (local === '' || address.length > 1000 || FORBIDDEN.test(address) || !DOMAIN.test(given)) return undefined
  const domain = utf8 || isAsciiText(given) ? given : canonicalDomain(given)
  if (domain === undefined) return undefined
  const quoted = ATOMS.test(local) || QUOTED.test(local) ? local : `"${local.replace(/["\\]/g, '\\$&')}"`
  return `<${quoted}@${domain}>`
}

/** Whether an address needs SMTPUTF8: a domain alone does not, it has A-labels. RFC 6531 §3.2. */
export function needsUtf8(address: string): boolean {
  return !isAsciiText(address.slice(0, Math.max(0, address.lastIndexOf('@'))))
}

/** Whether there is nothing beyond ASCII. */
function isAsciiText(text: string): boolean {
  return !/[^\u0000-\u007f]/.test(text)
}

/** `xtext`: anything as printable ASCII without spaces. RFC 3461 §4. */
export function xtext(text: string): string {
  return Array.from(utf8Bytes(text), octet =>
    octet > 0x20 && octet < 0x7f && octet !== 0x2b && octet !== 0x3d
      ? String.fromCharCode(octet)
      : `+${octet.toString(16).toUpperCase().padStart(2, '0')}`,
  ).join('')
}

/** The value of ORCPT: an address type, and the address in its encoding. `undefined` for what has no type. RFC 3461 §4.2; RFC 6533 §3. */
export function originalRecipient(text: string): string | undefined {
  const semicolon = text.indexOf(';')
  const type = text.slice(0, Math.max(0, semicolon))
  if (!/^[A-Za-z0-9-]{1,32}$/.test(type)) return undefined
  const address = text.slice(semicolon + 1)
  if (type.toLowerCase() !== 'utf-8') return `${type};${xtext(address)}`
  const escaped = Array.from(address, character => {
    const point = character.codePointAt(0) ?? 0
    const plain = point > 0x20 && point < 0x7f && character !== '+' && character !== '=' && character !== '\\'
    return plain ? character : `\\x{${point.toString(16).toUpperCase()}}`
  }).join('')
  return `${type};${escaped}`
}
