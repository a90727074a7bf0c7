/** Whether a line announces a literal at its end. RFC 9051 §4.3; RFC 7888 §4; RFC 3516 §4. */

/** A literal that follows the line. */
export interface LiteralTail {
  /** Octets announced; may be larger than anything that is taken. */
  readonly size: number
  /** `{n}`: the client waits for `+` before it sends them. RFC 7888 §4 calls the other kind non-synchronizing. */
  readonly synchronizing: boolean
  /** `~{n}`: may hold NUL. */
  readonly binary: boolean
}

/** The literal announced by the last octets of a line; `undefined` when there is none. */
export function literalTail(line: Uint8Array): LiteralTail | undefined {
  let at = line.length - 1
  if (line[at] !== 0x7d) return undefined
  at--
  // `-` as in `{0-}` was never a literal of IMAP.
  const synchronizing = line[at] !== 0x2b
  if (!synchronizing) at--
  let size = 0
  let scale = 1
  const digitsEnd = at
  for (; at >= 0; at--) {
    const digit = (line[at] ?? 0) - 0x30
    if (digit < 0 || digit > 9) break
    size = Math.min(size + digit * scale, Number.MAX_SAFE_INTEGER)
    scale = Math.min(scale * 10, 1e17)
  }
  if (at === digitsEnd || line[at] !== 0x7b) return undefined
  return { size, synchronizing, binary: line[at - 1] === 0x7e }
}
