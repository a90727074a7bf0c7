/** The message itself, read in large slices as fast as the server takes them. RFC 5321 §4.1.1.4, §4.5.2; RFC 3030 §2. */

import { concatBytes, utf8Bytes } from '../../bytes/ascii.ts'
import { MailError } from '../../contracts/index.ts'
import type { MessageSource } from '../../contracts/index.ts'
import type { Reply } from './reply.ts'
import { Broken } from './wire.ts'
import type { Wire } from './wire.ts'
import { WireText } from './wire-text.ts'

/** How sending the message ended. */
export type BodyEnd =
  /** All of it is with the server. `first`: the first reply to the end, where it was read already. */
  | { readonly kind: 'sent'; readonly first?: Reply }
  /** The server answered before it had all. */
  | { readonly kind: 'early'; readonly reply: Reply }
  /** A chunk was refused; the server has passed over what it had of it. */
  | { readonly kind: 'refused'; readonly reply: Reply }

/** Octets of one slice: large enough that the system calls do not count, small enough for hundreds of connections at once. */
const SLICE = 131_072

/** The whole message in wire form, for one that is small. */
export async function wholeText(content: MessageSource, options: { readonly dots: boolean }): Promise<Uint8Array> {
  const text = new WireText(options)
  const slice = content.read(0, content.size)
  const octets = text.push(checked(content, 0, slice instanceof Uint8Array ? slice : await slice))
  return concatBytes([octets, text.end()])
}

/** Sends it after a 354, dots and all. Throws what reading throws. */
export async function sendData(wire: Wire, content: MessageSource): Promise<BodyEnd> {
  const text = new WireText({ dots: true })
  if (content.size === 0) void wire.write(text.end())
  for (let at = 0; at < content.size;) {
    if (wire.isOver) {
      // Who refuses in the middle and leaves has said why.
      if (wire.unread > 0) return { kind: 'early', reply: await wire.reply(1000) }
      throw new Broken('lost', 'the connection was lost while data was sent')
    }
    const slice = await sliceOf(content, at)
    at += slice.length
    const octets = text.push(slice)
    const pressure = wire.write(at < content.size ? octets : concatBytes([octets, text.end()]))
    const early = pressure === undefined ? undefined : await wire.drained(pressure)
    // A reply that comes while the last octets leave may be the one that is waited for anyway.
    if (early !== undefined) return at < content.size ? { kind: 'early', reply: early } : { kind: 'sent', first: early }
  }
  return { kind: 'sent' }
}

/** Sends it in chunks; the next one leaves before the last is answered where the server pipelines. */
export async function sendChunks(wire: Wire, content: MessageSource, options: { readonly pipelining: boolean }): Promise<BodyEnd> {
  const text = new WireText({ dots: false })
  const most = options.pipelining ? 2 : 1
  let unanswered = 0
  let at = 0
  do {
    const slice = await sliceOf(content, at)
    at += slice.length
    const isLast = at >= content.size
    const octets = isLast ? concatBytes([text.push(slice), text.end()]) : text.push(slice)
    const pressure = wire.write(concatBytes([utf8Bytes(`BDAT ${octets.length}${isLast ? ' LAST' : ''}\r\n`), octets]))
    unanswered++
    while (unanswered > (isLast ? 1 : most - 1)) {
      const reply = await wire.reply(wire.limits.dataMs)
      unanswered--
      if (reply.code < 300) continue
      // RFC 3030 §2: what is in the pipeline behind a chunk that failed is refused as well.
      for (; unanswered > 0; unanswered--) await wire.reply(wire.limits.dataMs)
      return { kind: 'refused', reply }
    }
    if (pressure !== undefined) {
      const early = await wire.drained(pressure)
      if (early !== undefined) {
        unanswered--
        if (isLast) return { kind: 'sent', first: early }
        if (early.code >= 300) return { kind: 'early', reply: early }
      }
    }
  } while (at < content.size)
  return { kind: 'sent' }
}

async function sliceOf(content: MessageSource, at: number): Promise<Uint8Array> {
  const slice = content.read(at, Math.min(content.size, at + SLICE))
  return checked(content, at, slice instanceof Uint8Array ? slice : await slice)
}

/** A source that gives less than it said would have us wait for ever, or end a message in its middle. */
function checked(content: MessageSource, at: number, slice: Uint8Array): Uint8Array {
  if (slice.length === 0 && at < content.size) throw new MailError('corrupt', `the message ends at ${at} of ${content.size} octets`)
  return slice
}
