/** Reports about TLS as they are sent: JSON, compressed, by mail or by https. RFC 8460 §3, §4.4, §5. */

import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import { encodeBase64, latin1Bytes, utf8Bytes } from '../../bytes/ascii.ts'
import type { CallOptions, Resolver } from '../../contracts/index.ts'
import { MailError } from '../../contracts/index.ts'
import type { TlsReportRow } from './report-rows.ts'

/** Who reports. */
export interface TlsReporter {
  /** `organization-name`. */
  readonly organisation: string
  /** `contact-info`: an address. */
  readonly contact: string
  /** Address that reports are sent from. Default: `contact`. */
  readonly from?: string
  /** The domain that sends the reports, signed by DKIM as RFC 8460 §5.3 wants it. */
  readonly domain: string
}

/** Where a domain wants reports: addresses for mail and https. RFC 8460 §3. */
export interface TlsReportTargets {
  readonly mail: readonly string[]
  readonly https: readonly string[]
}

/** A report, ready to be sent. */
export interface TlsReport {
  readonly domain: string
  readonly id: string
  /** `application/tlsrpt+gzip`. */
  readonly octets: Uint8Array
  /** RFC 8460 §5.1. */
  readonly filename: string
}

const DAY = 86_400_000
const compressed = promisify(gzip)

/** Targets in the TXT records of `_smtp._tls`; `undefined` when the domain wants none. */
export function reportTargets(records: readonly string[]): TlsReportTargets | undefined {
  const ours = records.filter(record => /^v=TLSRPTv1[ \t]*;/.test(record))
  const rua = /;[ \t]*rua[ \t]*=[ \t]*([^;]+)/i.exec(ours[0] ?? '')?.[1]
  // RFC 8460 §3: "If the number of resulting records is not one ... senders MUST assume the recipient domain does not implement TLSRPT."
  if (ours.length !== 1 || rua === undefined) return undefined
  const uris = rua.split(',').map(uri => uri.trim())
  const mail = uris.flatMap(uri => /^mailto:([^?\s]{3,320})$/i.exec(uri)?.[1] ?? []).map(address => decoded(address))
  const https = uris.filter(uri => /^https:\/\/\S{1,1000}$/i.test(uri))
  const valid = mail.filter(address => /^[^\s@<>]+@[^\s@<>]+$/.test(address)).slice(0, 10)
  return valid.length + https.length === 0 ? undefined : { mail: valid, https: https.slice(0, 10) }
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

/** Asks a domain where it wants reports. Throws what the resolver throws. */
export async function reportTargetsOf(domain: string, resolver: Resolver, call: CallOptions = {}): Promise<TlsReportTargets | undefined> {
  return reportTargets((await resolver.txt(`_smtp._tls.${domain}`, call)).records)
}

/** The report about one domain's day. `rows` are of that domain and day; `id` is unique. */
export async function tlsReport(rows: readonly TlsReportRow[], reporter: TlsReporter, id: string): Promise<TlsReport> {
  const [first] = rows
  if (first === undefined) throw new MailError('invalid', 'a report of nothing')
  const { day } = first
  const { domain } = first.policy
  const begin = day * DAY
  const report = {
    'organization-name': reporter.organisation,
    'date-range': { 'start-datetime': dateTime(begin), 'end-datetime': dateTime(begin + DAY - 1000) },
    'contact-info': reporter.contact,
    'report-id': id,
    policies: rows.map(row => ({
      policy: {
        'policy-type': row.policy.type,
        'policy-string': row.policy.strings,
        'policy-domain': domain,
        'mx-host': row.policy.mxHosts,
      },
      summary: { 'total-successful-session-count': row.succeeded, 'total-failure-session-count': row.failed },
      'failure-details': row.failures.map(({ type, sendingIp, receivingMx, receivingIp, reason, sessions }) => ({
        'result-type': type,
        ...(sendingIp === '' ? {} : { 'sending-mta-ip': sendingIp }),
        ...(receivingMx === '' ? {} : { 'receiving-mx-hostname': receivingMx }),
        ...(receivingIp === '' ? {} : { 'receiving-ip': receivingIp }),
        'failed-session-count': sessions,
        ...(reason === '' ? {} : { 'failure-reason-code': reason }),
      })),
    })),
  }
  const octets = new Uint8Array(await compressed(utf8Bytes(JSON.stringify(report))))
  // RFC 8460 §5.1: sender, domain, begin, end, and what makes it unique.
  const filename = `${reporter.domain}!${domain}!${begin / 1000}!${(begin + DAY) / 1000 - 1}!${id.replace(/[^A-Za-z0-9]/g, '').slice(0, 30)}.json.gz`
  return { domain, id, octets, filename }
}

function dateTime(at: number): string {
  return new Date(at).toISOString().replace('.000Z', 'Z')
}

/** The report as a message. `date`: milliseconds since the epoch. RFC 8460 §5.3; RFC 6522 §3. */
export function tlsReportMessage(report: TlsReport, reporter: TlsReporter, to: string, date: number): Uint8Array {
  const boundary = `tlsrpt-${report.id.replace(/[^A-Za-z0-9]/g, '').slice(0, 40)}`
  const base64 = encodeBase64(report.octets).match(/.{1,76}/g) ?? []
  const lines = [
    `From: <${reporter.from ?? reporter.contact}>`,
    `To: <${to}>`,
    `Date: ${new Date(date).toUTCString().replace('GMT', '+0000')}`,
    `Message-ID: <${report.id}@${reporter.domain}>`,
    `Subject: Report Domain: ${report.domain} Submitter: ${reporter.domain}`,
    ` Report-ID: <${report.id}@${reporter.domain}>`,
    `TLS-Report-Domain: ${report.domain}`,
    `TLS-Report-Submitter: ${reporter.domain}`,
    'Auto-Submitted: auto-generated',
    // RFC 8460 §5.3: a report about broken TLS must not be lost to broken TLS. RFC 8689 §3.
    'TLS-Required: No',
    'MIME-Version: 1.0',
    `Content-Type: multipart/report; report-type="tlsrpt"; boundary="${boundary}"`,
    '',
    `--${boundary}`,
    'Content-Type: text/plain; charset=us-ascii',
    '',
    `This is an aggregate report about TLS between ${reporter.domain} and the mail`,
    `servers of ${report.domain}. RFC 8460 says what it means.`,
    '',
    `--${boundary}`,
    'Content-Type: application/tlsrpt+gzip',
    'Content-Transfer-Encoding: base64',
    `Content-Disposition: attachment; filename="${report.filename}"`,
    '',
    ...base64,
    `--${boundary}--`,
    '',
  ]
  return latin1Bytes(lines.join('\r\n'))
}
