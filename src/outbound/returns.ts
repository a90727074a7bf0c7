/**
 * What comes back: bounces and complaints about mail that we sent, proved by the address they came to, matched to the queue, and
 * heeded by the suppression list. RFC 3464; RFC 5965; RFC 5321 §4.5.5.
 */

import type { Clock } from '../contracts/clock.ts'
import type { MailAddress } from '../contracts/directory.ts'
import type { EventSink } from '../contracts/events.ts'
import type { Middleware } from '../contracts/middleware.ts'
import type { Queue, Suppression, SuppressionList } from '../contracts/queue.ts'
import { discard } from '../contracts/verdict.ts'
import { canonicalAddress, printAddress } from '../mime/index.ts'
import type { BounceClass } from './dsn/bounce-class.ts'
import { readReport } from './dsn/read-report.ts'
import type { MailReport } from './dsn/report.ts'
import type { BounceAddresses } from './verp.ts'

/** Options of {@link returnsReader}. */
export interface ReturnsReaderOptions {
  /** The addresses that mail was sent under: a report to another address, or with a forged one, changes nothing. */
  readonly bounces: BounceAddresses
  readonly queue: Queue
  /** Gets the addresses that will never take mail, and those who complained. Default: nobody is suppressed. */
  readonly suppressions?: SuppressionList
  readonly clock: Pick<Clock, 'now'>
  readonly events: EventSink
  /** Deliver the report too. Default `false`: once it is read it is thrown away. */
  readonly keep?: boolean
  /** Reasons for which an address gets no more mail. Default: it is not there, or its domain is not. */
  readonly suppressFor?: readonly BounceClass[]
}

const FOR_GOOD: readonly BounceClass[] = ['unknown-user', 'unknown-domain', 'mailbox-disabled']

/** Who a report is about, as far as it can be believed. */
interface Subject {
  readonly address: string
  readonly suppression: Pick<Suppression, 'reason' | 'text'> | undefined
  readonly reason: string
  readonly permanent: boolean
}

/**
 * Middleware that reads reports sent to our bounce addresses. Put it before filters that judge strangers' mail: it looks at
 * nothing else.
 */
export function returnsReader(options: ReturnsReaderOptions): Middleware {
  const { bounces, keep = false } = options
  return {
    name: 'returns',
    async message(context, next) {
      const proof = context.envelope === undefined ? undefined : proofOf(bounces, context.envelope)
      const report = proof === undefined && !mayComplain(context.header('content-type')) ? undefined : await readReport(context.source)
      const token = proof ?? (report?.kind === 'complaint' ? senderToken(bounces, report.originalSender) : undefined)
      if (report === undefined || token === undefined) return next()
      for (const subject of subjectsOf(report, options.suppressFor ?? FOR_GOOD)) {
        const id = await sentAs(options.queue, subject.address, token)
        // Only what we sent there can come back from there: a token alone, once seen, must not silence others.
        if (id === undefined) context.trace.note(`nothing was sent to ${subject.address} under this token`)
        else await heed(options, subject, id, report.kind)
      }
      // Others who are to have it get it.
      const isOursAlone = context.envelope?.recipients.every(recipient => typeof bounces.decode(recipient) === 'object') === true
      return keep || !isOursAlone ? next() : discard('a report that was read')
    },
  }
}

/** RFC 5321 §4.5.5: a notification has no sender. Some of old have one; those are read, and not believed. */
function proofOf(bounces: BounceAddresses, envelope: { readonly recipients: readonly MailAddress[] }): string | undefined {
  for (const recipient of envelope.recipients) {
    const token = bounces.decode(recipient)
    if (typeof token === 'object') return token.token
  }
  return undefined
}

/** RFC 5965 §2: complaints come to an address of their own. */
function mayComplain(contentType: string | undefined): boolean {
  return contentType !== undefined && /^\s*multipart\/report\b/i.test(contentType) && /feedback-report/i.test(contentType)
}

function senderToken(bounces: BounceAddresses, sender: string | undefined): string | undefined {
  const address = sender === undefined ? undefined : canonicalAddress(sender.replaceAll(/^<|>$/g, ''))
  const token = address === undefined ? 'not-ours' : bounces.decode(address)
  return typeof token === 'object' ? token.token : undefined
}

function subjectsOf(report: MailReport, suppressFor: readonly BounceClass[]): readonly Subject[] {
  if (report.kind === 'complaint') {
    const text = `complaint: ${report.type}`
    const wanted = report.type === 'not-spam' ? undefined : ({ reason: 'complaint', text } as const)
    return report.originalRecipients.flatMap(recipient => {
      const address = plainAddress(recipient)
      return address === undefined ? [] : [{ address, suppression: wanted, reason: report.type, permanent: true }]
    })
  }
  return report.recipients.flatMap(recipient => {
    const address = plainAddress(recipient.originalRecipient) ?? plainAddress(recipient.address)
    if (address === undefined || recipient.action !== 'failed') return []
    const { reason, permanent, text = recipient.status ?? '' } = recipient
    const lasting = permanent && reason !== undefined && suppressFor.includes(reason)
    return [
      { address, suppression: lasting ? ({ reason: 'hard-bounce', text } as const) : undefined, reason: reason ?? 'unknown', permanent },
    ]
  })
}

function plainAddress(text: string | undefined): string | undefined {
  const address = text === undefined ? undefined : canonicalAddress(text.replaceAll(/^<|>$/g, ''))
  return address === undefined ? undefined : printAddress(address)
}

/** The message in the queue's memory that went to this recipient under this token. */
async function sentAs(queue: Queue, recipient: string, token: string): Promise<string | undefined> {
  for await (const { id, envelopeId } of queue.list({ recipient, state: 'delivered' })) if (envelopeId === token) return id
  return undefined
}

async function heed(
  { suppressions, clock, events }: ReturnsReaderOptions,
  subject: Subject,
  id: string,
  kind: MailReport['kind'],
): Promise<void> {
  const { address, suppression, reason, permanent } = subject
  if (suppression !== undefined) await suppressions?.suppress({ address, since: clock.now(), ...suppression })
  events.emit('returned', {
    id,
    recipient: address,
    kind,
    reason,
    permanent,
    suppressed: suppression !== undefined && suppressions !== undefined,
  })
}
