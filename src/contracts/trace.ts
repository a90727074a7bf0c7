/** Why it was decided so: the record that every decision leaves. */

import type { CallOptions } from './call.ts'
import type { Phase, Protocol } from './phase.ts'
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
  /** A `note` for later: for what middleware does when its phase is over, while the message is still at hand. */
  later(): (evidence: string) => void
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

/** How one message was decided on, kept for whoever asks later. */
export interface TraceRecord {
  /** As in the `Received` field and in the reply that took the message. */
  readonly id: string
  /** Milliseconds since the epoch. */
  readonly at: number
  readonly connection: {
    readonly id: string
    readonly protocol: Protocol
    /** Of the peer. */
    readonly address: string
    readonly clientName?: string
    /** `TLSv1.3` ... */
    readonly tls?: string
    /** Who had logged in. */
    readonly user?: string
  }
  /** Empty for the null reverse-path. */
  readonly sender: string
  readonly recipients: readonly string[]
  readonly size: number
  readonly verdict: Verdict
  readonly trace: readonly TraceEntry[]
}

/** Keeps records for a while. What is lost of it is no mail: keeping never fails a message and never holds one up. */
export interface TraceKeeper {
  /** Takes a record; at once, whatever becomes of it. */
  keep(record: TraceRecord): void
  /** The record of a message; `undefined` when there is none, or none any more. */
  find(id: string, options?: CallOptions): Promise<TraceRecord | undefined>
  /** The latest records, the newest first. */
  recent(limit: number, options?: CallOptions): Promise<readonly TraceRecord[]>
  /** Writes what waits, then lets go. */
  close(): Promise<void>
}
