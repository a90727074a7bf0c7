/**
 * DNS messages: the question as octets, and the answer read back under suspicion. RFC 1035 §4.1; RFC 6891 §6.1; RFC 3596 §2.2.
 *
 * Questions are written by dns-packet. Answers are read here, because they come from strangers: every name costs a bounded number
 * of steps, and a label that holds a dot is not mistaken for two.
 */

import { DNSSEC_OK, encode, AUTHENTIC_DATA, RECURSION_DESIRED } from 'dns-packet'

/** The types that we ask for or meet on the way. RFC 1035 §3.2.2. */
export const TYPES = { A: 1, CNAME: 5, SOA: 6, PTR: 12, MX: 15, TXT: 16, AAAA: 28, SRV: 33, TLSA: 52 } as const

/** A type that can be asked for. */
export type QuestionType = Exclude<keyof typeof TYPES, 'SOA'>

/** RFC 1035 §4.1.1; RFC 6891 §9. */
export const RCODES = { noError: 0, formatError: 1, serverFailure: 2, nameError: 3, notImplemented: 4, refused: 5, badVersion: 16 } as const

/** Octets that an answer over UDP may have: what crosses networks in one piece. */
const UDP_PAYLOAD = 1232
/** RFC 1035 §2.3.4. */
const MAX_NAME_OCTETS = 255
/** A name of 127 labels needs no more pointers than that. */
const MAX_POINTERS = 127

/** What is asked. */
export interface Query {
  readonly id: number
  /** As of `questionName`. */
  readonly name: string
  readonly type: QuestionType
  /** Leave out EDNS for a server that stumbles over it. RFC 6891 §7. */
  readonly plain?: boolean
  /** Ask whether the answer was validated. RFC 4035 §3.2.1; RFC 6840 §5.7. */
  readonly dnssec?: boolean
}

/** The question as octets. */
export function encodeQuery(query: Query): Uint8Array {
  return encode({
    type: 'query',
    id: query.id,
    flags: RECURSION_DESIRED | (query.dnssec === true ? AUTHENTIC_DATA : 0),
    questions: [{ type: query.type, name: query.name }],
    additionals:
      query.plain === true
        ? []
        : [
            {
              type: 'OPT',
              name: '.',
              udpPayloadSize: UDP_PAYLOAD,
              extendedRcode: 0,
              ednsVersion: 0,
              flags: query.dnssec === true ? DNSSEC_OK : 0,
              flag_do: query.dnssec === true,
              options: [],
            },
          ],
  })
}

/** A record, its data still octets. */
export interface RawRecord {
  /** In lower case, without the final dot; octets that no name has by right are written `\DDD`. RFC 1035 §5.1. */
  readonly name: string
  readonly type: number
  /** Seconds. */
  readonly ttl: number
  readonly data: Uint8Array
  /** Reads a name that begins at an offset of the data; throws when there is none. */
  nameAt(offset: number): string
}

/** An answer to one question. */
export interface Reply {
  readonly id: number
  readonly isAnswer: boolean
  /** It did not fit: ask again over TCP. */
  readonly truncated: boolean
  /** The server vouches for it. RFC 4035 §3.2.3. */
  readonly authenticData: boolean
  /** With the upper bits of EDNS. RFC 6891 §6.1.3. */
  readonly rcode: number
  readonly question: { readonly name: string; readonly type: number } | undefined
  readonly answers: readonly RawRecord[]
  readonly authorities: readonly RawRecord[]
}

/** Reads an answer. Throws for anything that is not a whole DNS message; a truncated one is read only as far as its question. */
export function decodeReply(octets: Uint8Array): Reply {
  const reader = new Reader(octets)
  const id = reader.uint16()
  const flags = reader.uint16()
  const [questions, answers, authorities, additionals] = [reader.uint16(), reader.uint16(), reader.uint16(), reader.uint16()]
  if (questions > 1) throw new Error('more than one question')
  const question = questions === 0 ? undefined : reader.question()
  const truncated = (flags & 0x0200) !== 0
  const head = {
    id,
    isAnswer: (flags & 0xf800) === 0x8000,
    truncated,
    authenticData: (flags & 0x0020) !== 0,
    rcode: flags & 15,
    question,
  }
  if (truncated) return { ...head, answers: [], authorities: [] }
  const sections = { answers: reader.records(answers), authorities: reader.records(authorities) }
  // Of the rest only the upper bits of the response code count: they lie where other records have their time to live.
  const opt = reader.records(additionals).find(record => record.type === 41)
  return { ...head, ...sections, rcode: head.rcode | (((opt?.ttl ?? 0) >>> 24) << 4) }
}

class Reader {
  readonly #octets: Uint8Array
  readonly #view: DataView
  #at = 0

  constructor(octets: Uint8Array) {
    this.#octets = octets
    this.#view = new DataView(octets.buffer, octets.byteOffset, octets.byteLength)
  }

  uint16(): number {
    const value = this.#view.getUint16(this.#at)
    this.#at += 2
    return value
  }

  question(): { name: string; type: number } {
    const name = this.#name()
    const type = this.uint16()
    if (this.uint16() !== 1) throw new Error('a question of another class')
    return { name, type }
  }

  records(count: number): RawRecord[] {
    const records: RawRecord[] = []
    for (let i = 0; i < count; i++) {
      const name = this.#name()
      const type = this.uint16()
      const isInternet = this.uint16() === 1
      const ttl = this.#view.getUint32(this.#at)
      this.#at += 4
      const length = this.uint16()
      const start = this.#at
      this.#at += length
      if (this.#at > this.#octets.length) throw new Error('a record that ends after the message')
      const limit = this.#at
      const nameAt = (offset: number): string => {
        const { name: found, end } = this.#nameFrom(start + offset)
        if (end > limit) throw new Error('a name that ends after its record')
        return found
      }
      // For OPT the class is a size. RFC 6891 §6.1.2.
      if (isInternet || type === 41) records.push({ name, type, ttl, data: this.#octets.subarray(start, this.#at), nameAt })
    }
    return records
  }

  #name(): string {
    const { name, end } = this.#nameFrom(this.#at)
    this.#at = end
    return name
  }

  /** RFC 1035 §4.1.4: a pointer stands for the rest of the name, and points back. */
  #nameFrom(start: number): { name: string; end: number } {
    const labels: string[] = []
    let [at, end, size, pointers] = [start, -1, 1, 0]
    for (;;) {
      const length = this.#view.getUint8(at)
      if (length === 0) return { name: labels.join('.'), end: end < 0 ? at + 1 : end }
      if (length >= 0xc0) {
        const target = this.#view.getUint16(at) & 0x3fff
        if (target >= at || ++pointers > MAX_POINTERS) throw new Error('a name that does not end')
        if (end < 0) end = at + 2
        at = target
        continue
      }
      size += length + 1
      if (length > 63 || size > MAX_NAME_OCTETS) throw new Error('a name that is too long')
      if (at + 1 + length > this.#octets.length) throw new Error('a name that ends after the message')
      labels.push(labelText(this.#octets.subarray(at + 1, at + 1 + length)))
      at += length + 1
    }
  }
}

function labelText(octets: Uint8Array): string {
  let text = ''
  for (const octet of octets) {
    const isPlain = octet > 0x20 && octet < 0x7f && octet !== 0x2e && octet !== 0x5c
    text += isPlain ? String.fromCharCode(octet) : `\\${String(octet).padStart(3, '0')}`
  }
  return text.toLowerCase()
}
