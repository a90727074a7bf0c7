/** What a message must keep to before anybody's policy is asked: sizes and loops. RFC 5321 §6.3; RFC 5322 §2.1.1; S18, S22, S28. */

import { reject } from '../contracts/verdict.ts'
import type { Verdict } from '../contracts/verdict.ts'
import { MAX_HEADER_FIELDS, MAX_HEADER_OCTETS } from './header-block.ts'
import type { HeaderBlock } from './header-block.ts'

/** Octets of one line, the line end included. Far beyond RFC 5322's 998: what mail really has, short of what stalls parsers. */
const MAX_LINE_OCTETS = 65_536
/** `Received` fields above which a message goes in circles. RFC 5321 §6.3 asks for at least 100 hops by default; half of them suffice today. */
const MAX_RECEIVED = 50

const LONG_HEADER = reject(`The header is longer than ${MAX_HEADER_OCTETS / 1024} KB`, '5.6.0')
const MANY_FIELDS = reject(`The header has more than ${MAX_HEADER_FIELDS} fields`, '5.6.0')
const LONG_LINE = reject(`A line is longer than ${MAX_LINE_OCTETS / 1024} KB`, '5.6.0')
const MANY_HOPS = reject('The message has passed too many servers', '5.4.6')
/** For a recipient whose copy has been here before. */
export const BEEN_HERE: Verdict = reject('The message goes in a circle: it was delivered to this address before', '5.4.6')

/** The refusal of a message that breaks a limit. */
export function guardVerdict(header: HeaderBlock, longestLine: number): Verdict | undefined {
  if (header.exceeds !== undefined) return header.exceeds === 'octets' ? LONG_HEADER : MANY_FIELDS
  if (longestLine > MAX_LINE_OCTETS) return LONG_LINE
  let hops = 0
  for (const field of header.fields) if (field.key === 'received') hops++
  return hops > MAX_RECEIVED ? MANY_HOPS : undefined
}

/** The addresses that the message says it was delivered to. */
export function deliveredBefore(header: HeaderBlock): ReadonlySet<string> {
  return new Set(header.fields.filter(field => field.key === 'delivered-to').map(field => field.value))
}
