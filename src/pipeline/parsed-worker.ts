/** The thread that parses: hostile mail may keep it busy, never the one that serves. RFC 5322; RFC 2045. */

import { parentPort } from 'node:worker_threads'
import type { AddressObject, EmailAddress, ParsedMail } from 'mailparser'
import { simpleParser } from 'mailparser'
import type { ParsedMessage } from '../contracts/middleware.ts'

/** More of either are not told: a hook that looks at ten thousand recipients has seen enough, and handing them over takes time. */
const MOST_ADDRESSES = 10_000
const MOST_ATTACHMENTS = 1000

/** What the thread answers. */
export type ParserAnswer = { readonly ok: true; readonly message: ParsedMessage } | { readonly ok: false; readonly reason: string }

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
    // Octets of their own, so that they can be given away without a copy on the other side.
    attachments: mail.attachments
      .slice(0, MOST_ATTACHMENTS)
      .map(({ filename, contentType, size, content }) => ({ filename, contentType, size, content: new Uint8Array(content) })),
  }
}

function addresses(field: AddressObject | readonly AddressObject[] | undefined): { readonly name: string; readonly address: string }[] {
  if (field === undefined) return []
  const objects: readonly AddressObject[] = 'value' in field ? [field] : field
  const all: { readonly name: string; readonly address: string }[] = []
  for (const { value } of objects) for (const entry of value) collect(entry, all)
  return all
}

function collect(entry: EmailAddress, into: { readonly name: string; readonly address: string }[]): void {
  if (into.length >= MOST_ADDRESSES) return
  if (entry.group !== undefined) for (const member of entry.group) collect(member, into)
  else if (entry.address !== undefined) into.push({ name: entry.name, address: entry.address })
}

parentPort?.on('message', (octets: Uint8Array) => {
  const source = Buffer.from(octets.buffer, octets.byteOffset, octets.byteLength)
  simpleParser(source, { skipTextToHtml: true }).then(
    mail => {
      const message = reduced(mail)
      const answer: ParserAnswer = { ok: true, message }
      parentPort?.postMessage(
        answer,
        message.attachments.map(({ content }) => content.buffer as ArrayBuffer),
      )
    },
    (error: unknown) => {
      const answer: ParserAnswer = { ok: false, reason: error instanceof Error ? error.message : String(error) }
      parentPort?.postMessage(answer)
    },
  )
})
