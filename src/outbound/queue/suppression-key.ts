/** Under which name an address is suppressed. RFC 5321 §2.4, §4.1.2. */

import { canonicalAddress, printAddress } from '../../mime/index.ts'

/**
 * One name for all spellings of an address: quotes, the domain's case and its form are nothing, and neither is the local part's case.
 * RFC 5321 §2.4 leaves that to its host; but who asked for no more mail has asked for every spelling, and hardly any host tells them apart.
 */
export function suppressionKey(address: string): string {
  const canonical = canonicalAddress(address)
  const text = canonical === undefined ? address : printAddress(canonical)
  return text.normalize('NFC').toLowerCase()
}
