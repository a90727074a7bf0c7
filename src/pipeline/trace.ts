/** The record of how it was decided: which middleware, which evidence, how long. Contract: `contracts/trace.ts`. */

import type { Clock } from '../contracts/clock.ts'
import { MailError } from '../contracts/mail-error.ts'
import type { Phase } from '../contracts/phase.ts'
import type { ScoreSymbol, TraceEntry, TraceLog } from '../contracts/trace.ts'
import type { Verdict } from '../contracts/verdict.ts'
import { escaped } from './printable.ts'

/** What one decision may note; a middleware in a loop must not become memory. */
const MAX_NOTES = 100
const SYMBOL_NAME = /^[A-Z][A-Z0-9_]{0,63}$/
/** Entries of one transaction: 1,000 recipients of a handful of middleware each. */
const MAX_ENTRIES = 8192

/** One middleware at work. */
export interface Frame {
  readonly name: string
  readonly evidence: string[]
  /** Made when the first symbol comes. */
  symbols: Map<string, ScoreSymbol> | undefined
  readonly started: number
  /** Milliseconds spent in `next()`. */
  below: number
}

/**
 * The log of one run of one phase. Frames lie on a stack: what is noted belongs to the innermost middleware that has
 * begun and not ended.
 */
export class PhaseLog implements TraceLog {
  readonly entries: TraceEntry[]
  readonly #phase: Phase
  readonly #clock: Clock
  readonly #from: number
  #stack: Frame[] = []
  #closed = false

  /** `entries` is the list of the whole transaction, which this phase adds to. */
  constructor(phase: Phase, entries: TraceEntry[], clock: Clock) {
    this.entries = entries
    this.#phase = phase
    this.#clock = clock
    this.#from = entries.length
  }

  note(evidence: string): void {
    const frame = this.#stack.at(-1)
    if (this.#closed || frame === undefined || frame.evidence.length >= MAX_NOTES) return
    frame.evidence.push(escaped(evidence))
  }

  later(): (evidence: string) => void {
    const frame = this.#closed ? undefined : this.#stack.at(-1)
    return evidence => {
      if (frame !== undefined && frame.evidence.length < MAX_NOTES) frame.evidence.push(escaped(evidence))
    }
  }

  symbol(name: string, score: number, text?: string): void {
    if (!SYMBOL_NAME.test(name)) throw new MailError('invalid', `${JSON.stringify(name)} is no name of a symbol`)
    if (!Number.isFinite(score)) throw new MailError('invalid', `the score of ${name} is no finite number`)
    const frame = this.#stack.at(-1)
    if (this.#closed || frame === undefined) return
    const symbols = (frame.symbols ??= new Map())
    if (symbols.size >= MAX_NOTES && !symbols.has(name)) return
    symbols.set(name, text === undefined ? { name, score } : { name, score, text: escaped(text) })
  }

  get symbols(): readonly ScoreSymbol[] {
    const open = this.#stack.flatMap(({ symbols }) => [...(symbols?.values() ?? [])])
    return [...this.entries.flatMap(({ symbols }) => symbols ?? []), ...open]
  }

  /** What this run of the phase added. */
  get own(): readonly TraceEntry[] {
    return this.entries.slice(this.#from)
  }

  /** Name of the middleware that is running, for the report of a deadline that passed. */
  get running(): string | undefined {
    return this.#stack.at(-1)?.name
  }

  enter(name: string): Frame {
    const frame: Frame = { name, evidence: [], symbols: undefined, started: this.#clock.monotonic(), below: 0 }
    this.#stack.push(frame)
    return frame
  }

  /** Ends a frame that needs no explaining. */
  drop(frame: Frame): void {
    const at = this.#stack.lastIndexOf(frame)
    if (at >= 0) this.#stack.splice(at, 1)
  }

  /** Ends a frame with its answer. After `close` it does nothing: the decision was made without it. */
  leave(frame: Frame, verdict: Verdict, fault?: string): void {
    this.drop(frame)
    if (this.#closed || this.entries.length >= MAX_ENTRIES) return
    const ms = Math.max(0, this.#clock.monotonic() - frame.started - frame.below)
    const symbols = frame.symbols === undefined ? {} : { symbols: [...frame.symbols.values()] }
    const entry = { phase: this.#phase, middleware: frame.name, verdict, ms, evidence: frame.evidence, ...symbols }
    this.entries.push(fault === undefined ? entry : { ...entry, fault: escaped(fault) })
  }

  /** The decision is made. With a `fault`, the frames still open are entered, the innermost as its cause. */
  close(verdict: Verdict, fault?: string): void {
    if (fault !== undefined) {
      const [innermost, ...outer] = this.#stack.toReversed()
      if (innermost !== undefined) this.leave(innermost, verdict, fault)
      for (const frame of outer) this.leave(frame, verdict)
    }
    this.#closed = true
    this.#stack = []
  }
}
