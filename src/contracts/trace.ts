/** Why it was decided so: the record that every decision leaves. */

import type { Phase } from './phase.ts'
import type { Verdict } from './verdict.ts'

/** One middleware's part in a decision. */
export interface TraceEntry {
  readonly phase: Phase
  /** Name of the middleware. */
  readonly middleware: string
  /** What it answered, after everything below it had. */
  readonly verdict: Verdict
  /** Time it took by itself, without what ran below it, in milliseconds. */
  readonly ms: number
  /** What it noted. */
  readonly evidence: readonly string[]
  /** Set when it threw, hung or answered nonsense, and was deferred for it. */
  readonly fault?: string
}

/** Takes evidence while a middleware runs. */
export interface TraceLog {
  /** Notes what was seen, in words for an operator; control characters are escaped. Credited to the middleware that runs. */
  note(evidence: string): void
  /** Everything noted so far, in order of completion. */
  readonly entries: readonly TraceEntry[]
}
