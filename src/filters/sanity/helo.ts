/** How a client calls itself, and what that gives away. RFC 5321 §2.3.5, §4.1.1.1, §4.1.3. */

import { canonicalIpAddress, parseIpAddress } from '../../bytes/ip-address.ts'
import type { SanitySymbol } from './scores.ts'

const NAME = /^(?=.{1,255}$)[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?(?:\.[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?)*$/i

/** What is odd about a name, if anything is. `own`: names of this server in lower case. */
export function heloFault(given: string, remote: string, own: ReadonlySet<string>): SanitySymbol | undefined {
  const name = given.toLowerCase().replace(/\.$/, '')
  if (name.startsWith('[')) return literalFault(name, remote)
  if (own.has(name)) return 'HELO_IS_US'
  if (parseIpAddress(name) !== undefined) return 'HELO_BARE_ADDRESS'
  if (name === 'localhost' || name.startsWith('localhost.') || name.endsWith('.localhost') || name.endsWith('.localdomain'))
    return 'HELO_LOCALHOST'
  if (!NAME.test(name) && canonical(given) === undefined) return 'HELO_INVALID'
  return name.includes('.') ? undefined : 'HELO_NO_DOT'
}

function literalFault(name: string, remote: string): SanitySymbol | undefined {
  const [, tagged] = /^\[(?:ipv6:)?([0-9a-f.:]{2,45})\]$/.exec(name) ?? []
  const address = tagged === undefined ? undefined : canonicalIpAddress(tagged)
  if (address === undefined) return 'HELO_INVALID'
  // Behind a translator a client knows itself by another address; that is a home, not a server.
  return address === canonicalIpAddress(remote) ? 'HELO_LITERAL' : 'HELO_OTHER_LITERAL'
}

/** RFC 6531 §3.7.1: with SMTPUTF8 the name can have U-labels. */
function canonical(name: string): string | undefined {
  return /^[\p{L}\p{M}\p{N}._-]{1,255}$/u.test(name) ? name : undefined
}
