/** Names for messages: they stand in `Received` and `Message-ID`, so they tell nothing and never repeat. RFC 5322 §3.6.4. */

import type { Clock, Random } from '../contracts/clock.ts'

/** A new id: the moment and 60 bits of chance, in letters and digits. */
export function newId(parts: { readonly clock: Clock; readonly random: Random }): string {
  let id = parts.clock.now().toString(36)
  for (const octet of parts.random.bytes(12)) id += (octet & 31).toString(32)
  return id
}
