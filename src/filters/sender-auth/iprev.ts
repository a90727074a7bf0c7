/** Whether the client's address has a name that leads back to it. RFC 8601 §2.7.3, §3. */

import type { Resolver } from '../../contracts/index.ts'
import { canonicalIpAddress } from '../../bytes/ip-address.ts'
import { isHostName } from './host-name.ts'

/** The result; `name` only with `pass`. */
export interface IprevResult {
  readonly result: 'pass' | 'fail' | 'temperror' | 'permerror'
  readonly name?: string
}

/** Names that are tried. */
const MOST_NAMES = 4

/** Looks the address up backwards and its names forwards. Never rejects. */
export async function iprev(address: string, resolver: Resolver): Promise<IprevResult> {
  const canonical = canonicalIpAddress(address)
  if (canonical === undefined) return { result: 'permerror' }
  let isUncertain = false
  try {
    const { records } = await resolver.ptr(canonical)
    // Whatever else a stranger puts there is no name (S30).
    const names = records.filter(isHostName).slice(0, MOST_NAMES)
    if (names.length === 0) return { result: 'permerror' }
    for (const name of names) {
      try {
        const { records: addresses } = await (canonical.includes(':') ? resolver.aaaa(name) : resolver.a(name))
        if (addresses.some(one => canonicalIpAddress(one) === canonical)) return { result: 'pass', name }
      } catch {
        isUncertain = true
      }
    }
  } catch {
    isUncertain = true
  }
  return { result: isUncertain ? 'temperror' : 'fail' }
}
