/** The packets of the milter protocol, version 6: a length, a letter, and what belongs to it. What a milter sends is held to limits. */

import { concatBytes, latin1Text, utf8Bytes, utf8Text } from '../../bytes/ascii.ts'
import { nonsense } from '../program.ts'
import type { Talk } from '../program.ts'

/** The version that is spoken. */
export const VERSION = 6
/** Octets of data that a packet may have (`MILTER_MAX_DATA_SIZE`). */
export const MOST_DATA = 65_535

/** What a milter may do to a message. */
export const ACTION = { addHeader: 0x01, changeHeader: 0x10, quarantine: 0x20 } as const

/** What need not be sent, what needs no answer, and how it is sent. */
export const STEP = {
  noConnect: 0x1,
  noHelo: 0x2,
  noMail: 0x4,
  noRcpt: 0x8,
  noBody: 0x10,
  noHeaders: 0x20,
  noEoh: 0x40,
  silentHeader: 0x80,
  noUnknown: 0x100,
  noData: 0x200,
  skip: 0x400,
  silentConnect: 0x1000,
  silentHelo: 0x2000,
  silentMail: 0x4000,
  silentRcpt: 0x8000,
  silentData: 0x10000,
  silentUnknown: 0x20000,
  silentEoh: 0x40000,
  silentBody: 0x80000,
  leadingSpace: 0x100000,
} as const

/** One packet. */
export interface Packet {
  /** The letter that says what it is. */
  readonly kind: string
  readonly data: Uint8Array
}

/** Packets and octets that one conversation may bring: an answer to each recipient, field and piece, and changes. */
const MOST_PACKETS = 20_000
const MOST_OCTETS = 2 * 1024 * 1024

/** A packet as octets. */
export function packet(kind: string, ...data: readonly (string | Uint8Array | number)[]): Uint8Array {
  const pieces = data.map(one => (typeof one === 'string' ? utf8Bytes(one) : typeof one === 'number' ? uint32(one) : one))
  const length = pieces.reduce((sum, piece) => sum + piece.length, 0)
  return concatBytes([uint32(length + 1), utf8Bytes(kind), ...pieces])
}

/** RFC-less, but fixed since version 2: numbers are 32 bits, the most significant octet first. */
export function uint32(value: number): Uint8Array {
  const octets = new Uint8Array(4)
  new DataView(octets.buffer).setUint32(0, value)
  return octets
}

/** Takes packets out of what a milter sends. */
export class PacketReader {
  readonly #talk: Talk
  #held: Uint8Array = new Uint8Array(0)
  #packets = 0
  #octets = 0

  constructor(talk: Talk) {
    this.#talk = talk
  }

  /** The next packet. Throws `MailError('unavailable')` when the milter has left, or sends more than it may. */
  async next(): Promise<Packet> {
    const length = new DataView((await this.#take(4)).buffer).getUint32(0)
    if (length === 0 || length > MOST_DATA + 1) throw nonsense(`a packet of ${length} octets`)
    this.#octets += length
    if (++this.#packets > MOST_PACKETS || this.#octets > MOST_OCTETS) throw nonsense('more packets than a message is worth')
    const octets = await this.#take(length)
    return { kind: latin1Text(octets, 0, 1), data: octets.subarray(1) }
  }

  async #take(length: number): Promise<Uint8Array<ArrayBuffer>> {
    const pieces: Uint8Array[] = [this.#held]
    let have = this.#held.length
    while (have < length) {
      const octets = await this.#talk.read()
      if (octets === undefined) throw nonsense('it left in the middle')
      pieces.push(octets)
      have += octets.length
    }
    const whole = pieces.length === 1 ? this.#held : concatBytes(pieces)
    this.#held = whole.subarray(length)
    return Uint8Array.from(whole.subarray(0, length))
  }
}

/** The 32-bit number at `at`. */
export function numberAt({ data }: Packet, at: number): number {
  if (data.length < at + 4) throw nonsense('a packet without its number')
  return new DataView(data.buffer, data.byteOffset).getUint32(at)
}

/** The texts from `at` on, each with a NUL at its end; exactly `count` of them. */
export function textsAt({ data, kind }: Packet, at: number, count: number): readonly string[] {
  const texts: string[] = []
  for (let from = at; texts.length < count;) {
    const end = data.indexOf(0, from)
    if (end < 0) throw nonsense(`a packet ${JSON.stringify(kind)} without its texts`)
    texts.push(utf8Text(data.subarray(from, end)))
    from = end + 1
  }
  return texts
}
