/** Whether a message has octets beyond ASCII: it needs 8BITMIME then. RFC 6152 §3. */

import type { MessageSource } from '../contracts/message.ts'

const SLICE = 262_144

/** Reads until the first such octet. */
export async function hasEightBit(content: MessageSource): Promise<boolean> {
  for (let at = 0; at < content.size; at += SLICE) {
    const octets = content.read(at, Math.min(content.size, at + SLICE))
    if (beyondAscii(octets instanceof Uint8Array ? octets : await octets)) return true
  }
  return false
}

function beyondAscii(octets: Uint8Array): boolean {
  for (const octet of octets) if (octet > 127) return true
  return false
}
