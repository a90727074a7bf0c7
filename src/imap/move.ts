/** Moves messages, with the store's own power or without it. RFC 6851 §3.3; RFC 9051 §6.4.8. */

import { rangesOf } from '../bytes/uid-ranges.ts'
import type { CopyResult, Mailbox } from '../contracts/mail-store.ts'
import type { MailboxId } from '../contracts/mailbox-info.ts'
import type { UidRange } from '../contracts/numbers.ts'

/**
 * Moves the messages in the ranges. Without `move` of the store: copies all, then removes exactly what was copied, so that
 * a failure in between leaves messages twice and never loses one (RFC 6851 §3.3 asks for this order).
 */
export async function moveMessages(source: Mailbox, uids: readonly UidRange[], target: MailboxId): Promise<CopyResult> {
  if (source.move !== undefined) return source.move(uids, target)
  const copied = await source.copy(uids, target)
  if (copied.from.length > 0) await source.expunge(rangesOf(copied.from))
  return copied
}
