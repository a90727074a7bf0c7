/** A message on its way out, read once: its header, and the hash of its body as it will be on the wire. RFC 6376 §3.7, §5.3. */

import { setImmediate } from 'node:timers/promises'
import { concatBytes } from '../../bytes/ascii.ts'
import { MailError } from '../../contracts/mail-error.ts'
import type { MessageSource } from '../../contracts/message.ts'
import { BodyHasher, headerLength, readSignableHeader, type SignableField } from '../../dkim/index.ts'
import { WireText } from '../client/wire-text.ts'

/** What a signature is made of. */
export interface ReadMessage {
  readonly fields: readonly SignableField[]
  /** SHA-256 of the relaxed body, base64. */
  readonly bodyHash: string
}

const SLICE = 131_072
/** Work between two turns of the event loop: some milliseconds. */
const TURN = 1_048_576
const LONGEST_HEADER = 1_048_576

/**
 * Reads `prefix` and `content` as one message. Line ends are those of the wire, where every bare CR and LF has become CRLF (S2):
 * what is signed is what is sent. Throws `too-big` when there is a header of more than a megabyte, and what reading throws.
 */
export async function readMessage(content: MessageSource, prefix: Uint8Array): Promise<ReadMessage> {
  const reader = new MessageReader()
  const wire = new WireText({ dots: false })
  if (prefix.length > 0) reader.push(wire.push(prefix))
  for (let at = 0; at < content.size;) {
    const read = content.read(at, Math.min(content.size, at + SLICE))
    const slice = read instanceof Uint8Array ? read : await read
    if (slice.length === 0) throw new MailError('corrupt', `the message ends at ${at} of ${content.size} octets`)
    reader.push(wire.push(slice))
    const before = at
    at += slice.length
    if (Math.floor(at / TURN) > Math.floor(before / TURN)) await setImmediate()
  }
  reader.push(wire.end())
  return reader.finish()
}

class MessageReader {
  readonly #hasher = new BodyHasher([{ canonicalization: 'relaxed' }])
  /** Octets of the header, until all of it is there. */
  #header: Uint8Array[] = []
  #size = 0
  #fields: readonly SignableField[] | undefined

  push(slice: Uint8Array): void {
    if (slice.length === 0) return
    if (this.#fields !== undefined) {
      this.#hasher.push(slice)
      return
    }
    this.#header.push(slice)
    this.#size += slice.length
    const octets = concatBytes(this.#header)
    this.#header = [octets]
    if (headerLength(octets) === octets.length) {
      if (this.#size > LONGEST_HEADER) throw new MailError('too-big', `a header of more than ${LONGEST_HEADER} octets`)
      return
    }
    this.#read(octets)
  }

  #read(octets: Uint8Array): void {
    const { fields, bodyStart } = readSignableHeader(octets)
    this.#fields = fields
    this.#header = []
    this.#hasher.push(octets.subarray(bodyStart))
  }

  finish(): ReadMessage {
    if (this.#fields === undefined) this.#read(concatBytes(this.#header))
    const { digest = '' } = this.#hasher.finish()({ canonicalization: 'relaxed' })
    return { fields: this.#fields ?? [], bodyHash: digest }
  }
}
