/**
 * The message as it goes over the wire: CR and LF as pairs only, whatever was queued, so that no server can see an end, a
 * command or a second message that we did not (S2). RFC 5321 §2.3.8, §4.5.2; RFC 3030 §2.
 */

const CR = 0x0d
const LF = 0x0a
const DOT = 0x2e
const NOTHING: Uint8Array = new Uint8Array(0)

/** Takes a message in slices. For DATA (`dots`) lines that begin with a dot get another, and the end is `.`; for BDAT not. */
export class WireText {
  readonly #dots: boolean
  #lineStart = true
  /** The last slice ended in a CR; whether it is bare, the next octet tells. */
  #heldCr = false

  constructor(options: { readonly dots: boolean }) {
    this.#dots = options.dots
  }

  /** The wire form of one slice: the slice itself where nothing is changed. */
  push(slice: Uint8Array): Uint8Array {
    if (slice.length === 0) return slice
    const added = this.#heldCr ? -1 : this.#added(slice)
    if (added !== 0) return this.#rewritten(slice)
    this.#lineStart = slice.at(-1) === LF
    return slice
  }

  /** What closes the message: a line end where it lacks one and, with dots, the line that ends the data. */
  end(): Uint8Array {
    const lineEnd = this.#heldCr || !this.#lineStart
    this.#heldCr = false
    this.#lineStart = true
    if (this.#dots) return Uint8Array.from(lineEnd ? [CR, LF, DOT, CR, LF] : [DOT, CR, LF])
    return lineEnd ? Uint8Array.of(CR, LF) : NOTHING
  }

  /** 0 when the slice may go as it is, another number when it must be written anew. One pass, one comparison for most octets. */
  #added(slice: Uint8Array): number {
    const { length } = slice
    if (slice[length - 1] === CR) return -1
    const dots = this.#dots
    if (dots && this.#lineStart && slice[0] === DOT) return 1
    for (let at = 0; at < length; at++) {
      const octet = slice[at] ?? 0
      if (octet > CR) continue
      if (octet === LF) return -1
      if (octet !== CR) continue
      if (slice[++at] !== LF) return -1
      if (dots && slice[at + 1] === DOT) return 1
    }
    return 0
  }

  /** Every bare CR and bare LF as CRLF, dots doubled; a CR at the very end is held. */
  #rewritten(slice: Uint8Array): Uint8Array {
    const out = new Uint8Array(slice.length * 2 + 2)
    let length = 0
    let held = this.#heldCr
    let lineStart = this.#lineStart
    for (let at = 0; at < slice.length; at++) {
      const octet = slice[at] ?? 0
      if (held || octet === LF) {
        out[length++] = CR
        out[length++] = LF
        lineStart = true
        held = octet === CR
        if (octet === LF || held) continue
      } else if (octet === CR) {
        held = true
        continue
      }
      if (octet === DOT && lineStart && this.#dots) out[length++] = DOT
      out[length++] = octet
      lineStart = false
    }
    this.#heldCr = held
    this.#lineStart = lineStart
    return out.subarray(0, length)
  }
}
