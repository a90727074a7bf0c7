/** A cursor over one whole command, literals included, whose methods are productions. RFC 9051 §9. */

import { isAscii, latin1Text, strictUtf8Text } from '../../bytes/ascii.ts'
import { Cursor } from '../../bytes/cursor.ts'
import { nameFrom, type NameForm } from '../names.ts'

const SP = 0x20
const DQUOTE = 0x22
const BACKSLASH = 0x5c
const CR = 0x0d
const LF = 0x0a
const OPEN_PAREN = 0x28
const CLOSE_PAREN = 0x29
const OPEN_BRACE = 0x7b

const ATOM = 1
const ASTRING = 2
const LIST = 4
const TAG = 8

/** What each octet may be part of. */
const CLASSES: Uint8Array = new Uint8Array(256)
for (let octet = 0x21; octet < 0x7f; octet++) {
  const char = String.fromCharCode(octet)
  const isAtom = !'(){%*"\\]'.includes(char)
  if (isAtom) CLASSES[octet] = ATOM | ASTRING | LIST | TAG
  if (char === ']') CLASSES[octet] = ASTRING | LIST | TAG
  if (char === '%' || char === '*') CLASSES[octet] = LIST
  if (char === '+') CLASSES[octet] = ATOM | ASTRING | LIST
}
// UTF-8 beyond ASCII may stand unquoted in names when UTF8=ACCEPT is on; harmless elsewhere. RFC 6855 §3.
for (let octet = 0x80; octet < 256; octet++) CLASSES[octet] = ASTRING | LIST

/** Parses one command. Every method throws `SyntaxFault` and nothing else. */
export class Parser extends Cursor {
  /** How names of mailboxes are written. */
  readonly form: NameForm

  constructor(octets: Uint8Array, form: NameForm = 'utf-7') {
    super(octets)
    this.form = form
  }

  /** `SP`: exactly one space. */
  sp(): void {
    if (!this.skip(SP)) this.fail('a space')
  }

  /** `(`. */
  open(): void {
    if (!this.skip(OPEN_PAREN)) this.fail('"("')
  }

  /** `)`. */
  close(): void {
    if (!this.skip(CLOSE_PAREN)) this.fail('")"')
  }

  /** Whether `(` stands here. */
  isOpen(): boolean {
    return this.peek() === OPEN_PAREN
  }

  /** The end of the command. Clients that leave a space there are forgiven. */
  override end(expected: string = 'the end of the command'): void {
    while (this.peek() === SP) this.at++
    super.end(expected)
  }

  /** `(` one or more (or, with `empty`, no) items separated by spaces `)`. */
  list<T>(item: () => T, options?: { readonly empty: true }): T[] {
    this.open()
    const items: T[] = []
    if (options?.empty === true && this.skip(CLOSE_PAREN)) return items
    do items.push(item())
    while (this.skip(SP))
    this.close()
    return items
  }

  #run(kind: number, expected: string): string {
    const from = this.at
    let to = from
    while (to < this.bytes.length && ((CLASSES[this.bytes[to] ?? 0] ?? 0) & kind) !== 0) to++
    if (to === from) this.fail(expected)
    this.at = to
    return latin1Text(this.bytes, from, to)
  }

  /** `tag`. */
  tag(): string {
    return this.#run(TAG, 'a tag')
  }

  /** `atom`. */
  atom(): string {
    return this.#run(ATOM, 'an atom')
  }

  /** `atom` in upper case: names of commands and items. */
  keyword(): string {
    return this.atom().toUpperCase()
  }

  /** `number`: up to 32 bits. */
  number(): number {
    return this.#digits(0xffff_ffff)
  }

  /** `number64`, as far as a double counts exactly. */
  number64(): number {
    return this.#digits(Number.MAX_SAFE_INTEGER)
  }

  /** `nz-number`. */
  nzNumber(): number {
    const from = this.at
    const value = this.#digits(0xffff_ffff)
    if (value > 0) return value
    this.at = from
    return this.fail('a number above zero')
  }

  #digits(most: number): number {
    const from = this.at
    let value = 0
    for (;;) {
      const digit = this.peek() - 0x30
      if (digit < 0 || digit > 9) break
      value = value * 10 + digit
      if (value > most) this.fail('a smaller number')
      this.at++
    }
    if (this.at === from) this.fail('a number')
    return value
  }

  /** `string`: quoted or literal, as octets. */
  stringOctets(): Uint8Array {
    if (this.peek() === DQUOTE) return this.#quoted()
    if (this.peek() === OPEN_BRACE) return this.literal()
    return this.fail('a string')
  }

  /** `literal`, whose octets are part of the command by now. */
  literal(): Uint8Array {
    if (!this.skip(OPEN_BRACE)) this.fail('a literal')
    const size = this.number64()
    this.skip(0x2b)
    if (!this.skip(0x7d) || !this.skip(CR) || !this.skip(LF)) this.fail('a literal')
    const from = this.at
    if (from + size > this.bytes.length) this.fail('the octets of the literal')
    this.at += size
    const octets = this.bytes.subarray(from, this.at)
    if (octets.includes(0)) this.fail('octets other than NUL')
    return octets
  }

  #quoted(): Uint8Array {
    const from = ++this.at
    let escapes = 0
    for (;;) {
      const octet = this.bytes[this.at]
      if (octet === undefined || octet === CR || octet === LF || octet === 0) this.fail('the closing quote')
      this.at++
      if (octet === DQUOTE) break
      if (octet !== BACKSLASH) continue
      const next = this.bytes[this.at]
      if (next !== DQUOTE && next !== BACKSLASH) this.fail('"\\" or a quote after "\\"')
      this.at++
      escapes++
    }
    const raw = this.bytes.subarray(from, this.at - 1)
    return escapes === 0 ? raw : unescape(raw, escapes)
  }

  /** `astring`, as octets. */
  astringOctets(): Uint8Array {
    const octet = this.peek()
    if (octet === DQUOTE || octet === OPEN_BRACE) return this.stringOctets()
    const from = this.at
    this.#run(ASTRING, 'a string or an atom')
    return this.bytes.subarray(from, this.at)
  }

  /** `astring` as text; octets that are not UTF-8 are refused. */
  astring(): string {
    return this.#text(this.astringOctets())
  }

  /** `string` as text. */
  string(): string {
    return this.#text(this.stringOctets())
  }

  /** `nstring` as text; `undefined` is NIL. */
  nstring(): string | undefined {
    return this.skipWord('nil') ? undefined : this.string()
  }

  /** `mailbox`, in the store's spelling; empty when no mailbox can have the name. */
  mailbox(): string {
    return nameFrom(this.astring(), this.form) ?? ''
  }

  /** `list-mailbox`, as text. */
  listMailbox(): string {
    const octet = this.peek()
    if (octet === DQUOTE || octet === OPEN_BRACE) return this.string()
    const from = this.at
    this.#run(LIST, 'a mailbox pattern')
    return this.#text(this.bytes.subarray(from, this.at))
  }

  #text(octets: Uint8Array): string {
    return (isAscii(octets) ? latin1Text(octets) : strictUtf8Text(octets)) ?? this.fail('UTF-8')
  }

  /** `flag` as written. `\*` and `\Recent` are no flags that a client can set. */
  flag(): string {
    if (!this.skip(BACKSLASH)) return this.atom()
    return `\\${this.atom()}`
  }

  /** `flag-list`. */
  flagList(): string[] {
    return this.list(() => this.flag(), { empty: true })
  }
}

function unescape(raw: Uint8Array, escapes: number): Uint8Array {
  const text = new Uint8Array(raw.length - escapes)
  let to = 0
  for (let from = 0; from < raw.length; from++) {
    if (raw[from] === BACKSLASH) from++
    text[to++] = raw[from] ?? 0
  }
  return text
}
