/** How a body is written before it is hashed, octet by octet as it arrives. RFC 6376 §3.4.3, §3.4.4. */

import type { Canonicalization } from './canonical-header.ts'

const CR = 0x0d
const LF = 0x0a
const SPACE = 0x20
const TAB = 0x09
/** Octets canonicalised between two calls of the sink. */
const PIECE = 16_384
const LINE_ENDS: Uint8Array = new Uint8Array(4096).map((_, index) => (index % 2 === 0 ? CR : LF))

/** Takes canonical octets. They are valid during the call only. */
export type CanonicalSink = (octets: Uint8Array) => void

/** Takes a body in slices of any size and hands on its canonical form. Linear in the body, memory bounded whatever it holds. */
export interface BodyCanonicaliser {
  /** The next octets of the body. */
  push(slice: Uint8Array): void
  /** The body is over. */
  finish(): void
}

/**
 * The machine for one canonicalisation. Only CRLF ends a line; a bare CR or LF is an octet like others, so give it what was
 * on the wire.
 */
export function bodyCanonicaliser(canonicalization: Canonicalization, sink: CanonicalSink): BodyCanonicaliser {
  return canonicalization === 'simple' ? new SimpleBody(sink) : new RelaxedBody(sink)
}

function lineEnds(count: number, sink: CanonicalSink): void {
  for (let left = count * 2; left > 0; left -= LINE_ENDS.length) sink(LINE_ENDS.subarray(0, Math.min(left, LINE_ENDS.length)))
}

/** RFC 6376 §3.4.3: `*CRLF` at the end becomes one CRLF; nothing else changes. */
class SimpleBody implements BodyCanonicaliser {
  readonly #sink: CanonicalSink
  /** Line ends that may turn out to be the last. */
  #held = 0
  /** A CR at the end of a slice, whose LF may come with the next. */
  #cr = false

  constructor(sink: CanonicalSink) {
    this.#sink = sink
  }

  push(slice: Uint8Array): void {
    if (slice.length === 0) return
    let start = 0
    if (this.#cr) {
      this.#cr = false
      if (slice[0] === LF) {
        this.#held++
        start = 1
      } else {
        this.#release()
        this.#sink(LINE_ENDS.subarray(0, 1))
      }
    }
    let end = slice.length
    if (end > start && slice[end - 1] === CR) {
      this.#cr = true
      end--
    }
    let held = 0
    while (end - 2 >= start && slice[end - 1] === LF && slice[end - 2] === CR) {
      held++
      end -= 2
    }
    if (end > start) {
      this.#release()
      this.#sink(slice.subarray(start, end))
    }
    this.#held += held
  }

  finish(): void {
    if (this.#cr) {
      this.#release()
      this.#sink(LINE_ENDS.subarray(0, 1))
    }
    // An empty body is a CRLF too.
    lineEnds(1, this.#sink)
  }

  #release(): void {
    lineEnds(this.#held, this.#sink)
    this.#held = 0
  }
}

/** RFC 6376 §3.4.4: white space at line ends goes, elsewhere it becomes one space; empty lines at the end go. */
class RelaxedBody implements BodyCanonicaliser {
  readonly #sink: CanonicalSink
  readonly #out: Uint8Array = new Uint8Array(PIECE + 8)
  #held = 0
  #cr = false
  #space = false
  #empty = true

  constructor(sink: CanonicalSink) {
    this.#sink = sink
  }

  push(slice: Uint8Array): void {
    for (let at = 0; at < slice.length; at += PIECE) this.#piece(slice, at, Math.min(at + PIECE, slice.length))
  }

  #piece(slice: Uint8Array, from: number, to: number): void {
    const out = this.#out
    let size = 0
    let held = this.#held
    let cr = this.#cr
    let space = this.#space
    for (let at = from; at < to; at++) {
      let octet = slice[at] ?? 0
      if (held === 0 && !cr && !space) {
        // Most of a message: words, one space between them, and line ends with something behind them.
        while (at + 2 < to) {
          if (octet > SPACE) out[size++] = octet
          else if (octet === SPACE && (slice[at + 1] ?? 0) > SPACE) out[size++] = SPACE
          else if (octet === CR && slice[at + 1] === LF && (slice[at + 2] ?? 0) > SPACE) {
            size = lineEnd(out, size)
            at++
          } else break
          octet = slice[++at] ?? 0
        }
        if (octet > SPACE) {
          out[size++] = octet
          continue
        }
      }
      if (cr && octet === LF) {
        cr = false
        space = false
        held++
        continue
      }
      if (!cr && (octet === SPACE || octet === TAB)) {
        space = true
        continue
      }
      if (!cr && octet === CR) {
        cr = true
        continue
      }
      // An octet that stays, or a CR without its LF before this one: everything held back was not the end.
      if (held > 0) {
        if (size + held * 2 > PIECE) {
          this.#emit(size)
          size = 0
          lineEnds(held, this.#sink)
          this.#empty = false
        } else for (; held > 0; held--) size = lineEnd(out, size)
        held = 0
      }
      if (space) out[size++] = SPACE
      space = false
      if (cr) out[size++] = CR
      cr = octet === CR
      if (octet === SPACE || octet === TAB) space = true
      else if (!cr) out[size++] = octet
      if (size > PIECE) {
        this.#emit(size)
        size = 0
      }
    }
    this.#emit(size)
    this.#held = held
    this.#cr = cr
    this.#space = space
  }

  finish(): void {
    if (this.#cr) {
      lineEnds(this.#held, this.#sink)
      this.#held = 0
      if (this.#space) this.#sink(Uint8Array.of(SPACE))
      this.#sink(LINE_ENDS.subarray(0, 1))
      this.#empty = false
    }
    if (!this.#empty) lineEnds(1, this.#sink)
  }

  #emit(size: number): void {
    if (size === 0) return
    this.#empty = false
    this.#sink(this.#out.subarray(0, size))
  }
}

function lineEnd(out: Uint8Array, size: number): number {
  out[size] = CR
  out[size + 1] = LF
  return size + 2
}
