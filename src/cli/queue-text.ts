/** How the queue is shown to people. */

import type { QueueEntry, RecipientEntry } from '../contracts/index.ts'
import { printable } from '../pipeline/index.ts'

/** How long ago, or how long until, in a few characters. */
export function since(from: number, to: number): string {
  const seconds = Math.max(0, Math.round(Math.abs(to - from) / 1000))
  if (seconds < 120) return `${seconds} s`
  const minutes = Math.round(seconds / 60)
  if (minutes < 120) return `${minutes} min`
  const hours = Math.round(minutes / 60)
  return hours < 48 ? `${hours} h` : `${Math.round(hours / 24)} days`
}

/** Messages, each with a line for every recipient. */
export function queueTable(entries: readonly QueueEntry[], now: number): string {
  return entries
    .map(entry => {
      const from = entry.from === '' ? '<>' : printable(entry.from)
      const head = `${entry.id}  ${since(entry.queuedAt, now)}  ${entry.size} octets  from ${from}  (${entry.origin})`
      return [head, ...entry.recipients.map(recipient => `    ${recipientLine(recipient, now)}`)].join('\n')
    })
    .join('\n')
}

function recipientLine(recipient: RecipientEntry, now: number): string {
  const { address, state, attempts, dueAt, last } = recipient
  const when = state === 'waiting' ? (dueAt <= now ? ', due now' : `, next try in ${since(now, dueAt)}`) : ''
  const tries = attempts === 0 ? '' : `, ${attempts} ${attempts === 1 ? 'try' : 'tries'}`
  const said =
    last === undefined
      ? ''
      : `\n        ${last.code} ${printable(last.text)}${last.remote === undefined ? '' : ` (${printable(last.remote)})`}`
  return `${printable(address)}  ${state}${when}${tries}${said}`
}
