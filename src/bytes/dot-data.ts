/** Un-stuffs message data as it arrives and finds its one true end, CRLF.CRLF. RFC 5321 §2.3.8, §4.1.1.4, §4.5.2. */

import { load, scan, WINDOW } from './line-scan.ts'

const CR = 0x0d
const LF = 0x0a
const DOT = 0x2e

/** What was wrong in the message data, counted up to its true end. All zero (but `longestLine` and `lineFeeds`) = clean. */
export interface DataFaults {
  /** Carriage returns not followed by a line feed. RFC 5321 §2.3.8. */
  readonly bareCr: number
  /** Line feeds not preceded by a carriage return. RFC 5321 §2.3.8. */
  readonly bareLf: number
  /** NUL octets. RFC 5321 §4.5.1 with RFC 5322 §4.1. */
  readonly nul: number
  /** Lines longer than `maxLineLength`. RFC 5321 §4.5.3.1.6. */
  readonly lineTooLong: number
  /** The longest line seen, in octets, its CRLF included, its stuffed dot not. */
  readonly longestLine: number
  /** Line feeds in the data as it was handed on. */
  readonly lineFeeds: number
}

/** How message data is read. */
export interface DotDataOptions {
  /**
   * Turn every bare CR and bare LF into CRLF (for networks the host trusts). They are counted in
   * `DataFaults` all the same. Default false: they are handed on as they came, and only counted.
   */
  readonly normalise?: boolean
  /** Octets of a line, CRLF included, above which `lineTooLong` is counted. Default: no limit. */
  readonly maxLineLength?: number
}

/** Where the reader stands between two octets. */
type Place = 'text' | 'after-cr' | 'line-start' | 'dot' | 'dot-cr'

/** Pieces of a chunk that are handed on as views before the rest of the chunk is copied together. */
const VIEWS_PER_CHUNK = 8
const GATHER = 65_536
const ONE_CR = Uint8Array.of(CR)
const ONE_LF = Uint8Array.of(LF)

/**
 * The reader behind `Framer.dotData()`. `take` accepts chunks cut anywhere and gives the data back
 * in slices; `ended` turns true at CRLF.CRLF (or at a first line of one dot) and nowhere else:
 * a line begins only after CRLF, so `LF.CRLF`, `CR.CR`, `LF.LF` and their kin stay content
 * and keep their dots (RFC 5321 §4.1.1.4).
 */
export class DotData {
  ended = false
  /** Octets handed on so far. */
  octets = 0
  #place: Place = 'line-start'
  #line = 0
  #bareCr = 0
  #bareLf = 0
  #nul = 0
  #lineTooLong = 0
  #longestLine = 0
  #lineFeeds = 0
  readonly #normalise: boolean
  readonly #maxLineLength: number
  #out: Uint8Array[] = []
  #gather: Uint8Array | undefined
  #gathered = 0

  constructor(options: DotDataOptions = {}) {
    this.#normalise = options.normalise ?? false
    this.#maxLineLength = options.maxLineLength ?? Number.MAX_SAFE_INTEGER
  }

  get faults(): DataFaults {
    return {
      bareCr: this.#bareCr,
      bareLf: this.#bareLf,
      nul: this.#nul,
      lineTooLong: this.#lineTooLong,
      longestLine: this.#longestLine,
      lineFeeds: this.#lineFeeds,
    }
  }

  /** Reads `chunk` from `from` on, appends slices to `out`, returns where it stopped (the chunk's end, or just behind the end of data). */
  take(chunk: Uint8Array, from: number, out: Uint8Array[]): number {
    this.#out = out
    const end = chunk.length
    let at = from
    let run = from // first octet not yet handed on
    // The window is what of the chunk is looked at together.
    let window = from
    let windowEnd = from
    while (at < end) {
      const octet = chunk[at]
      if (this.#place === 'line-start') {
        this.#place = 'text'
        if (octet === DOT) {
          this.#hand(chunk, run, at)
          run = ++at
          this.#place = 'dot'
        }
        continue
      }
      if (this.#place === 'dot') {
        if (octet === CR) {
          this.#place = 'dot-cr'
          run = ++at
        } else {
          this.#place = 'text'
        }
        continue
      }
      if (this.#place === 'dot-cr') {
        if (octet === LF) {
          this.ended = true
          this.#flush()
          return at + 1
        }
        this.#hand(ONE_CR, 0, 1)
        this.#line++
        this.#place = 'after-cr'
        continue
      }
      if (this.#place === 'after-cr') {
        this.#place = 'text'
        if (octet === LF) {
          this.#line++
          at++
          this.#endLine()
        } else {
          this.#bareCr++
          if (this.#normalise) {
            this.#hand(chunk, run, at)
            run = at
            this.#insertLf()
          }
        }
        continue
      }
      // 'text': one jump to what must be decided here.
      if (at >= windowEnd) {
        window = at
        windowEnd = Math.min(end, at + WINDOW)
        load(chunk.subarray(window, windowEnd))
      }
      at = window + this.#cross(at - window, windowEnd - window)
      if (this.#place !== 'text' || at >= windowEnd) continue
      if (chunk[at] === CR) {
        this.#line++
        at++
        this.#place = 'after-cr'
      } else {
        // A bare LF that is to become CRLF.
        this.#bareLf++
        this.#hand(chunk, run, at)
        run = at
        this.#hand(ONE_CR, 0, 1)
        this.#line += 2
        this.#countLine()
        at++
      }
    }
    this.#hand(chunk, run, end)
    this.#flush()
    this.#noteLength()
    return end
  }

  #endLine(): void {
    this.#countLine()
    this.#place = 'line-start'
  }

  #countLine(): void {
    this.#noteLength()
    this.#lineFeeds++
    if (this.#line > this.#maxLineLength) this.#lineTooLong++
    this.#line = 0
  }

  #noteLength(): void {
    if (this.#line > this.#longestLine) this.#longestLine = this.#line
  }

  #insertLf(): void {
    this.#hand(ONE_LF, 0, 1)
    this.#line++
    this.#countLine()
  }

  /** Crosses the loaded octets up to where something is to be decided; answers where that is. */
  #cross(at: number, end: number): number {
    const seen = scan(at, end, this.#line, this.#normalise, this.#maxLineLength)
    this.#line = seen.line
    this.#lineFeeds += seen.feeds
    this.#bareCr += seen.bareCr
    this.#bareLf += seen.bareLf
    this.#nul += seen.nul
    this.#lineTooLong += seen.tooLong
    if (seen.longest > this.#longestLine) this.#longestLine = seen.longest
    if (seen.line === 0 && seen.stop > at) this.#place = 'line-start'
    return seen.stop
  }

  /** Hands on a view; a chunk cut into many pieces is gathered instead, so that a body made of dots costs one pass. */
  #hand(chunk: Uint8Array, from: number, to: number): void {
    const length = to - from
    if (length <= 0) return
    this.octets += length
    if (this.#gather === undefined) {
      if (this.#out.length < VIEWS_PER_CHUNK) {
        this.#out.push(chunk.subarray(from, to))
        return
      }
      this.#gather = new Uint8Array(Math.max(GATHER, length))
      this.#gathered = 0
    }
    if (this.#gathered + length > this.#gather.length) {
      this.#flush()
      this.#gather = new Uint8Array(Math.max(GATHER, length))
    }
    const target = this.#gather
    let write = this.#gathered
    if (length > 48) target.set(chunk.subarray(from, to), write)
    else for (let read = from; read < to; read++) target[write++] = chunk[read] ?? 0
    this.#gathered += length
  }

  #flush(): void {
    if (this.#gather === undefined) return
    this.#out.push(this.#gather.subarray(0, this.#gathered))
    this.#gather = undefined
    this.#gathered = 0
  }
}
