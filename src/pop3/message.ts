/** Sends a message as the rest of a multi-line response. RFC 1939 §3, §5, §7; RFC 6856 §2.1. */

import { DotStuffer } from '../bytes/dot-stuff.ts'
import type { MessageSource } from '../contracts/message.ts'
import { Disconnected } from '../engine/sliced-work.ts'
import type { Context } from './context.ts'
import { READ_PIECE, TOP_PIECE } from './limits.ts'
import type { Maildrop } from './maildrop.ts'
import { positive, replies } from './replies.ts'
import type { Reply } from './replies.ts'
import { AsciiHeader } from './wire/surrogate.ts'
import type { TopLines } from './wire/top-lines.ts'

/** The message of that number, or why it cannot be had. */
export async function messageOf(context: Context, maildrop: Maildrop, number: number): Promise<MessageSource | Reply> {
  const refused = refusedNumber(maildrop, number)
  if (refused !== undefined) return refused
  const uid = maildrop.uid(number)
  for await (const page of maildrop.mailbox.records([{ first: uid, last: uid }], ['source'], { signal: context.connection.signal })) {
    for (const { source } of page) if (source !== undefined) return source
  }
  return replies.isGone
}

/** Why a number names no message of this session; `undefined` when it does. */
export function refusedNumber(maildrop: Maildrop, number: number): Reply | undefined {
  if (!maildrop.has(number)) return replies.noSuchMessage
  return maildrop.isDeleted(number) ? replies.isDeleted : undefined
}

/**
 * Sends `+OK` and the message, in large chunks and no faster than the client takes them; with `top` only so much of it.
 * What fails before the first octet is thrown; what fails later breaks the connection, since half a message must never look
 * like a whole one.
 */
export async function sendMessage(context: Context, source: MessageSource, text: string, top?: TopLines): Promise<undefined> {
  const { out } = context
  const stuffer = new DotStuffer()
  const header = context.utf8 ? undefined : new AsciiHeader()
  let length = top === undefined ? READ_PIECE : TOP_PIECE
  let slice = await source.read(0, Math.min(length, source.size))
  out.reply(positive(text))
  try {
    for (let at = 0; slice.length > 0;) {
      at += slice.length
      const wanted = top === undefined ? slice.length : top.take(slice)
      const shown = header === undefined ? slice.subarray(0, wanted) : header.filter(slice.subarray(0, wanted))
      for (const piece of stuffer.stuff(shown)) out.octets(piece)
      const pause = context.pause()
      if (pause !== undefined) await pause
      if (at >= source.size || top?.isComplete === true) break
      length = READ_PIECE
      slice = await source.read(at, Math.min(at + length, source.size))
    }
  } catch (error) {
    if (!(error instanceof Disconnected)) context.host.report(error, 'pop3: message', context.connection)
    context.transport.destroy()
    throw new Disconnected()
  }
  out.octets(stuffer.end())
  return undefined
}
