/** Reads thousands of summaries where they lie, one after another. What the sections are stands in summary.ts. */

import { hasOctets } from '../bytes/ascii.ts'
import { FIELDS, FIRST_FIELD, HEAD, SECTIONS, SUMMARY_VERSION, type SummaryField } from './summary.ts'

/** The parts of a summary that are found by {@link SummaryCursor.find}. */
export type SummarySection = 'envelope' | 'bodyStructure' | 'body' | SummaryField

const SENDABLE: readonly SummarySection[] = ['envelope', 'bodyStructure', 'body']

/** The place of a section, for {@link SummaryCursor.find}: worked out once for many summaries. */
export function sectionPlace(section: SummarySection): number {
  const sendable = SENDABLE.indexOf(section)
  return sendable >= 0 ? sendable : FIRST_FIELD + FIELDS.indexOf(section as SummaryField)
}

/**
 * Reads one summary after another where they lie, without making anything for any of them: for answers about thousands.
 * What it says holds until it is moved on.
 */
export class SummaryCursor {
  #octets: Uint8Array = new Uint8Array()
  #start = 0
  #end = 0
  /** Where the section found last begins, and where it ends. */
  from = 0
  to = 0

  /** Moves to the summary at `octets[start, end)`; `false` where there is none of this version. */
  moveTo(octets: Uint8Array, start: number, end: number): boolean {
    this.#octets = octets
    this.#start = start
    this.#end = end
    return end - start >= HEAD + SECTIONS * 4 && octets[start] === SUMMARY_VERSION
  }

  /** Finds a section: see {@link sectionPlace}. */
  find(place: number): void {
    let at = this.#start + HEAD
    let from = at + SECTIONS * 4
    for (let before = 0; before < place; before++, at += 4) from += this.#number(at)
    this.from = Math.min(from, this.#end)
    this.to = Math.min(from + this.#number(at), this.#end)
  }

  /** As {@link MessageSummary.fieldHas}. */
  fieldHas(name: SummaryField, octets: Uint8Array): boolean {
    this.find(FIRST_FIELD + FIELDS.indexOf(name))
    return hasOctets(this.#octets, this.from, this.to, octets)
  }

  /** As {@link MessageSummary.sentDay}. */
  get sentDay(): number | undefined {
    const day = this.#number(this.#start + 21) | 0
    return day === -0x8000_0000 ? undefined : day
  }

  #number(at: number): number {
    const octets = this.#octets
    return (((octets[at] ?? 0) << 24) | ((octets[at + 1] ?? 0) << 16) | ((octets[at + 2] ?? 0) << 8) | (octets[at + 3] ?? 0)) >>> 0
  }
}
