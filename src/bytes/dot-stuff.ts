/** Stuffs message data with dots for a multi-line answer or for DATA. RFC 1939 §3; RFC 5321 §4.5.2. */

const CR = 0x0d
const LF = 0x0a
const DOT = 0x2e
const ONE_DOT: Uint8Array = Uint8Array.of(DOT)
const END: Uint8Array = Uint8Array.of(DOT, CR, LF)
const CRLF_END: Uint8Array = Uint8Array.of(CR, LF, DOT, CR, LF)
/** Views handed on for one slice before the rest of it is copied together. */
const VIEWS = 8

/**
 * Slices of a message in, slices for the wire out, however the message is cut. Every line that begins with a dot
 * gets a second one. A line begins at the start, and behind every LF, a bare one too: a client that takes a bare LF
 * for a line end must not see an end there either. `end()` gives the closing line, with the CRLF before it
 * when the message lacks one.
 */
export class DotStuffer {
  #lineStart = true
  #lastWasCrLf = true
  #lastWasCr = false

  /** The wire form of one slice; views of it where nothing is changed. */
  stuff(slice: Uint8Array): Uint8Array[] {
    const out: Uint8Array[] = []
    const end = slice.length
    if (end === 0) return out
    let run = 0
    let gather: Uint8Array | undefined
    let gathered = 0
    let lineStart = this.#lineStart
    for (let at = 0; at < end;) {
      if (lineStart && slice[at] === DOT) {
        if (gather === undefined && out.length < VIEWS) {
          if (at > run) out.push(slice.subarray(run, at))
          out.push(ONE_DOT)
        } else {
          // From here at most every second octet is a dot at a line start, and each adds one octet.
          gather ??= new Uint8Array((end - run) * 2)
          gathered = copy(slice, run, at, gather, gathered)
          gather[gathered++] = DOT
        }
        run = at
      }
      const lf = slice.indexOf(LF, at)
      lineStart = lf >= 0
      at = lf < 0 ? end : lf + 1
    }
    if (gather !== undefined) out.push(gather.subarray(0, copy(slice, run, end, gather, gathered)))
    else if (run < end) out.push(run === 0 ? slice : slice.subarray(run))
    this.#lineStart = lineStart
    const last = slice[end - 1]
    const before = end > 1 ? slice[end - 2] === CR : this.#lastWasCr
    this.#lastWasCrLf = last === LF && before
    this.#lastWasCr = last === CR
    return out
  }

  /** The octets that close the data: `.CRLF`, and before it CRLF when the message did not end with one. */
  end(): Uint8Array {
    return this.#lastWasCrLf ? END : CRLF_END
  }
}

function copy(from: Uint8Array, start: number, end: number, to: Uint8Array, at: number): number {
  if (end - start > 48) to.set(from.subarray(start, end), at)
  else for (let read = start, write = at; read < end; read++, write++) to[write] = from[read] ?? 0
  return at + end - start
}
