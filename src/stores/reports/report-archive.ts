/** Reports that others sent, as lines of JSON, a file for each day. RFC 9990 §3; RFC 8460 §4. */

import type { CallOptions, ReceivedReport, ReportArchive, ReportFilter } from '../../contracts/index.ts'
import { DayJournal, recordOfLine } from '../day-journal.ts'

/** Options of {@link reportArchive}. */
export interface ReportArchiveOptions {
  /** Made when it is not there; readable by its owner only. */
  readonly folder: string
  /** Days that reports are kept, today among them. Default 400, so that a year can be looked over. */
  readonly keepDays?: number
  /** Octets of one day; beyond it the rest of the day is not kept, since anybody may send reports. Default 16,777,216. */
  readonly dayLimit?: number
  /** Milliseconds since the epoch. Default: the machine's clock. */
  readonly now?: () => number
  /** Told when reports could not be written; they are lost then. Default: nobody is. */
  readonly onError?: (error: unknown) => void
}

/**
 * Opens the archive in a folder. Several processes may write to one. Throws what the file system throws when the folder cannot be made.
 *
 * @example
 * ```ts
 * import { reportArchive } from 'mailwright/stores/reports'
 *
 * const archive = reportArchive({ folder: './data/reports' })
 * for (const { kind, report } of await archive.list({ domain: 'example.org' })) console.log(kind, report.organisation)
 * ```
 */
export function reportArchive(options: ReportArchiveOptions): ReportArchive {
  const { folder, keepDays = 400, dayLimit = 16_777_216, now = Date.now, onError = () => undefined } = options
  const journal = new DayJournal({ folder, keepDays, dayLimit, now, onError })
  return {
    keep(report) {
      journal.append(JSON.stringify(report))
    },
    async list(filter: ReportFilter = {}, { signal }: CallOptions = {}) {
      const { limit = 100 } = filter
      const found: ReceivedReport[] = []
      for await (const lines of journal.days()) {
        const ofDay: ReceivedReport[] = []
        for await (const line of lines) {
          signal?.throwIfAborted()
          const report = recordOfLine(line) as ReceivedReport | undefined
          if (report !== undefined && isWanted(report, filter)) ofDay.push(report)
        }
        found.push(...ofDay.toReversed())
        if (found.length >= limit) break
      }
      return found.slice(0, limit)
    },
    close: () => journal.flush(),
  }
}

function isWanted(received: ReceivedReport, { kind, domain, since }: ReportFilter): boolean {
  if (kind !== undefined && received.kind !== kind) return false
  if (since !== undefined && received.at < since) return false
  return domain === undefined || domainsOf(received).includes(domain)
}

function domainsOf(received: ReceivedReport): readonly string[] {
  return received.kind === 'dmarc' ? [received.report.policy.domain] : received.report.policies.map(policy => policy.domain)
}
