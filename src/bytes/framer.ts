/** The framer turns octets into lines, dot-data, chunks and literals. RFC 5321 §2.3.8, §4.5.2; RFC 3030 §2; RFC 9051 §2.2.1, §4.3. */

import { DotData } from './dot-data.ts'
import type { DataFaults, DotDataOptions } from './dot-data.ts'

const CR = 0x0d
const LF = 0x0a

/** Why a command line was not handed on. */
export type LineFault = 'bare-cr' | 'bare-lf' | 'nul' | 'line-too-long' | 'command-too-long'

/** How command lines are read. */
export interface LineOptions {
  /** Octets of one line, its CRLF included. RFC 5321 §4.5.3.1.4 asks for 512 and more. Default 4,096. */
  readonly maxLength?: number
  /**
   * Octets of lines and literals together since `beginCommand()`. IMAP commands consist of several
   * lines and literals; this bounds the whole. Default: no limit.
   */
  readonly maxCommand?: number
  /**
   * `refuse` (the default): only CRLF ends a line, a bare LF is a fault. `accept-lf`: LF ends a line
   * too, for hosts that must serve clients that old.
   */
  readonly bareLineEnds?: 'refuse' | 'accept-lf'
}

/** The counted or dotted mode that an `end` frame closes. */
export type DataMode = 'dot-data' | 'chunk' | 'literal'

/**
 * What `next()` gives:
 * - `line`: one command line without its line end.
 * - `fault`: a line that is refused. It is never handed on; everything up to its CRLF is dropped.
 *   `octets` of the line were read when the fault showed; `start` holds the first of them, up to 64, so that
 *   IMAP can name the tag (empty for a second fault of one line). After a bare LF the rest of the line belongs to the refused line
 *   and never runs as a command; each further bare LF in it is reported again.
 * - `data`: the next slice of message data, of a chunk or a literal. Never empty.
 * - `end`: the data is complete, and the mode is `line` again. `octets` is the sum of the slices;
 *   `faults` says what the data contained (dot-data only).
 */
export type Frame =
  | { readonly kind: 'line'; readonly bytes: Uint8Array }
  | { readonly kind: 'fault'; readonly fault: LineFault; readonly octets: number; readonly start: Uint8Array }
  | { readonly kind: 'data'; readonly bytes: Uint8Array }
  | { readonly kind: 'end'; readonly mode: 'dot-data'; readonly octets: number; readonly faults: DataFaults }
  | { readonly kind: 'end'; readonly mode: 'chunk' | 'literal'; readonly octets: number }

/** Octets of a refused line that its fault frame shows. */
const FAULT_START = 64
const NOTHING = new Uint8Array(0)

/**
 * Octets in, frames out; synchronous, and the same frames however the octets were cut.
 *
 * ```ts
 * const framer = new Framer({ maxLength: 2048 })
 * framer.push(octets)
 * for (let frame = framer.next(); frame !== undefined; frame = framer.next()) {
 *   if (frame.kind === 'line' && isDataCommand(frame.bytes)) framer.dotData()
 * }
 * ```
 *
 * Pushed octets are kept by reference until they were handed out: the caller must not change them.
 * The mode may be changed between two calls of `next()`; it applies to the octets not yet handed out.
 */
export class Framer {
  #maxLength = 4096
  #maxCommand = Number.MAX_SAFE_INTEGER
  #acceptLf = false

  #queue: Uint8Array[] = []
  #head = 0
  #at = 0
  #queued = 0

  #mode: 'line' | DataMode = 'line'
  #ready: Frame[] = []
  #readyAt = 0
  #dots: DotData | undefined
  #left = 0
  #counted = 0

  // The line that is not complete yet.
  #partial: Uint8Array = NOTHING
  #partialLength = 0
  #lineOctets = 0
  #refused = false
  #lastWasCr = false
  #commandOctets = 0

  constructor(options: LineOptions = {}) {
    this.line(options)
  }

  /** Octets pushed and not yet handed out; pause reading when this grows. */
  get buffered(): number {
    let waiting = this.#queued + this.#partialLength
    for (let i = this.#readyAt; i < this.#ready.length; i++) {
      const frame = this.#ready[i]
      if (frame?.kind === 'data') waiting += frame.bytes.length
    }
    return waiting
  }

  /** What the octets are read as at present. */
  get mode(): 'line' | DataMode {
    return this.#mode
  }

  /** Octets the present command may still use (`maxCommand`): compare with an announced literal before it is accepted. */
  get commandBudget(): number {
    return Math.max(0, this.#maxCommand - this.#commandOctets)
  }

  /** Adds octets as they came from the peer, cut anywhere. */
  push(bytes: Uint8Array): void {
    if (bytes.length === 0) return
    this.#queue.push(bytes)
    this.#queued += bytes.length
  }

  /** Sets the limits and the policy of the line mode; takes effect with the next line. Unset options keep their value. */
  line(options: LineOptions): void {
    if (options.maxLength !== undefined) this.#maxLength = options.maxLength
    if (options.maxCommand !== undefined) this.#maxCommand = options.maxCommand
    if (options.bareLineEnds !== undefined) this.#acceptLf = options.bareLineEnds === 'accept-lf'
  }

  /** A new command begins: `maxCommand` counts from here. */
  beginCommand(): void {
    this.#commandOctets = 0
  }

  /** What follows is message data up to CRLF.CRLF, handed on un-stuffed (RFC 5321 §4.5.2). */
  dotData(options: DotDataOptions = {}): void {
    this.#dots = new DotData(options)
    this.#mode = 'dot-data'
  }

  /** What follows are `size` octets of a BDAT chunk (RFC 3030 §2); 0 gives an `end` frame at once. */
  chunk(size: number): void {
    this.#count('chunk', size)
  }

  /** What follows are `size` octets of a literal (RFC 9051 §4.3), counted into `maxCommand`. */
  literal(size: number): void {
    this.#count('literal', size)
    this.#commandOctets += size
  }

  #count(mode: 'chunk' | 'literal', size: number): void {
    if (!Number.isSafeInteger(size) || size < 0) throw new RangeError('a size is a whole number of octets')
    this.#mode = mode
    this.#left = this.#counted = size
  }

  /**
   * Forgets every octet that was pushed and not handed out and goes back to lines.
   * RFC 3207 §4.2, RFC 9051 §6.2.1: nothing sent before TLS may be read after it. Returns how many octets were dropped.
   */
  dropBuffered(): number {
    const dropped = this.buffered
    this.#queue = []
    this.#head = this.#at = this.#queued = 0
    this.#ready = []
    this.#readyAt = 0
    this.#mode = 'line'
    this.#dots = undefined
    this.#left = 0
    this.#commandOctets = 0
    this.#startLine()
    return dropped
  }

  /** The next frame, or undefined when more octets are needed. */
  next(): Frame | undefined {
    for (;;) {
      const ready = this.#ready[this.#readyAt]
      if (ready !== undefined) {
        this.#readyAt++
        if (this.#readyAt === this.#ready.length) {
          this.#ready = []
          this.#readyAt = 0
        }
        return ready
      }
      if (this.#mode === 'chunk' || this.#mode === 'literal') {
        if (this.#left === 0) {
          const mode = this.#mode
          this.#mode = 'line'
          return { kind: 'end', mode, octets: this.#counted }
        }
      }
      const chunk = this.#queue[this.#head]
      if (chunk === undefined) return undefined
      if (this.#mode === 'line') {
        const frame = this.#readLine(chunk)
        if (frame !== undefined) return frame
      } else if (this.#mode === 'dot-data') {
        this.#readDots(chunk)
      } else {
        const to = Math.min(chunk.length, this.#at + this.#left)
        const bytes = chunk.subarray(this.#at, to)
        this.#left -= bytes.length
        this.#consume(chunk, to)
        return { kind: 'data', bytes }
      }
    }
  }

  #consume(chunk: Uint8Array, to: number): void {
    this.#queued -= to - this.#at
    this.#at = to
    if (to < chunk.length) return
    this.#at = 0
    this.#queue[this.#head] = NOTHING
    this.#head++
    if (this.#head === this.#queue.length) {
      this.#queue = []
      this.#head = 0
    } else if (this.#head > 64 && this.#head * 2 > this.#queue.length) {
      this.#queue.splice(0, this.#head)
      this.#head = 0
    }
  }

  #readDots(chunk: Uint8Array): void {
    const dots = this.#dots
    if (dots === undefined) throw new Error('dot-data without a reader')
    const slices: Uint8Array[] = []
    const to = dots.take(chunk, this.#at, slices)
    this.#consume(chunk, to)
    for (const bytes of slices) this.#ready.push({ kind: 'data', bytes })
    if (!dots.ended) return
    this.#ready.push({ kind: 'end', mode: 'dot-data', octets: dots.octets, faults: dots.faults })
    this.#dots = undefined
    this.#mode = 'line'
    this.#startLine()
  }

  #startLine(): void {
    this.#partialLength = 0
    if (this.#partial.length > 8192) this.#partial = NOTHING
    this.#lineOctets = 0
    this.#refused = false
    this.#lastWasCr = false
  }

  /** Reads up to the next LF of `chunk`, or to its end; undefined = this chunk gave nothing to hand out yet. */
  #readLine(chunk: Uint8Array): Frame | undefined {
    const from = this.#at
    const lf = chunk.indexOf(LF, from)
    const to = lf < 0 ? chunk.length : lf + 1
    const piece = chunk.subarray(from, to)
    const crBeforeLf = lf > from ? chunk[lf - 1] === CR : this.#lastWasCr
    const crAtStart = this.#lastWasCr
    this.#consume(chunk, to)
    this.#lineOctets += piece.length
    this.#commandOctets += piece.length
    this.#lastWasCr = lf < 0 && piece[piece.length - 1] === CR
    const ends = lf >= 0 && (crBeforeLf || this.#acceptLf)

    if (this.#refused) {
      if (ends) this.#startLine()
      else if (lf >= 0) return this.#fault('bare-lf', piece, piece.length - 1)
      return undefined
    }
    const bareLf = lf >= 0 && !ends
    const [fault, index] = this.#firstFault(
      piece,
      lf >= 0 ? piece.length - (crBeforeLf ? 2 : 1) : piece.length - 1,
      crAtStart && !(lf === from),
      bareLf,
    )
    if (fault !== undefined) {
      const frame = this.#fault(fault, piece, index)
      if (ends) this.#startLine()
      else if (bareLf && index < piece.length - 1) this.#ready.push(this.#fault('bare-lf', piece, piece.length - 1))
      return frame
    }
    if (!ends) {
      this.#keep(piece)
      return undefined
    }
    const bytes = this.#complete(piece, crBeforeLf ? 2 : 1)
    this.#startLine()
    return { kind: 'line', bytes }
  }

  /** The fault that shows first, and the octet of `piece` that shows it: so the frames are the same for every cut. `textEnd`: where a CR may be the line end's. */
  #firstFault(piece: Uint8Array, textEnd: number, crAtStart: boolean, bareLf: boolean): [LineFault | undefined, number] {
    const before = this.#lineOctets - piece.length
    let fault: LineFault | undefined
    let first = piece.length
    const consider = (candidate: LineFault, index: number): void => {
      if (index >= first) return
      fault = candidate
      first = index
    }
    consider('line-too-long', Math.max(0, this.#maxLength - before))
    consider('command-too-long', Math.max(0, this.#maxCommand - (this.#commandOctets - piece.length)))
    const cr = piece.indexOf(CR)
    if (crAtStart) consider('bare-cr', 0)
    else if (cr >= 0 && cr < textEnd) consider('bare-cr', cr + 1)
    const nul = piece.indexOf(0)
    if (nul >= 0) consider('nul', nul)
    if (bareLf) consider('bare-lf', piece.length - 1)
    return [fault, first]
  }

  #fault(fault: LineFault, piece: Uint8Array, index: number): Frame {
    const octets = this.#lineOctets - piece.length + index + 1
    const kept = Math.min(FAULT_START, this.#partialLength)
    const start = new Uint8Array(this.#refused ? 0 : Math.min(FAULT_START, kept + index + 1))
    if (start.length > 0) {
      start.set(this.#partial.subarray(0, kept))
      start.set(piece.subarray(0, start.length - kept), kept)
    }
    this.#refused = true
    this.#partialLength = 0
    return { kind: 'fault', fault, octets, start }
  }

  #keep(piece: Uint8Array): void {
    const needed = this.#partialLength + piece.length
    if (needed > this.#partial.length) {
      const grown = new Uint8Array(Math.max(needed, Math.min(this.#maxLength, this.#partial.length * 2), 256))
      grown.set(this.#partial.subarray(0, this.#partialLength))
      this.#partial = grown
    }
    this.#partial.set(piece, this.#partialLength)
    this.#partialLength = needed
  }

  #complete(piece: Uint8Array, lineEnd: number): Uint8Array {
    if (this.#partialLength === 0) return piece.subarray(0, piece.length - lineEnd)
    const whole = new Uint8Array(this.#partialLength + piece.length - lineEnd)
    whole.set(this.#partial.subarray(0, Math.min(this.#partialLength, whole.length)))
    if (whole.length > this.#partialLength) whole.set(piece.subarray(0, whole.length - this.#partialLength), this.#partialLength)
    return whole
  }
}
