/** The parser of a command line: each method is a production. RFC 1939 §3; RFC 2449 §3. */

import { SyntaxFault } from '../../bytes/cursor.ts'
import { latin1Text } from '../../bytes/ascii.ts'

const SP = 0x20

/** Reads `command = keyword *(SP param)` from a line without its CRLF. */
export class Parser {
  readonly #line: Uint8Array
  #at = 0

  constructor(line: Uint8Array) {
    this.#line = line
  }

  /** `keyword`, in upper case: letters and digits up to the first SP. */
  keyword(): string {
    const word = this.#word()
    if (!/^[A-Za-z0-9]{1,20}$/.test(word)) throw new SyntaxFault('a command', 0)
    return word.toUpperCase()
  }

  /** Nothing more. A trailing space is overlooked: some clients send one. */
  end(): void {
    if (this.#at < this.#line.length && !(this.#at === this.#line.length - 1 && this.#line[this.#at] === SP)) {
      throw new SyntaxFault('no further argument', this.#at)
    }
  }

  /** `SP msg`: a message-number of at least 1. RFC 1939 §4. */
  messageNumber(): number {
    const number = this.lineCount('a message number')
    if (number === 0) throw new SyntaxFault('a message number from 1', this.#at)
    return number
  }

  /** `[SP msg]`. */
  optionalMessageNumber(): number | undefined {
    return this.#atEnd() ? undefined : this.messageNumber()
  }

  /** `SP n`: a whole number, also 0. RFC 1939 §7, TOP. */
  lineCount(expected: string = 'a number of lines'): number {
    this.#space(expected)
    const from = this.#at
    const word = this.#word()
    if (!/^\d{1,15}$/.test(word)) throw new SyntaxFault(expected, from)
    return Number(word)
  }

  /** `SP param`, as it is in ASCII. */
  param(expected: string): string {
    this.#space(expected)
    const from = this.#at
    const word = this.#word()
    if (!/^[\x21-\x7e]+$/.test(word)) throw new SyntaxFault(expected, from)
    return word
  }

  /** `[SP param]`, its octets. */
  optionalParam(expected: string): Uint8Array | undefined {
    if (this.#atEnd()) return undefined
    this.#space(expected)
    const from = this.#at
    this.#word()
    return this.#line.subarray(from, this.#at)
  }

  /** `SP string`: all that is left, spaces too. RFC 1939 §7, PASS: "a server may treat spaces in the argument as part of the password". */
  rest(expected: string): Uint8Array {
    this.#space(expected)
    const rest = this.#line.subarray(this.#at)
    this.#at = this.#line.length
    if (rest.length === 0) throw new SyntaxFault(expected, this.#at)
    return rest
  }

  #atEnd(): boolean {
    return this.#at >= this.#line.length || (this.#at === this.#line.length - 1 && this.#line[this.#at] === SP)
  }

  #space(expected: string): void {
    if (this.#line[this.#at] !== SP) throw new SyntaxFault(expected, this.#at)
    this.#at++
  }

  #word(): string {
    const space = this.#line.indexOf(SP, this.#at)
    const to = space < 0 ? this.#line.length : space
    const word = latin1Text(this.#line, this.#at, to)
    this.#at = to
    return word
  }
}
