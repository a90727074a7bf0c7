/**
 * The message as it goes over the wire: CR and LF as pairs only, whatever was queued, so that no server can see an end, a
 * command or a second message that we did not (S2). RFC 5321 §2.3.8, §4.5.2; RFC 3030 §2.
 */

import { concatBytes } from '../../bytes/ascii.ts'
import { DotStuffer } from '../../bytes/dot-stuff.ts'

const CR = 0x0d
const LF = 0x0a
const ONE_CR: Uint8Array = Uint8Array.of(CR)
const CRLF: Uint8Array = Uint8Array.of(CR, LF)
const NOTHING: Uint8Array = new Uint8Array(0)

/** Takes a message in slices. For DATA (`dots`) lines that begin with a dot get another, and the end is `.`; for BDAT not. */
export class WireText {
  readonly #dots: DotStuffer | undefined
  /** The last slice ended in a CR; whether it is bare, the next octet tells. */
  #heldCr = false
  #last = LF

  constructor(options: { readonly dots: boolean }) {
    this.#dots = options.dots ? new DotStuffer() : undefined
  }

  /** The wire form of one slice: the slice itself where nothing is changed. */
  push(slice: Uint8Array): Uint8Array {
    if (slice.length === 0) return slice
    const text = this.#heldCr || slice.at(-1) === CR || !isPaired(slice) ? this.#paired(slice) : slice
    return this.#stuffed(text)
  }

  /** What closes the message: a line end where it lacks one and, with dots, the line that ends the data. */
  end(): Uint8Array {
    const rest = this.#heldCr ? this.#stuffed(CRLF) : NOTHING
    this.#heldCr = false
    if (this.#dots !== undefined) return concatBytes([rest, this.#dots.end()])
    return this.#last === LF ? rest : concatBytes([rest, CRLF])
  }

  #stuffed(text: Uint8Array): Uint8Array {
    this.#last = text.at(-1) ?? this.#last
    return this.#dots === undefined ? text : concatBytes(this.#dots.stuff(text))
  }

  /** Every bare CR and bare LF as CRLF; a CR at the very end is held. */
  #paired(slice: Uint8Array): Uint8Array {
    const whole = this.#heldCr ? concatBytes([ONE_CR, slice]) : slice
    const out = new Uint8Array(whole.length * 2)
    let length = 0
    this.#heldCr = whole.at(-1) === CR
    const end = this.#heldCr ? whole.length - 1 : whole.length
    for (let at = 0; at < end; at++) {
      const octet = whole[at] ?? 0
      if (octet !== CR && octet !== LF) {
        out[length++] = octet
        continue
      }
      if (octet === CR && whole[at + 1] === LF) at++
      out[length++] = CR
      out[length++] = LF
    }
    return out.subarray(0, length)
  }
}

/** Whether CR and LF stand in pairs only. */
function isPaired(slice: Uint8Array): boolean {
  for (let at = 0; ;) {
    const cr = slice.indexOf(CR, at)
    if (cr < 0) return slice.indexOf(LF, at) < 0
    if (slice.indexOf(LF, at) !== cr + 1) return false
    at = cr + 2
  }
}
