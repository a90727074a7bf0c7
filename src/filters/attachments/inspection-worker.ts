/** The process that looks through attachments: whatever a message makes of it, the mail goes on without it. M5. */

import { inspectMessage } from './inspect.ts'
import type { Finding, InspectionLimits } from './inspect.ts'

/** What the process is told first. */
export interface InspectorData {
  readonly dangerous: readonly string[]
  readonly limits: InspectionLimits
}

/** What the process answers. */
export type InspectorReport = { readonly findings: readonly Finding[] } | { readonly fault: string }

let extensions: ReadonlySet<string> = new Set()
let limits: InspectionLimits | undefined

process.on('message', (told: InspectorData | Uint8Array) => {
  if (!(told instanceof Uint8Array)) {
    extensions = new Set(told.dangerous)
    limits = told.limits
    return
  }
  let report: InspectorReport
  try {
    if (limits === undefined) throw new Error('no limits were told')
    report = { findings: inspectMessage(told, extensions, limits) }
  } catch (error) {
    report = { fault: error instanceof Error ? error.message : String(error) }
  }
  process.send?.(report)
})
// Whoever asks is gone, however it went.
process.on('disconnect', () => process.exit())
