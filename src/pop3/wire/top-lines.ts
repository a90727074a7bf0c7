/** Where TOP ends: after the header, the empty line, and so many lines of the body. RFC 1939 §7. */

const LF = 0x0a
const CR = 0x0d

/** Counts lines over slices. */
export class TopLines {
  #left: number
  #inHeader = true
  #lineIsEmpty = true

  /** `lines`: lines of the body that are wanted. */
  constructor(lines: number) {
    this.#left = lines
  }

  /** How many octets of this slice belong to the answer; fewer than it has mean that the answer is complete. */
  take(slice: Uint8Array): number {
    let at = 0
    while (this.#inHeader && at < slice.length) {
      const octet = slice[at++]
      if (octet === LF) {
        if (this.#lineIsEmpty) this.#inHeader = false
        this.#lineIsEmpty = true
      } else if (octet !== CR) this.#lineIsEmpty = false
    }
    if (this.#inHeader) return slice.length
    while (this.#left > 0) {
      const lf = slice.indexOf(LF, at)
      if (lf < 0) return slice.length
      at = lf + 1
      this.#left--
    }
    return at
  }

  /** Whether everything that was asked for was taken. */
  get isComplete(): boolean {
    return !this.#inHeader && this.#left === 0
  }
}
