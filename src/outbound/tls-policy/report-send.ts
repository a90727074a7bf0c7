/** A day's reports, each to where its domain wants it. RFC 8460 §5. */

import type { CallOptions, Resolver } from '../../contracts/index.ts'
import { MailError } from '../../contracts/index.ts'
import type { TlsReports } from './report-rows.ts'
import { reportTargetsOf, tlsReport, tlsReportMessage } from './report-write.ts'
import type { TlsReporter } from './report-write.ts'

/** Posts over https: `safeFetch` of `mailwright/net`. Throws `MailError`. */
export type ReportPost = (
  url: string,
  request: CallOptions & { readonly method: 'POST'; readonly headers: Readonly<Record<string, string>>; readonly body: Uint8Array },
) => Promise<{ readonly status: number }>

/** Options of {@link sendTlsReports}. */
export interface SendTlsReportsOptions extends CallOptions {
  readonly reports: TlsReports
  readonly resolver: Resolver
  readonly reporter: TlsReporter
  /** Sends a message, signed by DKIM; resolves when it is queued. */
  readonly mail: (to: string, message: Uint8Array) => Promise<void>
  /** Default: targets over https are passed over. */
  readonly post?: ReportPost
  /** A unique id for each report. */
  readonly id: () => string
  /** Milliseconds since the epoch. */
  readonly now: number
}

/** What became of one report. */
export interface TlsReportSent {
  readonly domain: string
  /** Where it went. */
  readonly sent: readonly string[]
  /** What went wrong on the way, one line each. */
  readonly problems: readonly string[]
}

/** Sends the reports of a day (days since 1970-01-01, UTC) to every domain that wants one. What fails is told, not thrown. */
export async function sendTlsReports(day: number, options: SendTlsReportsOptions): Promise<readonly TlsReportSent[]> {
  const domains = Map.groupBy(options.reports.rows(day), row => row.policy.domain)
  const told: TlsReportSent[] = []
  for (const [domain, rows] of domains) {
    options.signal?.throwIfAborted()
    const sent: string[] = []
    const problems: string[] = []
    const attempt = async (target: string, send: () => Promise<void>): Promise<void> => {
      try {
        await send()
        sent.push(target)
      } catch (error) {
        if (!(error instanceof MailError)) throw error
        problems.push(`${target}: ${error.message}`)
      }
    }
    await attempt('', async () => {
      const targets = await reportTargetsOf(domain, options.resolver, options)
      if (targets === undefined) return
      const report = await tlsReport(rows, options.reporter, options.id())
      for (const to of targets.mail)
        await attempt(`mailto:${to}`, () => options.mail(to, tlsReportMessage(report, options.reporter, to, options.now)))
      for (const url of options.post === undefined ? [] : targets.https)
        await attempt(url, async () => {
          const answer = await options.post?.(url, {
            method: 'POST',
            headers: { 'content-type': 'application/tlsrpt+gzip' },
            body: report.octets,
            ...(options.signal === undefined ? {} : { signal: options.signal }),
          })
          if (answer !== undefined && (answer.status < 200 || answer.status > 299))
            throw new MailError('unavailable', `answered ${answer.status}`)
        })
    })
    const arrived = sent.filter(target => target !== '')
    if (arrived.length + problems.length > 0) told.push({ domain, sent: arrived, problems })
  }
  return told
}
