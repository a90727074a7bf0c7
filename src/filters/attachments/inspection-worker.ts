/** The thread that looks through attachments: whatever a message makes of it, the mail goes on without it. */

import { parentPort, workerData } from 'node:worker_threads'
import { inspectMessage } from './inspect.ts'
import type { Finding, InspectionLimits } from './inspect.ts'

/** What the thread is started with. */
export interface InspectorData {
  readonly dangerous: readonly string[]
  readonly limits: InspectionLimits
}

/** What the thread answers. */
export type InspectorReport = { readonly findings: readonly Finding[] } | { readonly fault: string }

const { dangerous, limits } = workerData as InspectorData
const extensions: ReadonlySet<string> = new Set(dangerous)

parentPort?.on('message', (message: Uint8Array) => {
  let report: InspectorReport
  try {
    report = { findings: inspectMessage(message, extensions, limits) }
  } catch (error) {
    report = { fault: error instanceof Error ? error.message : String(error) }
  }
  parentPort?.postMessage(report)
})
