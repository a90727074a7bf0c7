/** From a message as a host writes it down to octets: `nodemailer`'s composer behind one function. RFC 5322; RFC 2045. */

import { randomUUID } from 'node:crypto'
import { Readable } from 'node:stream'
import { MailError } from '../../contracts/mail-error.ts'
import type { MessageSource } from '../../contracts/message.ts'
import type { Spool, SpooledMessage } from '../../contracts/spool.ts'
import type { ComposedMail, Octets, OutgoingMail } from './outgoing-mail.ts'
import { CrlfLines } from './crlf-lines.ts'

/** A message ready to be queued, and the envelope that its own fields suggest. */
export interface Composed {
  readonly content: SpooledMessage
  readonly envelope: { readonly from: string; readonly to: readonly string[] } | undefined
}

const SLICE = 65_536
const encoder = new TextEncoder()

/**
 * Composes into the spool. Neither files nor URLs are read for attachments: what a host hands in may come from strangers.
 * Throws `invalid` for what cannot be composed, `no-space` from the spool.
 */
export async function compose(mail: OutgoingMail, spool: Spool, hostname: string): Promise<Composed> {
  if ('raw' in mail) return { content: await spooled(spool, piecesOf(mail.raw)), envelope: undefined }
  const { default: MailComposer } = await import('nodemailer/lib/mail-composer')
  refuseLineEnds(mail)
  try {
    const { from, sender, to, cc, bcc, replyTo, inReplyTo, references, subject, text, html, attachments, headers, date, messageId } = mail
    const fields = {
      from,
      sender,
      to,
      cc,
      bcc,
      replyTo,
      inReplyTo,
      references,
      subject,
      text,
      html,
      headers,
      date,
      messageId: messageId ?? `<${randomUUID()}@${hostname}>`,
    }
    const node = new MailComposer({
      ...(fields as object),
      attachments: (attachments ?? []).map(({ content, ...more }) => ({ ...more, content: composerContent(content) })),
      disableFileAccess: true,
      disableUrlAccess: true,
    } as ConstructorParameters<typeof MailComposer>[0]).compile()
    const { from: reverse, to: forward } = node.getEnvelope()
    const content = await spooled(spool, node.createReadStream() as AsyncIterable<Uint8Array>)
    return { content, envelope: { from: reverse === false ? '' : reverse, to: forward } }
  } catch (error) {
    if (error instanceof MailError) throw error
    throw new MailError('invalid', `the message cannot be composed: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    })
  }
}

/** No line end may stand where one would begin a field of its own (S13). */
function refuseLineEnds(mail: ComposedMail): void {
  const check = (what: string, value: unknown): void => {
    if (typeof value === 'string' && /[\r\n\0\u2028\u2029]/.test(value)) throw new MailError('invalid', `${what} holds a line end or NUL`)
    if (Array.isArray(value)) for (const one of value) check(what, one)
    else if (typeof value === 'object' && value !== null && !(value instanceof Date))
      for (const one of Object.values(value)) check(what, one)
  }
  for (const name of ['from', 'sender', 'to', 'cc', 'bcc', 'replyTo', 'inReplyTo', 'references', 'subject', 'messageId'] as const)
    check(name, mail[name])
  for (const [name, value] of Object.entries(mail.headers ?? {})) {
    if (!/^[!-9;-~]{1,76}$/.test(name)) throw new MailError('invalid', `${JSON.stringify(name)} is no name of a header field`)
    check(`the field ${name}`, value)
  }
  for (const { filename, contentType, cid } of mail.attachments ?? []) check('an attachment', [filename, contentType, cid])
}

function composerContent(content: Octets): string | Buffer | NodeJS.ReadableStream {
  if (typeof content === 'string') return content
  if (content instanceof Uint8Array) return Buffer.from(content.buffer, content.byteOffset, content.byteLength)
  return Readable.from(content)
}

async function* piecesOf(raw: Octets | MessageSource): AsyncIterable<Uint8Array> {
  if (typeof raw === 'string') yield encoder.encode(raw)
  else if (raw instanceof Uint8Array) yield raw
  else if (Symbol.asyncIterator in raw) for await (const piece of raw) yield typeof piece === 'string' ? encoder.encode(piece) : piece
  else for (let at = 0; at < raw.size; at += SLICE) yield await raw.read(at, Math.min(raw.size, at + SLICE))
}

async function spooled(spool: Spool, pieces: AsyncIterable<Uint8Array>): Promise<SpooledMessage> {
  const writer = spool.begin()
  const lines = new CrlfLines()
  try {
    for await (const piece of pieces) {
      const octets = lines.push(piece)
      if (octets.length > 0) await writer.write(octets)
    }
    const rest = lines.end()
    if (rest.length > 0) await writer.write(rest)
    return await writer.finish()
  } catch (error) {
    writer.discard()
    throw error
  }
}
