/** Why it was decided so: the record that every decision leaves. */

import type { Phase } from './phase.ts'
import type { Verdict } from './verdict.ts'

/** A named reason for or against a message, with its weight. The sum of all of a message's symbols is its score. */
export interface ScoreSymbol {
  /** Upper case, digits and underscores: `DNSBL_ZEN`, `DMARC_FAIL`. Stable: rules and users refer to it. */
  readonly name: string
  /** Positive speaks against the message, negative for it; 0 only tells. */
  readonly score: number
  /** What it rests on, in words for an operator. */
  readonly text?: string
}

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
  /** What it put into the scale, if anything. */
  readonly symbols?: readonly ScoreSymbol[]
  /** Set when it threw, hung or answered nonsense, and was deferred for it. */
  readonly fault?: string
}

/** Takes evidence while a middleware runs. */
export interface TraceLog {
  /** Notes what was seen, in words for an operator; control characters are escaped. Credited to the middleware that runs. */
  note(evidence: string): void
  /**
   * Puts a symbol into the scale; the same name again from the same middleware replaces it. At most 100 of each middleware.
   * Throws `MailError('invalid')` for a name that is none or a score that is no finite number.
   */
  symbol(name: string, score: number, text?: string): void
  /** The symbols of this transaction so far: those of the connection and of earlier phases among them. */
  readonly symbols: readonly ScoreSymbol[]
  /** Everything noted so far, in order of completion. */
  readonly entries: readonly TraceEntry[]
}
