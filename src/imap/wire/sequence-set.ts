/** Sets of sequence numbers or UIDs as written, and what they mean in a view. RFC 9051 §9, `sequence-set`. */

import type { Parser } from './parser.ts'

/** Stands for `*` until it is known what the largest number is. */
const STAR = 0

/** A run of numbers as written, either way round; {@link STAR} at either end is `*`. */
export interface NumberRange {
  readonly first: number
  readonly last: number
}

/** A set as written, or `$`: what the last SEARCH saved. RFC 5182 §2. */
export type SequenceSet = readonly NumberRange[] | '$'

const COLON = 0x3a
const COMMA = 0x2c
const DOLLAR = 0x24

/** `sequence-set`; never expanded, so `1:*` is one run. */
export function sequenceSet(p: Parser): SequenceSet {
  if (p.peek() === DOLLAR) {
    p.at++
    return '$'
  }
  const ranges: NumberRange[] = []
  do {
    const first = seqNumber(p)
    ranges.push({ first, last: p.skip(COLON) ? seqNumber(p) : first })
  } while (p.skip(COMMA))
  return ranges
}

function seqNumber(p: Parser): number {
  if (p.skip(0x2a)) return STAR
  return p.nzNumber()
}

/**
 * The set as ascending runs that do not touch, with `*` being `largest`. Numbers stay as they are, whether or not something
 * has them; O(n log n) in the runs.
 */
export function resolveSet(set: readonly NumberRange[], largest: number): NumberRange[] {
  const ranges = set.map(({ first, last }) => {
    const a = first === STAR ? largest : first
    const b = last === STAR ? largest : last
    return a <= b ? { first: a, last: b } : { first: b, last: a }
  })
  if (ranges.length < 2) return ranges
  ranges.sort((a, b) => a.first - b.first)
  const joined: NumberRange[] = []
  for (const range of ranges) {
    const open = joined.at(-1)
    if (open === undefined || range.first > open.last + 1) joined.push(range)
    else if (range.last > open.last) joined[joined.length - 1] = { first: open.first, last: range.last }
  }
  return joined
}

/** Runs as `sequence-set` text. */
export function printSet(ranges: readonly NumberRange[]): string {
  return ranges.map(({ first, last }) => (first === last ? `${first}` : `${first}:${last}`)).join(',')
}
