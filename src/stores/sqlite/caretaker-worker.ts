/** The thread that looks after a store: inspection and marking read much, and must not stand in a session's way. */

import { parentPort, workerData } from 'node:worker_threads'
import { connect } from './database.ts'
import { mailErrorOf } from './faults.ts'
import { type Finding, inspect } from './inspection.ts'
import { mark, type Marks } from './marking.ts'

/** What the caretaker is asked. */
export type CaretakerTask = { readonly folder: string; readonly busyTimeout: number } & (
  | { readonly kind: 'inspect'; readonly deep: boolean }
  | { readonly kind: 'mark' }
)

/** What it says. */
export type CaretakerReport =
  | { readonly kind: 'findings'; readonly findings: readonly Finding[] }
  | { readonly kind: 'marks'; readonly marks: Marks }
  | { readonly kind: 'failed'; readonly error: { readonly kind: string; readonly message: string } }

const task = workerData as CaretakerTask
const say = (report: CaretakerReport): void => parentPort?.postMessage(report)

try {
  const sql = connect(task.folder, { busyTimeout: task.busyTimeout, writable: false })
  try {
    if (task.kind === 'mark') say({ kind: 'marks', marks: mark(sql) })
    else for (const finding of inspect(sql, task.folder, task.deep)) say({ kind: 'findings', findings: [finding] })
  } finally {
    sql.close()
  }
} catch (error) {
  const { kind, message } = mailErrorOf(error)
  say({ kind: 'failed', error: { kind, message } })
}
