/** What COPY and MOVE have in common. RFC 9051 §6.4.7, §6.4.8; RFC 4315 §3. */

import { rangesOf } from '../bytes/uid-ranges.ts'
import type { CopyResult } from '../contracts/mail-store.ts'
import type { MailboxInfo } from '../contracts/mailbox-info.ts'
import { codes, type Completion } from './codes.ts'
import type { Context } from './context.ts'
import type { Parser } from './wire/parser.ts'
import { printSet, sequenceSet, type SequenceSet } from './wire/sequence-set.ts'

/** Which messages, and into which mailbox. */
export interface TransferArguments {
  readonly set: SequenceSet
  readonly name: string
}

/** `sequence-set SP mailbox`. */
export function parseTransfer(p: Parser): TransferArguments {
  p.sp()
  const set = sequenceSet(p)
  p.sp()
  return { set, name: p.mailbox() }
}

/** The target, or why there is none. RFC 9051 §6.4.7: TRYCREATE where it could be made. */
export async function destination(context: Context, name: string): Promise<MailboxInfo | Completion> {
  if (name === '') return codes.badName
  return (await context.find(name)) ?? codes.tryCreate
}

/** `COPYUID`, both sets in the same order. RFC 4315 §3. */
export function copyUid({ uidValidity, from, to }: CopyResult): string {
  return `COPYUID ${uidValidity} ${printSet(rangesOf(from))} ${printSet(rangesOf(to))}`
}
