/** Takes reports of DMARC and TLS out of the mail of those who asked for them. RFC 9990 §3.5.2; RFC 8460 §5.3. */

import type { Clock, DmarcReport, MailAddress, MessageContext, Middleware, Next, TlsReport, Verdict } from '../../../contracts/index.ts'
import { canonicalAddress } from '../../../mime/index.ts'
import { ConfigurationError } from '../../../contracts/index.ts'
import { machineClock } from '../../machine-clock.ts'
import { ReaderThread } from './reader-thread.ts'

/** Options of {@link dmarcReports}. */
export interface DmarcReportsOptions {
  /** The addresses in the `rua` of your records of DMARC and TLS. */
  readonly addresses: readonly string[]
  /** Told of each report once its message was decided on. What it throws or rejects with is noted in the trace; the mail is delivered all the same. */
  readonly onReport: (report: DmarcReport, from: { readonly sender: MailAddress | undefined }) => void | Promise<void>
  /** The same for reports on TLS. Default: nobody is told. */
  readonly onTlsReport?: (report: TlsReport, from: { readonly sender: MailAddress | undefined }) => void | Promise<void>
  /** Default: the machine's clock. */
  readonly clock?: Clock
}

/** Octets of an attachment that are opened. */
const MOST_PACKED = 5 * 1024 * 1024
const MOST_ATTACHMENTS = 5

/**
 * Reads reports that come for your addresses and tells them; the mail itself goes on as it would. Put it inside of `senderAuth`, so that
 * forged ones are refused before.
 *
 * @example
 * ```ts
 * import { dmarcReports } from 'mailwright/filters/sender-auth'
 *
 * const filter = dmarcReports({
 *   addresses: ['dmarc@example.org'],
 *   onReport: ({ organisation, records }) => console.log(organisation, records.length),
 * })
 * ```
 */
export function dmarcReports({ addresses, onReport, onTlsReport, clock = machineClock }: DmarcReportsOptions): Middleware {
  const reader = new ReaderThread(clock)
  const wanted = new Set(
    addresses.map(text => {
      const address = canonicalAddress(text)
      if (address === undefined) throw new ConfigurationError('MW_DMARC_REPORTS_ADDRESS', `${text} is no address`)
      return `${address.local}@${address.domain}`.toLowerCase()
    }),
  )
  return {
    name: 'dmarc-reports',
    async message(context: MessageContext, next: Next): Promise<Verdict> {
      const verdict = await next()
      const { envelope, trace } = context
      if (verdict.kind !== 'accept' || envelope === undefined) return verdict
      if (!envelope.recipients.some(({ local, domain }) => wanted.has(`${local}@${domain}`.toLowerCase()))) return verdict
      try {
        const { attachments } = await context.parsed()
        for (const { content } of attachments.slice(0, MOST_ATTACHMENTS)) {
          const found = content.length > MOST_PACKED ? undefined : await reader.read(content)
          if (found === undefined) continue
          const { kind, report } = found
          if (kind === 'dmarc') await onReport(report, { sender: envelope.sender })
          else await onTlsReport?.(report, { sender: envelope.sender })
          trace.note(`a report of ${report.organisation} on ${kind === 'dmarc' ? report.policy.domain : 'TLS'}`)
        }
      } catch (error) {
        trace.note(`no report could be read: ${error instanceof Error ? error.message : String(error)}`)
      }
      return verdict
    },
  }
}
