/** A growable buffer in which engines gather their answers, to write few large chunks. RFC 2920 §3.2. */

const FIRST = 1024

/**
 * Collects octets and text; `flush()` gives them as one chunk and begins anew. Chunks given out are never written to again.
 *
 * ```ts
 * out.latin1('* 1 FETCH (ENVELOPE ').bytes(envelope).latin1(')\r\n')
 * if (out.length >= 65_536) yield out.flush()
 * ```
 */
export class ByteBuilder {
  #buffer: Uint8Array
  #from = 0
  #at = 0

  /** `capacity`: octets to allocate at first; the buffer doubles as needed. */
  constructor(capacity: number = FIRST) {
    this.#buffer = new Uint8Array(capacity)
  }

  /** Octets gathered since the last `flush()`. */
  get length(): number {
    return this.#at - this.#from
  }

  /** Appends octets (copied). */
  bytes(octets: Uint8Array): this {
    this.#reserve(octets.length)
    this.#buffer.set(octets, this.#at)
    this.#at += octets.length
    return this
  }

  /** Appends a text of characters below U+0100, an octet each; a higher one throws a RangeError. */
  latin1(text: string): this {
    this.#reserve(text.length)
    const buffer = this.#buffer
    let at = this.#at
    for (let i = 0; i < text.length; i++) {
      const code = text.charCodeAt(i)
      if (code > 0xff) throw new RangeError('not Latin-1')
      buffer[at++] = code
    }
    this.#at = at
    return this
  }

  /** Appends a text as UTF-8. */
  utf8(text: string): this {
    this.#reserve(text.length * 3)
    this.#at += ENCODER.encodeInto(text, this.#buffer.subarray(this.#at)).written
    return this
  }

  /** Appends one octet. */
  byte(octet: number): this {
    this.#reserve(1)
    this.#buffer[this.#at++] = octet
    return this
  }

  /** Appends a whole number, not negative, in decimal digits. */
  number(value: number): this {
    if (!Number.isSafeInteger(value) || value < 0) throw new RangeError('not a whole number')
    if (value >= 1e9) return this.latin1(String(value))
    this.#reserve(10)
    let digits = 1
    for (let limit = 10; value >= limit; limit *= 10) digits++
    const buffer = this.#buffer
    const at = this.#at
    for (let i = at + digits - 1, left = value | 0; i >= at; i--) {
      // Below 1e9: division of 32-bit integers, which is several times as fast.
      const next = (left / 10) | 0
      buffer[i] = 0x30 + left - next * 10
      left = next
    }
    this.#at += digits
    return this
  }

  /** Appends octets that `write` puts into an array, from a place on. When it throws, nothing was appended. */
  filled(length: number, write: (target: Uint8Array, at: number) => void): this {
    this.#reserve(length)
    write(this.#buffer, this.#at)
    this.#at += length
    return this
  }

  /** Takes back what was appended beyond a `length` that this builder had since its last `flush()`. */
  shorten(length: number): void {
    if (length > this.length) throw new RangeError('longer than what there is')
    this.#at = this.#from + length
  }

  /** Octets that fit without another allocation, once {@link ByteBuilder.rewind} was called. */
  get capacity(): number {
    return this.#buffer.length
  }

  /** Nobody reads the chunks given out any more: their memory is used again. Only for an empty builder. */
  rewind(): void {
    if (this.#at !== this.#from) throw new Error('there are octets that were not flushed')
    this.#from = 0
    this.#at = 0
  }

  /** Appends the octets of `source` from `from` up to `to` (copied). */
  slice(source: Uint8Array, from: number, to: number): this {
    const length = to - from
    this.#reserve(length)
    this.#buffer.set(from === 0 && to === source.length ? source : source.subarray(from, to), this.#at)
    this.#at += length
    return this
  }

  /** Everything gathered, as one chunk; the builder is empty again. */
  flush(): Uint8Array {
    const chunk = this.#buffer.subarray(this.#from, this.#at)
    this.#from = this.#at
    return chunk
  }

  #reserve(octets: number): void {
    if (this.#at + octets <= this.#buffer.length) return
    const held = this.#at - this.#from
    // A chunk given out keeps its memory, so what is left of the buffer is used up first and then replaced.
    let size = Math.max(FIRST, this.#buffer.length)
    while (size < held + octets || size < held * 2) size *= 2
    const next = new Uint8Array(size)
    next.set(this.#buffer.subarray(this.#from, this.#at))
    this.#buffer = next
    this.#from = 0
    this.#at = held
  }
}

const ENCODER = new TextEncoder()
