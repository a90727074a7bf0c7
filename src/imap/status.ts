/** The items of STATUS, also as LIST returns them. RFC 9051 §6.3.11; RFC 5819; RFC 7162 §3.1.7; RFC 7889 §3. */

import type { MailboxInfo, MailboxStatus } from '../contracts/mailbox-info.ts'
import type { Context } from './context.ts'
import type { Parser } from './wire/parser.ts'

/** `status-att`. RFC 9051 §9. */
export type StatusItem = 'MESSAGES' | 'UIDNEXT' | 'UIDVALIDITY' | 'UNSEEN' | 'DELETED' | 'SIZE' | 'RECENT' | 'HIGHESTMODSEQ' | 'APPENDLIMIT'

const ITEMS: Readonly<Record<StatusItem, (status: MailboxStatus, context: Context) => number>> = {
  MESSAGES: status => status.messages,
  UIDNEXT: status => status.uidNext,
  UIDVALIDITY: status => status.uidValidity,
  UNSEEN: status => status.unseen,
  DELETED: status => status.deleted,
  SIZE: status => status.size,
  RECENT: () => 0,
  HIGHESTMODSEQ: status => Math.max(1, status.highestModSeq),
  APPENDLIMIT: (_status, context) => context.house.settings.appendLimit,
}

/** `"(" status-att *(SP status-att) ")"`. */
export function statusItems(p: Parser): readonly StatusItem[] {
  return p.list(() => {
    const name = p.keyword()
    return isItem(name) ? name : p.fail('a status item')
  })
}

function isItem(name: string): name is StatusItem {
  return Object.hasOwn(ITEMS, name)
}

/** Prints `* STATUS mailbox (...)`. */
export async function tellStatus(context: Context, info: MailboxInfo, items: readonly StatusItem[]): Promise<void> {
  // RFC 7162 §3.1.2.2: asking for HIGHESTMODSEQ turns CONDSTORE on.
  if (items.includes('HIGHESTMODSEQ')) context.enableCondstore()
  const status = await context.mail.account.mailbox(info.id).status()
  const { out } = context
  out.text('* STATUS ').mailbox(info.name, context.nameForm).text(' (')
  out.text([...new Set(items)].map(item => `${item} ${ITEMS[item](status, context)}`).join(' ')).text(')\r\n')
}
