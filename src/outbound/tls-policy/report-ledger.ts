/** What TLS came to, kept from one start to the next until it is reported. RFC 8460 §4.1. */

import { readFile, rename, writeFile } from 'node:fs/promises'
import type { TlsFailureRow, TlsReportRow } from './report-rows.ts'

/** Keeps counted rows. */
export interface TlsReportLedger {
  /** What was written last; nothing at first. */
  read(): Promise<readonly TlsReportRow[]>
  /** Replaces all. */
  write(rows: readonly TlsReportRow[]): Promise<void>
}

/**
 * Keeps rows in a JSON file, replaced in one step. A file that cannot be read counts as empty: what is lost is statistics. `write`
 * rejects when the file cannot be written.
 */
export function fileTlsReportLedger(path: string): TlsReportLedger {
  let writing: Promise<void> = Promise.resolve()
  return {
    async read() {
      try {
        const parsed: unknown = JSON.parse(await readFile(path, 'utf8'))
        return Array.isArray(parsed) ? parsed.filter(isRow) : []
      } catch {
        return []
      }
    },
    async write(rows) {
      const save = async (): Promise<void> => {
        await writeFile(`${path}.new`, JSON.stringify(rows), { mode: 0o600 })
        await rename(`${path}.new`, path)
      }
      writing = writing.then(save, save)
      await writing
    },
  }
}

function isRow(value: unknown): value is TlsReportRow {
  if (!isRecord(value)) return false
  const { day, policy, succeeded, failed, failures } = value
  return (
    isCount(day) &&
    isCount(succeeded) &&
    isCount(failed) &&
    isRecord(policy) &&
    typeof policy['domain'] === 'string' &&
    ['tlsa', 'sts', 'no-policy-found'].includes(String(policy['type'])) &&
    isTexts(policy['strings']) &&
    isTexts(policy['mxHosts']) &&
    Array.isArray(failures) &&
    failures.every(isFailure)
  )
}

function isFailure(value: unknown): value is TlsFailureRow {
  return (
    isRecord(value) &&
    isCount(value['sessions']) &&
    ['type', 'sendingIp', 'receivingMx', 'receivingIp', 'reason'].every(name => typeof value[name] === 'string')
  )
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every(text => typeof text === 'string')
}
