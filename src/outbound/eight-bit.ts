/** Whether a message has octets beyond ASCII: it needs 8BITMIME then. RFC 6152 §3. */

import { isAscii } from 'node:buffer'
import { setImmediate } from 'node:timers/promises'
import type { MessageSource } from '../contracts/message.ts'

const SLICE = 262_144
/** Octets between two turns of the event loop: some milliseconds at most. */
const TURN = 16_777_216

/** Reads until the first such octet. The check itself is a tenth of a nanosecond an octet, so that a second reading costs next to nothing. */
export async function hasEightBit(content: MessageSource): Promise<boolean> {
  for (let at = 0; at < content.size; at += SLICE) {
    const octets = content.read(at, Math.min(content.size, at + SLICE))
    if (!isAscii(octets instanceof Uint8Array ? octets : await octets)) return true
    if (at > 0 && at % TURN === 0) await setImmediate()
  }
  return false
}
