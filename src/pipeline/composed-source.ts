/** A message whose header was edited: a new beginning in front of the rest of the original, which is never copied. */

import type { MessageSource } from '../contracts/message.ts'

/** `head`, then the octets of `original` from `from` on. Readable as long as the original is. */
export function composedSource(head: Uint8Array, original: MessageSource, from: number): MessageSource {
  const size = head.length + Math.max(0, original.size - from)
  return {
    size,
    read(start, end) {
      const first = Math.min(Math.max(0, start), size)
      const last = Math.min(Math.max(first, end), size)
      if (last <= head.length) return head.subarray(first, last)
      const rest = original.read(from + Math.max(0, first - head.length), from + last - head.length)
      if (first >= head.length) return rest
      const beginning = head.subarray(first)
      return rest instanceof Uint8Array ? joined(beginning, rest) : rest.then(octets => joined(beginning, octets))
    },
  }
}

function joined(first: Uint8Array, second: Uint8Array): Uint8Array {
  const whole = new Uint8Array(first.length + second.length)
  whole.set(first)
  whole.set(second, first.length)
  return whole
}
