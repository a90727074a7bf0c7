/** The header of a message as a client sees it that knows nothing of UTF-8. RFC 6856 §2.1; RFC 6855 §7. */

const LF = 0x0a
const CR = 0x0d
const QUESTION = 0x3f

/**
 * Puts `?` in the place of every octet beyond ASCII in the header, slice by slice. "Character strings outside the ASCII
 * repertoire MUST NOT be sent as is": of the ways that RFC 6856 §2.1 leaves, this one keeps every message within reach of
 * old clients, and its size what LIST said. Bodies are 8bit MIME and stay as they are.
 */
export class AsciiHeader {
  #inHeader = true
  #lineIsEmpty = true

  /** The slice as it may be sent; the same array where nothing had to change. */
  filter(slice: Uint8Array): Uint8Array {
    if (!this.#inHeader) return slice
    let changed: Uint8Array | undefined
    for (let at = 0; at < slice.length; at++) {
      const octet = slice[at] ?? 0
      if (octet === LF) {
        if (this.#lineIsEmpty) {
          this.#inHeader = false
          break
        }
        this.#lineIsEmpty = true
      } else if (octet !== CR) {
        this.#lineIsEmpty = false
        if (octet < 0x80) continue
        changed ??= slice.slice()
        changed[at] = QUESTION
      }
    }
    return changed ?? slice
  }
}
