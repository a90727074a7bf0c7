/** A cursor over octets, the base of the parsers whose methods are productions. RFC 5234 §3; RFC 9051 §9. */

import { latin1Text } from './ascii.ts'

/**
 * The peer wrote something the grammar does not allow. `expected` says in a few words what was wanted
 * ("a mailbox name", "SP"), `at` is the octet's place in the line or command. Engines answer it with 501 or BAD;
 * it never holds what the peer sent.
 */
export class SyntaxFault extends Error {
  readonly expected: string
  readonly at: number

  constructor(expected: string, at: number) {
    super(`expected ${expected} at octet ${at}`)
    this.name = 'SyntaxFault'
    this.expected = expected
    this.at = at
  }
}

/** A set of octets for `takeWhile`: `octetSet('a-z' ranges or single characters)`. */
export type OctetSet = Uint8Array

/**
 * The octets named by `ranges`: each is one character, or two that bound a range: `octetSet('AZ', 'az', '09', '-')`.
 */
export function octetSet(...ranges: readonly string[]): OctetSet {
  const set = new Uint8Array(256)
  for (const range of ranges) {
    const first = range.charCodeAt(0)
    const last = range.length > 1 ? range.charCodeAt(1) : first
    set.fill(1, first, last + 1)
  }
  return set
}

/**
 * Reads octets from front to back. Parsers extend it with one method per production:
 *
 * ```ts
 * class Args extends Cursor {
 *   number(): number { return Number(latin1Text(this.takeWhile(DIGIT, 'a number'))) }
 * }
 * ```
 */
export class Cursor {
  readonly bytes: Uint8Array
  /** The next octet's place. */
  at = 0

  constructor(bytes: Uint8Array) {
    this.bytes = bytes
  }

  /** Whether everything was read. */
  get atEnd(): boolean {
    return this.at >= this.bytes.length
  }

  /** The octet `ahead` of the next one, or -1 behind the end. */
  peek(ahead = 0): number {
    return this.bytes[this.at + ahead] ?? -1
  }

  /** The next octet, read; at the end it fails with `expected`. */
  take(expected = 'more'): number {
    const octet = this.bytes[this.at]
    if (octet === undefined) return this.fail(expected)
    this.at++
    return octet
  }

  /** Reads `octet` when it comes next. */
  skip(octet: number): boolean {
    if (this.bytes[this.at] !== octet) return false
    this.at++
    return true
  }

  /** Reads `octet` or fails. */
  expect(octet: number, expected: string): void {
    if (!this.skip(octet)) this.fail(expected)
  }

  /** Reads `word` (given in lower case) when it comes next, ASCII case ignored. It does not look at what follows. */
  skipWord(word: string): boolean {
    for (let i = 0; i < word.length; i++) {
      const octet = this.peek(i)
      const folded = octet >= 0x41 && octet <= 0x5a ? octet | 0x20 : octet
      if (folded !== word.charCodeAt(i)) return false
    }
    this.at += word.length
    return true
  }

  /** The run of octets of `set` that comes next; fails when there is none, unless `expected` is left out. */
  takeWhile(set: OctetSet, expected?: string): Uint8Array {
    const from = this.at
    let to = from
    while (to < this.bytes.length && set[this.bytes[to] ?? 0] === 1) to++
    if (to === from && expected !== undefined) return this.fail(expected)
    this.at = to
    return this.bytes.subarray(from, to)
  }

  /** What is left, read. */
  rest(): Uint8Array {
    const left = this.bytes.subarray(this.at)
    this.at = this.bytes.length
    return left
  }

  /** What is left, as Latin-1 text, not read: for tests and traces. */
  remainder(): string {
    return latin1Text(this.bytes, this.at)
  }

  /** Throws the `SyntaxFault` at the present place. */
  fail(expected: string): never {
    throw new SyntaxFault(expected, this.at)
  }

  /** Fails unless everything was read. */
  end(expected = 'the end of the line'): void {
    if (!this.atEnd) this.fail(expected)
  }
}
