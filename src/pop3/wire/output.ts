/** What goes out: gathered into few large chunks, held back when the client is slow. RFC 1939 §3. */

import { borrowBuilder, returnBuilder } from '../../bytes/builder-pool.ts'
import type { ByteBuilder } from '../../bytes/byte-builder.ts'
import type { Transport } from '../../contracts/transport.ts'
import { OUTPUT_CHUNK } from '../limits.ts'
import type { Reply } from '../replies.ts'

/** Slices of at least this many octets are sent as they are instead of being copied together. */
const WORTH_SENDING = 16 * 1024

/** The printer of one connection. */
export class Output {
  readonly #transport: Transport
  #builder: ByteBuilder | undefined
  #pressure: Promise<void> | undefined

  constructor(transport: Transport) {
    this.#transport = transport
  }

  /** For lines of listings: `out.text.number(1).latin1(' ')…`. */
  get text(): ByteBuilder {
    return (this.#builder ??= borrowBuilder())
  }

  /** Whether enough was gathered to be sent, or what was sent is not taken. */
  get isFull(): boolean {
    return (this.#builder?.length ?? 0) >= OUTPUT_CHUNK || this.#pressure !== undefined
  }

  reply(reply: Reply): void {
    this.text
      .latin1(reply.ok ? '+OK ' : '-ERR ')
      .latin1(reply.text)
      .latin1('\r\n')
  }

  /** Octets that are the transport's from now on. */
  octets(slice: Uint8Array): void {
    if (slice.length < WORTH_SENDING) {
      this.text.bytes(slice)
      return
    }
    this.#send()
    this.#write(slice)
  }

  /** Sends what was gathered; a promise means: wait before going on. */
  flush(): Promise<void> | undefined {
    this.#send()
    const pressure = this.#pressure
    this.#pressure = undefined
    return pressure
  }

  /** Sends what was gathered and lets go of the memory: the session has nothing to say for now. */
  release(): void {
    this.#send()
    const builder = this.#builder
    this.#builder = undefined
    if (builder !== undefined && this.#transport.isSent === true) returnBuilder(builder)
  }

  #send(): void {
    const builder = this.#builder
    if (builder === undefined || builder.length === 0) return
    this.#write(builder.flush())
    if (this.#transport.isSent === true) builder.rewind()
  }

  #write(octets: Uint8Array): void {
    this.#pressure = this.#transport.write(octets) ?? this.#pressure
  }
}
