/** Collects what was found about domains that ask for reports, and writes a report for each of them. RFC 9990 §3, §4. */

import { gzipSync } from 'node:zlib'
import type { DmarcReport, ReportedRow, Resolver } from '../../../contracts/index.ts'
import { encodeBase64 } from '../../../bytes/ascii.ts'
import { canonicalAddress } from '../../../mime/index.ts'
import { organisationOf } from '../../organisation.ts'
import { isDmarcRecord, parseDmarcRecord, type DmarcRecord } from '../dmarc-record.ts'
import type { ExaminedMessage } from '../sender-auth.ts'
import { writeDmarcReport } from './write-report.ts'

/** A report's message on its way out. */
export interface OutgoingReport {
  readonly to: string
  /** The same for the same report to the same address, also after a restart: what is queued twice under it is sent once. */
  readonly key: string
  /** RFC 5322, with CRLF. */
  readonly message: Uint8Array
  readonly report: DmarcReport
}

/** Options of {@link DmarcReportCollector}. */
export interface DmarcReportCollectorOptions {
  /** Who reports: a name, and the address that reports come from, whose domain must authenticate them. */
  readonly organisation: string
  readonly email: string
  readonly resolver: Resolver
  /** Sends one message. What it throws is thrown by {@link DmarcReportCollector.send}, when all others are sent. */
  readonly send: (report: OutgoingReport) => Promise<void>
  /** Domains that are reported to at a time; of more, the oldest are let go. Default 10,000. */
  readonly domains?: number
  /** Rows of one domain; more are counted in none. Default 1,000. */
  readonly rows?: number
}

/** What was counted and is not reported yet, one entry for a domain; JSON can write it. */
export type CollectedReports = readonly {
  readonly record: DmarcRecord
  readonly policyDomain: string
  /** Seconds since the epoch. */
  readonly begin: number
  readonly rows: readonly ReportedRow[]
}[]

interface Collected {
  readonly record: DmarcRecord
  readonly policyDomain: string
  readonly begin: number
  readonly rows: Map<string, ReportedRow>
}

/** Addresses of one record that are reported to. RFC 9990 §3.5 leaves the limit to whoever reports. */
const MOST_ADDRESSES = 3
/** A report that could not be handed over is tried again for so many seconds; after that it is old news. */
const STALE = 2 * 86_400

/**
 * Give its `add` to `senderAuth` as `onExamined`, and call `send` once a day; {@link DailyDmarcReports} does that, and keeps what is
 * collected over a restart.
 *
 * @example
 * ```ts
 * import { systemResolver } from 'mailwright/dns'
 * import { DmarcReportCollector, senderAuth } from 'mailwright/filters/sender-auth'
 *
 * const resolver = systemResolver()
 * const reports = new DmarcReportCollector({
 *   organisation: 'Example',
 *   email: 'dmarc@example.org',
 *   resolver,
 *   send: async ({ to, message }) => console.log(to, message.length),
 * })
 * const filter = senderAuth({ resolver, hostname: 'mx.example.org', onExamined: reports.add })
 * await reports.send(Date.now())
 * ```
 */
export class DmarcReportCollector {
  readonly #options: DmarcReportCollectorOptions
  readonly #domains = new Map<string, Collected>()
  #count = 0
  #revision = 0

  constructor(options: DmarcReportCollectorOptions) {
    this.#options = options
  }

  /** Counts one message. */
  readonly add = ({ findings, client, envelopeFrom, decision, at }: ExaminedMessage): void => {
    const { dmarc, signatures, spf } = findings
    const { record, policyDomain, domain } = dmarc
    if (record === undefined || policyDomain === undefined || domain === undefined || record.rua.length === 0) return
    if (dmarc.result !== 'pass' && dmarc.result !== 'fail') return
    const collected = this.#collected(policyDomain, record, Math.floor(at / 1000))
    const done = decision.action === 'quarantine' || decision.action === 'reject' ? decision.action : 'none'
    const row: ReportedRow = {
      ip: client,
      count: 1,
      disposition: dmarc.result === 'pass' ? 'pass' : done,
      dkim: dmarc.isDkimAligned ? 'pass' : 'fail',
      spf: dmarc.isSpfAligned ? 'pass' : 'fail',
      reasons: decision.override === undefined ? [] : [decision.override],
      headerFrom: domain,
      envelopeFrom: envelopeFrom === '' ? undefined : envelopeFrom.slice(envelopeFrom.lastIndexOf('@') + 1).toLowerCase(),
      dkimResults: signatures.flatMap(one =>
        one.domain === undefined ? [] : [{ domain: one.domain, selector: one.selector ?? '', result: one.result }],
      ),
      spfResults: [{ domain: spf.domain, result: spf.result }],
    }
    this.#counted(collected, row)
  }

  /** Changes whenever something was counted or let go. */
  get revision(): number {
    return this.#revision
  }

  /** What is not reported yet. */
  collected(): CollectedReports {
    return Array.from(this.#domains.values(), ({ rows, ...rest }) => ({ ...rest, rows: [...rows.values()] }))
  }

  /** Adds what was {@link DmarcReportCollector.collected} before, such as by an earlier process. */
  restore(collected: CollectedReports): void {
    for (const { record, policyDomain, begin, rows } of collected) {
      const known = this.#collected(policyDomain, record, begin)
      if (begin < known.begin) this.#domains.set(policyDomain, { ...known, begin })
      for (const row of rows) this.#counted(known, row)
    }
  }

  #counted(collected: Collected, row: ReportedRow): void {
    this.#revision++
    const key = JSON.stringify({ ...row, count: 0 })
    const known = collected.rows.get(key)
    if (known !== undefined) collected.rows.set(key, { ...known, count: known.count + row.count })
    else if (collected.rows.size < (this.#options.rows ?? 1000)) collected.rows.set(key, row)
  }

  #collected(policyDomain: string, record: DmarcRecord, begin: number): Collected {
    const known = this.#domains.get(policyDomain)
    if (known !== undefined) return known
    const collected: Collected = { record, policyDomain, begin, rows: new Map() }
    this.#domains.set(policyDomain, collected)
    const oldest = this.#domains.keys().next()
    if (this.#domains.size > (this.#options.domains ?? 10_000) && oldest.done !== true) this.#domains.delete(oldest.value)
    return collected
  }

  /**
   * Writes and sends the reports on what was collected, and begins anew; what nobody could be sent goes into the next one. Answers how
   * many were sent. Throws an `AggregateError` when some were not. `now`: milliseconds since the epoch; `before`: only domains whose
   * count began before that moment. Default: all.
   */
  async send(now: number, before: number = Number.POSITIVE_INFINITY): Promise<number> {
    const waiting = this.collected().filter(({ begin }) => begin * 1000 < before)
    for (const { policyDomain } of waiting) this.#domains.delete(policyDomain)
    this.#revision++
    const failures: unknown[] = []
    let sent = 0
    for (const collected of waiting) {
      const report = this.#report(collected, Math.floor(now / 1000))
      const earlier = { sent, failed: failures.length }
      for (const to of await this.#addresses(collected)) {
        try {
          const key = `dmarc ${collected.policyDomain} ${collected.begin} ${to}`
          await this.#options.send({ to, key, message: this.#message(report, to, now), report })
          sent++
        } catch (error) {
          failures.push(error)
        }
      }
      // Nobody got it, and somebody should have: it goes into the next one.
      if (sent === earlier.sent && failures.length > earlier.failed && report.end - report.begin < STALE) this.restore([collected])
    }
    if (failures.length > 0) throw new AggregateError(failures, `${failures.length} reports were not sent`)
    return sent
  }

  #report({ record, policyDomain, begin, rows }: CollectedReports[number], end: number): DmarcReport {
    const { organisation, email } = this.#options
    return {
      organisation,
      email,
      id: `${begin}.${++this.#count}.${policyDomain}`,
      begin,
      end,
      policy: {
        domain: policyDomain,
        p: record.p,
        ...(record.sp === undefined ? {} : { sp: record.sp }),
        ...(record.np === undefined ? {} : { np: record.np }),
        adkim: record.isStrictDkim ? 's' : 'r',
        aspf: record.isStrictSpf ? 's' : 'r',
        testing: record.isTesting,
      },
      records: rows,
    }
  }

  /** Addresses that may be sent to: of the organisation's own domain, or of one that has agreed. RFC 9990 §4. */
  async #addresses({ record, policyDomain }: CollectedReports[number]): Promise<readonly string[]> {
    const addresses: string[] = []
    for (const uri of record.rua) {
      const address = addressOf(uri)
      if (address === undefined || addresses.length >= MOST_ADDRESSES) continue
      const given = `${address.local}@${address.domain}`
      const isOwn = organisationOf(address.domain) === organisationOf(policyDomain)
      const taken = isOwn ? given : await this.#agreed(policyDomain, address.domain, given)
      if (taken !== undefined && !addresses.includes(taken)) addresses.push(taken)
    }
    return addresses
  }

  /** The address at the other domain that it wants them at: the one that was given, or another of its own. RFC 9990 §4 steps 5 to 9. */
  async #agreed(policyDomain: string, domain: string, given: string): Promise<string | undefined> {
    try {
      const { records } = await this.#options.resolver.txt(`${policyDomain}._report._dmarc.${domain}`)
      const agreed = records.filter(isDmarcRecord)
      const others = agreed.flatMap(text => parseDmarcRecord(text)?.rua ?? []).map(addressOf)
      // An address elsewhere would make this an open relay of reports.
      const other = others.find(address => address?.domain === domain)
      return agreed.length === 0 ? undefined : other === undefined ? given : `${other.local}@${other.domain}`
    } catch {
      return undefined
    }
  }

  /** RFC 9990 §3.5.2; the id is the same in the field and in the report (§3.1.4). */
  #message(report: DmarcReport, to: string, now: number): Uint8Array {
    const { email } = this.#options
    const submitter = email.slice(email.lastIndexOf('@') + 1)
    const name = `${submitter}!${report.policy.domain}!${report.begin}!${report.end}.xml.gz`
    const lines = encodeBase64(gzipSync(writeDmarcReport(report))).match(/.{1,76}/g) ?? []
    const text = [
      `From: <${email}>`,
      `To: <${to}>`,
      `Subject: Report Domain: ${report.policy.domain}`,
      ` Submitter: ${submitter}`,
      ` Report-ID: <${report.id}>`,
      `Date: ${new Date(now).toUTCString().replace('GMT', '+0000')}`,
      `Message-ID: <${report.id}.dmarc@${submitter}>`,
      'Auto-Submitted: auto-generated',
      'MIME-Version: 1.0',
      'Content-Type: application/gzip',
      `Content-Disposition: attachment; filename="${name}"`,
      'Content-Transfer-Encoding: base64',
      '',
      ...lines,
      '',
    ]
    return new TextEncoder().encode(text.join('\r\n'))
  }
}

function addressOf(uri: string): ReturnType<typeof canonicalAddress> {
  return canonicalAddress(decoded(/^mailto:([^?!]+)/i.exec(uri)?.[1] ?? ''))
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return ''
  }
}
