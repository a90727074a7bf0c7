/** The parsed view of a message that middleware may ask for: made by `mailparser`, loaded only when somebody asks. RFC 5322; RFC 2045. */

import type { AddressObject, EmailAddress, ParsedMail } from 'mailparser'
import { MailError } from '../contracts/mail-error.ts'
import type { MessageSource } from '../contracts/message.ts'
import type { ParsedMessage } from '../contracts/middleware.ts'

/** Octets of a message that are parsed at most, unless the host says otherwise. */
export const MAX_PARSED_OCTETS: number = 25 * 1024 * 1024

/** Parses a message whole. Throws `MailError('too-big')` beyond `limit` octets. */
export async function parsedMessage(source: MessageSource, limit: number): Promise<ParsedMessage> {
  if (source.size > limit) throw new MailError('too-big', `${source.size} octets are more than the ${limit} that are parsed`)
  const octets = await source.read(0, source.size)
  const { simpleParser } = await import('mailparser')
  const mail = await simpleParser(Buffer.from(octets.buffer, octets.byteOffset, octets.byteLength), { skipTextToHtml: true })
  return reduced(mail)
}

function reduced(mail: ParsedMail): ParsedMessage {
  return {
    subject: mail.subject,
    from: addresses(mail.from),
    to: addresses(mail.to),
    cc: addresses(mail.cc),
    date: mail.date,
    messageId: mail.messageId,
    text: mail.text,
    html: typeof mail.html === 'string' ? mail.html : undefined,
    attachments: mail.attachments.map(({ filename, contentType, size, content }) => ({ filename, contentType, size, content })),
  }
}

function addresses(field: AddressObject | readonly AddressObject[] | undefined): { readonly name: string; readonly address: string }[] {
  if (field === undefined) return []
  const objects: readonly AddressObject[] = 'value' in field ? [field] : field
  return objects.flatMap(object => object.value.flatMap(entry => members(entry)))
}

function members(entry: EmailAddress): { readonly name: string; readonly address: string }[] {
  if (entry.group !== undefined) return entry.group.flatMap(member => members(member))
  return entry.address === undefined ? [] : [{ name: entry.name, address: entry.address }]
}
