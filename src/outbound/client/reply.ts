/** Replies of a server that is not trusted: bounded, and read to the letter. RFC 5321 §4.2, §4.5.3.1.5; RFC 2034 §4; RFC 3463 §2. */

import { concatBytes, latin1Text, strictUtf8Text } from '../../bytes/ascii.ts'
import type { EnhancedCode } from '../../contracts/index.ts'
import type { ClientLimits } from './limits.ts'

/** One reply. */
export interface Reply {
  /** 200 to 599. RFC 5321 §4.2.1. */
  readonly code: number
  /** Of the last line, where the server gave one that fits the code. */
  readonly enhanced?: EnhancedCode
  /** Texts behind the codes, without control characters. */
  readonly lines: readonly string[]
}

/** What a server said is no reply; nothing that it says from then on means anything. */
export class ReplyFault extends Error {
  override readonly name: string = 'ReplyFault'
}

const CR = 0x0d
const LF = 0x0a
/** RFC 5321 §4.2: codes that nobody knows are told by their first digit (571 is met); 1yz and 6yz are never sent. */
const CODE = /^[2-5]\d\d$/
const ENHANCED = /^([245]\.\d{1,3}\.\d{1,3})(?: |$)/
/** C0, DEL, C1, and what turns text around in a terminal or hides in it. */
const CONTROLS = /[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]+/g

/** Takes octets as they come and gives replies. */
export class ReplyParser {
  readonly #limits: Pick<ClientLimits, 'replyLine' | 'replyLines' | 'replyOctets'>
  #buffer: Uint8Array = new Uint8Array(0)
  #at = 0
  /** Where the search for the line's end goes on. */
  #searched = 0
  #code = 0
  #lines: string[] = []
  #octets = 0

  constructor(limits: Pick<ClientLimits, 'replyLine' | 'replyLines' | 'replyOctets'>) {
    this.#limits = limits
  }

  /** Octets that no reply has used up. */
  get unread(): number {
    return this.#buffer.length - this.#at + this.#octets
  }

  push(octets: Uint8Array): void {
    const rest = this.#buffer.length - this.#at
    this.#searched -= this.#at
    this.#buffer = rest === 0 ? octets : concatBytes([this.#buffer.subarray(this.#at), octets])
    this.#at = 0
  }

  /** The next whole reply; `undefined` when more octets are needed. Throws {@link ReplyFault}. */
  next(): Reply | undefined {
    for (;;) {
      const feed = this.#buffer.indexOf(LF, this.#searched)
      if (feed < 0) {
        this.#searched = this.#buffer.length
        if (this.#buffer.length - this.#at > this.#limits.replyLine)
          throw new ReplyFault(`a line of more than ${this.#limits.replyLine} octets`)
        return undefined
      }
      const from = this.#at
      this.#at = feed + 1
      this.#searched = this.#at
      // RFC 5321 §2.3.8: lines end with CRLF; servers that send a bare LF are met and harm nobody here.
      const end = feed > from && this.#buffer[feed - 1] === CR ? feed - 1 : feed
      if (this.#at - from > this.#limits.replyLine) throw new ReplyFault(`a line of more than ${this.#limits.replyLine} octets`)
      const reply = this.#line(this.#buffer.subarray(from, end), this.#at - from)
      if (reply !== undefined) return reply
    }
  }

  #line(line: Uint8Array, octets: number): Reply | undefined {
    const digits = latin1Text(line, 0, Math.min(3, line.length))
    const mark = line.length > 3 ? line[3] : 0x20
    if (!CODE.test(digits) || (mark !== 0x20 && mark !== 0x2d))
      throw new ReplyFault(`a line that is no reply: "${printable(line.subarray(0, 80))}"`)
    const code = Number(digits)
    if (this.#lines.length > 0 && code !== this.#code) throw new ReplyFault(`a reply of two codes, ${this.#code} and ${code}`)
    this.#code = code
    this.#octets += octets
    if (this.#lines.length >= this.#limits.replyLines || this.#octets > this.#limits.replyOctets)
      throw new ReplyFault('a reply without end')
    this.#lines.push(printable(line.subarray(4)))
    if (mark === 0x2d) return undefined
    const lines = this.#lines
    this.#lines = []
    this.#octets = 0
    const enhanced = ENHANCED.exec(lines.at(-1) ?? '')?.[1]
    // RFC 2034 §4: the class of both must be the same; a code that contradicts the reply is no better than none.
    return enhanced !== undefined && enhanced.startsWith(digits.charAt(0))
      ? { code, enhanced: enhanced as EnhancedCode, lines }
      : { code, lines }
  }
}

/** Text for an operator's eyes: UTF-8 where it is, controls as one space. */
function printable(octets: Uint8Array): string {
  for (const octet of octets)
    if (octet < 0x20 || octet > 0x7e) return (strictUtf8Text(octets) ?? latin1Text(octets)).replace(CONTROLS, ' ').trim()
  return latin1Text(octets).trim()
}

/** A reply's texts as one line of at most 500 characters, for a {@link DeliveryStatus}: without repeating the enhanced code. */
export function textOf(reply: Reply): string {
  const lines = reply.enhanced === undefined ? reply.lines : reply.lines.map(line => line.replace(ENHANCED, ''))
  return lines.join(' ').slice(0, 500)
}
