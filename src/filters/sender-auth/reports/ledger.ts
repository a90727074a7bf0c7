/** What is not reported yet, kept from one start to the next. RFC 9990 §3.1. */

import { readFile, rename, writeFile } from 'node:fs/promises'
import type { CollectedReports } from './collector.ts'

/** Keeps what was counted. */
export interface DmarcReportLedger {
  /** What was written last; nothing at first. */
  read(): Promise<CollectedReports>
  /** Replaces all. */
  write(collected: CollectedReports): Promise<void>
}

/**
 * Keeps counts in a JSON file, replaced in one step. A file that cannot be read, or was not written by us, counts as empty: what is lost
 * is statistics. `write` rejects when the file cannot be written.
 */
export function fileDmarcReportLedger(path: string): DmarcReportLedger {
  return {
    async read() {
      try {
        const parsed: unknown = JSON.parse(await readFile(path, 'utf8'))
        return isKept(parsed) ? parsed.collected : []
      } catch {
        return []
      }
    },
    async write(collected) {
      await writeFile(`${path}.new`, JSON.stringify({ version: VERSION, collected }), { mode: 0o600 })
      await rename(`${path}.new`, path)
    },
  }
}

/** Of the file's form; one of another form is not read. */
const VERSION = 1

function isKept(value: unknown): value is { readonly collected: CollectedReports } {
  return (
    typeof value === 'object' &&
    value !== null &&
    'version' in value &&
    value.version === VERSION &&
    'collected' in value &&
    Array.isArray(value.collected)
  )
}
