/** Summaries as they were made when the message arrived, or made again where a store has none that can be read. RFC 9051 §2.3.5, §2.3.6. */

import { MailError } from '../../contracts/mail-error.ts'
import type { Mailbox } from '../../contracts/mail-store.ts'
import type { MessageRecord, MessageSource } from '../../contracts/message.ts'
import { readSummary, SummaryBuilder, type MessageSummary } from '../../mime/index.ts'
import { READ_PIECE } from '../limits.ts'

/** The summary of a record; a promise only when it has to be made again. */
export function summaryOf(mailbox: Mailbox, record: MessageRecord): MessageSummary | Promise<MessageSummary> {
  const { summary } = record
  if (summary !== undefined && summary.length > 0) {
    try {
      return readSummary(summary)
    } catch (error) {
      if (!(error instanceof MailError)) throw error
    }
  }
  return again(mailbox, record)
}

async function again(mailbox: Mailbox, record: MessageRecord): Promise<MessageSummary> {
  const source = record.source ?? (await sourceOf(mailbox, record))
  const builder = new SummaryBuilder()
  for (let at = 0; at < source.size; at += READ_PIECE) builder.push(await source.read(at, Math.min(source.size, at + READ_PIECE)))
  return readSummary(builder.finish())
}

/** The source of a record that was read without it. Throws `no-such-message` when it is gone. */
async function sourceOf(mailbox: Mailbox, { uid }: MessageRecord): Promise<MessageSource> {
  for await (const page of mailbox.records([{ first: uid, last: uid }], ['source'])) {
    const source = page[0]?.source
    if (source !== undefined) return source
  }
  throw new MailError('no-such-message', 'the message was expunged')
}
