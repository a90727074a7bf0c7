/** Brings line ends to CRLF: a bare CR or LF is a line end that somebody wrote their own way. RFC 5321 §2.3.8. */

const CR = 13
const LF = 10
const NOTHING = new Uint8Array(0)

/** Takes octets piece by piece; a CR at the end of a piece waits for the next. The last line is ended where it was not. */
export class CrlfLines {
  #last = LF
  #pending = false

  /** The octets with their line ends mended; a copy. */
  push(octets: Uint8Array): Uint8Array {
    if (octets.length === 0) return NOTHING
    const mended = new Uint8Array(octets.length * 2 + 2)
    let at = 0
    for (const octet of octets) {
      if (this.#pending) {
        mended[at++] = CR
        mended[at++] = LF
        this.#pending = false
        this.#last = LF
        if (octet === LF) continue
      }
      if (octet === CR) {
        this.#pending = true
        continue
      }
      if (octet === LF) mended[at++] = CR
      mended[at++] = octet
      this.#last = octet
    }
    return mended.subarray(0, at)
  }

  /** What is left at the end. */
  end(): Uint8Array {
    const open = this.#pending || this.#last !== LF
    this.#pending = false
    this.#last = LF
    return open ? Uint8Array.of(CR, LF) : NOTHING
  }
}
