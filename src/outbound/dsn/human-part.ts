/** The part of a notification that people read. RFC 3464 §2; RFC 6522 §3. */

import { adviceFor } from './advice.ts'
import { lineOf, mailDate, wrapped } from '../../mime/field-text.ts'
import type { ReportedRecipient } from './status-part.ts'
import type { DeliveryAction } from './wishes.ts'

/** What is told of the message itself. */
export interface MessageFacts {
  readonly subject: string | undefined
  readonly date: string | undefined
  /** Octets. */
  readonly size: number
  readonly returned: 'message' | 'header'
}

const INTRODUCTIONS: Readonly<Record<DeliveryAction, readonly [string, string]>> = {
  failed: ['Your message could not be delivered to this recipient:', 'Your message could not be delivered to these recipients:'],
  delayed: ['Your message has not reached this recipient yet:', 'Your message has not reached these recipients yet:'],
  delivered: ['Your message was delivered to this recipient:', 'Your message was delivered to these recipients:'],
  relayed: ['Your message was handed on for this recipient:', 'Your message was handed on for these recipients:'],
  expanded: [
    'Your message was sent on to the group behind this address:',
    'Your message was sent on to the groups behind these addresses:',
  ],
}

/** Recipients that are told of one by one; of more, only how many there are. The other part has them all. */
const MOST_TOLD = 50

/** The text, lines ended by `\n`. What the remote server said is marked as its words. */
export function humanText(hostname: string, postmaster: string, recipients: readonly ReportedRecipient[], message: MessageFacts): string {
  const parts = [`This is the mail server ${hostname}.`]
  for (const [action, group] of Map.groupBy(recipients, entry => entry.action)) {
    parts.push(INTRODUCTIONS[action][group.length === 1 ? 0 : 1])
    for (const entry of group.slice(0, MOST_TOLD)) parts.push(recipientText(entry))
    if (group.length > MOST_TOLD) parts.push(`... and ${group.length - MOST_TOLD} more.`)
    if (action === 'delayed') parts.push(wrapped(delayText(group)))
  }
  parts.push(messageText(message))
  parts.push(
    wrapped(
      `This notification was written by a program. If you need help, forward it to ${postmaster}.${message.returned === 'message' ? ' Your message is attached.' : ' The header of your message is attached.'}`,
    ),
  )
  return `${parts.join('\n\n')}\n`
}

function recipientText({ recipient, action, status }: ReportedRecipient): string {
  const lines = [`  ${lineOf(recipient.address, 300)}`, wrapped(adviceFor(status.code, action), '    ')]
  if (action !== 'failed' && action !== 'delayed') return lines.join('\n')
  const said = lineOf(`${status.reply === undefined ? '' : `${status.reply} `}${status.text}`, 500)
  const who = status.remote === undefined ? 'What we know' : `What ${lineOf(status.remote, 255)} said`
  if (said !== '') lines.push(wrapped(`${who}: ${said}`, '    '))
  return lines.join('\n')
}

function delayText(group: readonly ReportedRecipient[]): string {
  const until = Math.max(...group.map(({ retriedUntil }) => retriedUntil ?? 0))
  const end = until > 0 ? ` until ${mailDate(until)}` : ''
  return `You need do nothing, and need not send it again: we go on trying${end}, and tell you if it cannot be delivered.`
}

function messageText({ subject, date, size }: MessageFacts): string {
  const lines = ['Your message:']
  lines.push(`  Subject: ${subject === undefined || subject === '' ? '(none)' : lineOf(subject, 200)}`)
  if (date !== undefined) lines.push(`  Date:    ${lineOf(date, 80)}`)
  lines.push(
    `  Size:    ${size < 10_000 ? `${size} bytes` : size < 10_000_000 ? `${Math.round(size / 1000)} kB` : `${Math.round(size / 1_000_000)} MB`}`,
  )
  return lines.join('\n')
}
