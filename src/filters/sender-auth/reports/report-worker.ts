/** The thread that reads one report: ten megabytes of somebody's XML must not keep the one that serves. M5, S18. */

import { parentPort, workerData } from 'node:worker_threads'
import { readDmarcReport } from './read-report.ts'
import type { DmarcReport, TlsReport } from '../../../contracts/index.ts'
import { readTlsReport } from './tls-report.ts'

/** What was in an attachment. */
export type AnyReport = { readonly kind: 'dmarc'; readonly report: DmarcReport } | { readonly kind: 'tls'; readonly report: TlsReport }

function readAny(octets: Uint8Array): AnyReport | undefined {
  const dmarc = readDmarcReport(octets)
  if (dmarc !== undefined) return { kind: 'dmarc', report: dmarc }
  const tls = readTlsReport(octets)
  return tls === undefined ? undefined : { kind: 'tls', report: tls }
}

parentPort?.postMessage(workerData instanceof Uint8Array ? readAny(workerData) : undefined)
