/** Whom a header names as authors, read so that no reader can find another one in it. RFC 5322 §3.6.2; RFC 6409 §6.4. */

import type { MailAddress } from '../contracts/directory.ts'
import { canonicalAddress, decodeWords, parseAddressList, printAddress } from '../mime/index.ts'

/** Each is looked up in the directory. */
const MOST_AUTHORS = 20
/** Octets of one field; twenty authors with names fit many times. */
const LONGEST_FIELD = 8192

/** The authors, or what is wrong in words for whoever sent it. */
export type Authors =
  | { readonly addresses: readonly MailAddress[]; /** Addresses that the names show to a reader. */ readonly shown: readonly MailAddress[] }
  | { readonly fault: string }

/**
 * Reads `From` or `Sender`. Stricter than RFC 5322 §3.4 and RFC 6854: a group, a route, an encoded word within an address and whatever two
 * readers could understand differently is a fault, since a message is judged here by one reader and shown by another.
 */
export function readAuthors(name: 'From' | 'Sender', value: string): Authors {
  if (value.length > LONGEST_FIELD) return { fault: `${name} is longer than ${LONGEST_FIELD} characters` }
  const listed = parseAddressList(value)
  if (listed.length > MOST_AUTHORS) return { fault: `${name} names more than ${MOST_AUTHORS} addresses` }
  if (listed.length === 0) return { fault: `${name} names no address` }
  if (name === 'Sender' && listed.length > 1) return { fault: 'Sender names several addresses, where it may name one' }
  const addresses: MailAddress[] = []
  for (const { mailbox, host, route } of listed) {
    if (mailbox === undefined || host === undefined) return { fault: `${name} has a group, where addresses must stand` }
    const address = host === '' ? undefined : asWritten(value, mailbox, host)
    if (address === undefined || route !== undefined || `${mailbox}${host}`.includes('=?'))
      return { fault: `${name} has something that is no address` }
    addresses.push(address)
  }
  return { addresses, shown: shownAddresses(value) }
}

/**
 * The address, if it stands in the text in one piece: `ann@here.example@there.example` is another address to the next reader, and so is one
 * with spaces or comments within.
 */
function asWritten(value: string, local: string, domain: string): MailAddress | undefined {
  const quoted = `"${local.replace(/["\\]/g, String.raw`\$&`)}"@${domain}`
  for (const form of [`${local}@${domain}`, quoted]) {
    for (let at = value.indexOf(form); at >= 0; at = value.indexOf(form, at + 1)) {
      if (BEFORE.has(value[at - 1]) && BEHIND.has(value[at + form.length])) return canonicalAddress(form)
    }
  }
  return undefined
}

const BEFORE: ReadonlySet<string | undefined> = new Set([undefined, ' ', '\t', '\n', '<', ',', ')'])
const BEHIND: ReadonlySet<string | undefined> = new Set([undefined, ' ', '\t', '\r', '>', ',', '('])

/** What separates an address from the text around it, when a person or a careless program looks for one. */
const EDGE = /[\s<>()[\]",;:'|]/u
const DOMAIN = /^(?:[\p{L}\p{N}_-]+\.)+[\p{L}\p{N}-]+/u

/**
 * Everything that looks like an address once names are decoded, comments and quoted strings included. Letters in other forms (full width) are
 * brought together and what cannot be seen is left out, as readers see it.
 */
function shownAddresses(value: string): readonly MailAddress[] {
  const text = decodeWords(value)
    .normalize('NFKC')
    .replace(/[\p{Default_Ignorable_Code_Point}\p{Bidi_Control}\p{Cc}]/gu, '')
  const found = new Map<string, MailAddress>()
  let end = 0
  for (let at = text.indexOf('@'); at >= 0; at = text.indexOf('@', at + 1)) {
    let start = at
    while (start > end && !EDGE.test(text[start - 1] ?? '')) start--
    end = at + 1
    // Further than any domain reaches need not be looked.
    const domain = DOMAIN.exec(text.slice(at + 1, at + 257))?.[0]
    const address = domain === undefined || start === at ? undefined : canonicalAddress(`${text.slice(start, at)}@${domain}`)
    if (address !== undefined) found.set(printAddress(address), address)
  }
  return [...found.values()]
}
