/** The one output builder of a session: responses gathered into chunks of about 64 KiB, one write for each. RFC 9051 §7. */

import { asciiLowerCase, isAscii } from '../../bytes/ascii.ts'
import { borrowBuilder, returnBuilder } from '../../bytes/builder-pool.ts'
import type { ByteBuilder } from '../../bytes/byte-builder.ts'
import { encodeModifiedUtf7 } from '../../bytes/modified-utf7.ts'
import type { Transport } from '../../contracts/transport.ts'
import type { Completion } from '../codes.ts'
import { OUTPUT_CHUNK } from '../limits.ts'
import type { NameForm } from '../names.ts'

const DQUOTE = 0x22
const BACKSLASH = 0x5c
/** A quoted string longer than this is sent as a literal. */
const LONGEST_QUOTED = 1_000

/** Prints responses. Holds no memory between `release()` and the next octet. */
export class Printer {
  readonly #transport: Transport
  #builder: ByteBuilder | undefined
  #pressure: Promise<void> | undefined

  constructor(transport: Transport) {
    this.#transport = transport
  }

  /** The builder below, for loops that print many small pieces. Not to be kept over an `await`. */
  get builder(): ByteBuilder {
    return (this.#builder ??= borrowBuilder())
  }

  /** Whether a chunk is full: time to {@link Printer.flush}. */
  get isFull(): boolean {
    return this.#builder !== undefined && this.#builder.length >= OUTPUT_CHUNK
  }

  /** Prints text, an octet a character: everything that is ASCII by construction. */
  text(text: string): this {
    this.builder.latin1(text)
    return this
  }

  /** Prints octets as they are. */
  octets(octets: Uint8Array): this {
    this.builder.bytes(octets)
    return this
  }

  /** Prints `*`, a space, a text and the line end. */
  untagged(text: string): this {
    this.builder.latin1('* ').latin1(text).latin1('\r\n')
    return this
  }

  /** Prints a tagged response, or an untagged one when `tag` is `*`. */
  completion(tag: string, { status, code, text }: Completion): this {
    this.builder.latin1(`${tag} ${status} ${code === undefined ? '' : `[${code}] `}${text}\r\n`)
    return this
  }

  /** `string`: quoted where that can be, else a literal. Text beyond ASCII is quoted only when `utf8` is on. RFC 6855 §3. */
  string(text: string, utf8: boolean = false): this {
    const plain = isPlain(text)
    if (text.length <= LONGEST_QUOTED && (plain === 'ascii' || (plain === 'utf8' && utf8))) {
      this.builder.utf8(`"${text.replace(/["\\]/g, '\\$&')}"`)
      return this
    }
    return this.literal(new TextEncoder().encode(text))
  }

  /** `nstring` from octets: quoted where that can be, else a literal. */
  stringOctets(octets: Uint8Array): this {
    if (octets.length > LONGEST_QUOTED || !isAscii(octets) || !isQuotable(octets)) return this.literal(octets)
    this.builder.byte(DQUOTE)
    for (const octet of octets) {
      if (octet === DQUOTE || octet === BACKSLASH) this.builder.byte(BACKSLASH)
      this.builder.byte(octet)
    }
    this.builder.byte(DQUOTE)
    return this
  }

  /** `literal`. */
  literal(octets: Uint8Array): this {
    this.builder.byte(0x7b).number(octets.length).latin1('}\r\n').bytes(octets)
    return this
  }

  /** `astring`: an atom where that can be and cannot be taken for NIL, else a string. */
  astring(text: string, utf8: boolean = false): this {
    if (/^[A-Za-z0-9!#$&'+,\-./:;<=>?@[\]^_`|}~]{1,200}$/.test(text) && asciiLowerCase(text) !== 'nil') return this.text(text)
    return this.string(text, utf8)
  }

  /** `mailbox`, as the session writes names. */
  mailbox(name: string, form: NameForm): this {
    return form === 'utf-8' ? this.astring(name, true) : this.astring(encodeModifiedUtf7(name))
  }

  /** Hands over what was gathered. A promise means that the peer is slow: await it. */
  flush(): Promise<void> | undefined {
    const builder = this.#builder
    if (builder === undefined || builder.length === 0) return this.#pressure
    const pressure = this.#transport.write(builder.flush())
    if (this.#transport.isSent === true) builder.rewind()
    if (pressure !== undefined) this.#press(pressure)
    return this.#pressure
  }

  /** Sends a large run of octets by itself, without copying it into a chunk. */
  send(octets: Uint8Array): Promise<void> | undefined {
    void this.flush()
    const pressure = this.#transport.write(octets)
    if (pressure !== undefined) this.#press(pressure)
    return this.#pressure
  }

  #press(pressure: Promise<void>): void {
    if (pressure === this.#pressure) return
    this.#pressure = pressure
    void pressure.then(() => {
      if (this.#pressure === pressure) this.#pressure = undefined
    })
  }

  /** Lets go of the chunk's memory: the session has nothing to say for now. */
  release(): void {
    void this.flush()
    const builder = this.#builder
    this.#builder = undefined
    if (builder !== undefined && this.#transport.isSent === true) returnBuilder(builder)
  }
}

function isQuotable(octets: Uint8Array): boolean {
  for (const octet of octets) if (octet < 0x20 || octet === 0x7f) return false
  return true
}

function isPlain(text: string): 'ascii' | 'utf8' | 'neither' {
  let beyond = false
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code < 0x20 || code === 0x7f) return 'neither'
    if (code > 0x7f) beyond = true
  }
  if (!beyond) return 'ascii'
  return text.isWellFormed() ? 'utf8' : 'neither'
}
