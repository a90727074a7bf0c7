/** What a submitted message must say of its author before it goes on, and what is set right in it. RFC 6409 §6.1, §6.4, §8.2, §8.3. */

import type { MailAddress, Principal } from '../contracts/directory.ts'
import { accept, reject } from '../contracts/verdict.ts'
import type { Verdict } from '../contracts/verdict.ts'
import { parseSentDate, printAddress } from '../mime/index.ts'
import { readAuthors } from './authors.ts'
import type { HeaderBlock } from './header-block.ts'
import type { Edits } from './header-edits.ts'
import type { House } from './house.ts'
import { printable } from './printable.ts'
import { isOwnAddress } from './sender-rights.ts'

/** A message of somebody who logged in. */
export interface Submitted {
  readonly principal: Principal
  /** Envelope sender, which was looked at before. */
  readonly sender: MailAddress | undefined
  readonly header: HeaderBlock
  /** The header as it will be sent. */
  readonly edits: Edits
}

/** What came of the look at a submitted message. */
export interface SubmissionFindings {
  readonly verdict: Verdict
  /** Domains whose use was found to be the login's right. */
  readonly domains: readonly string[]
}

/** RFC 5322 §3.6.4 `msg-id`, as liberal as those who answer to it. */
const MESSAGE_ID = /^<[^<>\s]+>$/

/** Looks at `From` and `Sender`, and takes away what cannot stand in `Date` and `Message-ID`, so that it is made anew. */
export async function examineSubmission(house: House, message: Submitted, signal: AbortSignal): Promise<SubmissionFindings> {
  const { edits } = message
  // RFC 6409 §8.2, §8.3: what does not conform may be corrected. What is taken away here is missing, and `missingFields` adds it.
  if (edits.values('date').some(value => parseSentDate(value) === undefined)) edits.remove('Date')
  if (edits.values('message-id').some(value => !MESSAGE_ID.test(value))) edits.remove('Message-ID')
  const { authors = 'own' } = house.submission
  const named = readNamed(message)
  if ('fault' in named) {
    if (authors === 'any') return { verdict: accept(), domains: domainsOf(message.sender === undefined ? [] : [message.sender]) }
    return { verdict: reject(named.fault, '5.6.0'), domains: [] }
  }
  const rights = new Map<string, boolean>()
  // What names show refuses a message or nothing: where nothing is refused, nobody need look it up.
  for (const address of authors === 'any' ? named.authors : [...named.authors, ...named.shown]) {
    const printed = printAddress(address)
    if (!rights.has(printed)) rights.set(printed, await mayName(house, message, address, signal))
    if (rights.get(printed) !== true && authors !== 'any') return { verdict: notYours(address, named), domains: [] }
  }
  const own = named.authors.filter(address => rights.get(printAddress(address)) === true)
  const others = new Set(named.authors.filter(address => !own.includes(address)).map(({ domain }) => domain))
  const allowed = domainsOf(message.sender === undefined ? own : [...own, message.sender])
  return { verdict: accept(), domains: allowed.filter(domain => !others.has(domain)) }
}

interface Named {
  readonly authors: readonly MailAddress[]
  readonly shown: readonly MailAddress[]
}

function readNamed({ header, edits }: Submitted): Named | { readonly fault: string } {
  // What one reader takes for the beginning of the body, another skips, and finds another From below it.
  if (header.broken) return { fault: 'The header has a line that is no field: send a message with a whole header' }
  const from = edits.values('from')
  const sender = edits.values('sender')
  const [only = ''] = from
  // RFC 5322 §3.6: exactly one From.
  if (from.length === 0) return { fault: 'The message has no From: write your address there' }
  if (from.length > 1) return { fault: 'From stands more than once in the header' }
  if (sender.length > 1) return { fault: 'Sender stands more than once in the header' }
  const read = [readAuthors('From', only), ...sender.map(value => readAuthors('Sender', value))]
  const named: { readonly authors: MailAddress[]; readonly shown: MailAddress[] } = { authors: [], shown: [] }
  for (const one of read) {
    if ('fault' in one) return one
    named.authors.push(...one.addresses)
    named.shown.push(...one.shown)
  }
  return named
}

async function mayName(house: House, { principal, sender }: Submitted, address: MailAddress, signal: AbortSignal): Promise<boolean> {
  // The envelope sender is the login's own, or it would not have got this far.
  if (sender !== undefined && printAddress(sender) === printAddress(address)) return true
  if (await isOwnAddress(house.directory, principal, address, { signal })) return true
  const { authors } = house.submission
  return typeof authors === 'function' && (await authors(principal, address))
}

function notYours(address: MailAddress, { authors }: Named): Verdict {
  const shown = printable(printAddress(address), 254)
  const where = authors.includes(address) ? 'From or Sender names' : 'The name in From or Sender shows'
  return reject(`${where} ${shown}, which does not belong to this login: write one of your own addresses there`, '5.7.1')
}

function domainsOf(addresses: readonly MailAddress[]): readonly string[] {
  return [...new Set(addresses.map(({ domain }) => domain))]
}
