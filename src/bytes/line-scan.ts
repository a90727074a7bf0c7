/**
 * Crosses message data as fast as it arrives: the one loop that sees every octet of every message, in WebAssembly because there it
 * takes sixteen octets in a step and JavaScript one. What it does is told in `line-scan.wat`. RFC 5321 §2.3.8, §4.5.2.
 */

import { LINE_SCAN } from './line-scan-module.ts'

/** Octets that are looked at together, at most. */
export const WINDOW = 65_536

/** Where they lie in the module's memory; before them the numbers. */
const OCTETS = 64

/** What we use of WebAssembly: TypeScript knows it only together with a browser. */
declare const WebAssembly: {
  readonly Module: new (octets: Uint8Array) => object
  readonly Instance: new (module: object) => { readonly exports: object }
}

interface Exports {
  readonly memory: { readonly buffer: ArrayBuffer }
  readonly scan: (at: number, end: number, strict: number) => number
}

const module = new WebAssembly.Instance(new WebAssembly.Module(Buffer.from(LINE_SCAN, 'base64'))).exports as Exports
const octets = new Uint8Array(module.memory.buffer)
const numbers = new Int32Array(module.memory.buffer)

/** What was seen up to a stop. */
export interface Seen {
  /** Where it stopped: at the end, or where the reader must decide. */
  readonly stop: number
  /** Octets since the last CRLF. */
  readonly line: number
  readonly feeds: number
  readonly longest: number
  readonly bareCr: number
  readonly bareLf: number
  readonly nul: number
  readonly tooLong: number
}

/** Puts octets where they are looked at: at most {@link WINDOW}, until others are. */
export function load(window: Uint8Array): void {
  octets.set(window, OCTETS)
}

/**
 * Looks at the loaded octets from `at` to `end`. `line`: how many octets of its line lie before. Stops at `end`, at a CR just before
 * it, at a dot that begins a line, and, with `strict`, at a CR or LF that stands alone; without it those are counted.
 */
export function scan(at: number, end: number, line: number, strict: boolean, maxLineLength: number): Seen {
  numbers[0] = OCTETS + at - line
  numbers[7] = Math.min(maxLineLength, 0x7fff_ffff)
  const stop = module.scan(OCTETS + at, OCTETS + end, strict ? 1 : 0)
  return {
    stop: stop - OCTETS,
    line: stop - at32(0),
    feeds: at32(1),
    longest: at32(2),
    bareCr: at32(3),
    bareLf: at32(4),
    nul: at32(5),
    tooLong: at32(6),
  }
}

function at32(index: number): number {
  return numbers[index] ?? 0
}
