/** What is still to be written after a write that took less than it was given. */

/** The parts without their first `written` octets. */
export function unwritten(parts: readonly Uint8Array[], written: number): Uint8Array[] {
  let left = written
  const rest: Uint8Array[] = []
  for (const part of parts) {
    if (left >= part.length) left -= part.length
    else {
      rest.push(left > 0 ? part.subarray(left) : part)
      left = 0
    }
  }
  return rest
}
