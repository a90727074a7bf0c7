/** Arithmetic on sets of UIDs kept as ascending runs; never expands a run. RFC 9051 §9, `sequence-set`. */

import { MAX_UID, type Uid, type UidRange } from '../contracts/numbers.ts'

/** The runs in ascending order with overlapping and touching ones joined: the form that every function here gives and takes. */
export function normaliseRanges(ranges: readonly UidRange[]): readonly UidRange[] {
  if (isNormal(ranges)) return ranges
  const sorted = ranges.filter(range => range.first <= range.last).sort((a, b) => a.first - b.first)
  const joined: UidRange[] = []
  for (const range of sorted) {
    const open = joined.at(-1)
    if (open === undefined || range.first > open.last + 1) joined.push(range)
    else if (range.last > open.last) joined[joined.length - 1] = { first: open.first, last: range.last }
  }
  return joined
}

function isNormal(ranges: readonly UidRange[]): boolean {
  let last = -1
  for (const range of ranges) {
    if (range.first > range.last || range.first <= last + 1) return false
    last = range.last
  }
  return true
}

/** Runs made of UIDs in any order, with or without duplicates. */
export function rangesOf(uids: Iterable<number>): readonly UidRange[] {
  const sorted = [...uids]
  for (let i = 1; i < sorted.length; i++) {
    if ((sorted[i] ?? 0) < (sorted[i - 1] ?? 0)) {
      sorted.sort((a, b) => a - b)
      break
    }
  }
  const ranges: UidRange[] = []
  let first = 0
  let last = 0
  for (const uid of sorted) {
    if (first !== 0 && uid <= last + 1) {
      last = Math.max(last, uid)
      continue
    }
    if (first !== 0) ranges.push({ first: first as Uid, last: last as Uid })
    first = uid
    last = uid
  }
  if (first !== 0) ranges.push({ first: first as Uid, last: last as Uid })
  return ranges
}

/** Whether a UID lies in one of the runs; by bisection. */
export function rangesHave(ranges: readonly UidRange[], uid: number): boolean {
  let low = 0
  let high = ranges.length - 1
  while (low <= high) {
    const middle = (low + high) >> 1
    const range = ranges[middle]
    if (range === undefined) return false
    if (uid < range.first) high = middle - 1
    else if (uid > range.last) low = middle + 1
    else return true
  }
  return false
}

/** What lies in both. */
export function intersectRanges(a: readonly UidRange[], b: readonly UidRange[]): readonly UidRange[] {
  const both: UidRange[] = []
  let i = 0
  let j = 0
  while (i < a.length && j < b.length) {
    const left = a[i]
    const right = b[j]
    if (left === undefined || right === undefined) break
    const first = left.first > right.first ? left.first : right.first
    const last = left.last < right.last ? left.last : right.last
    if (first <= last) both.push({ first, last })
    if (left.last < right.last) i++
    else j++
  }
  return both
}

/** What lies in one or the other. */
export function uniteRanges(a: readonly UidRange[], b: readonly UidRange[]): readonly UidRange[] {
  return normaliseRanges([...a, ...b])
}

/** What lies in `a` and not in `b`. */
export function subtractRanges(a: readonly UidRange[], b: readonly UidRange[]): readonly UidRange[] {
  return intersectRanges(a, complementOf(b))
}

function complementOf(ranges: readonly UidRange[]): readonly UidRange[] {
  const gaps: UidRange[] = []
  let next = 1
  for (const range of ranges) {
    if (range.first > next) gaps.push({ first: next as Uid, last: (range.first - 1) as Uid })
    next = range.last + 1
  }
  if (next <= MAX_UID) gaps.push({ first: next as Uid, last: MAX_UID })
  return gaps
}

/** How many UIDs the runs span, whether or not they exist. */
export function spanOf(ranges: readonly UidRange[]): number {
  let span = 0
  for (const range of ranges) span += range.last - range.first + 1
  return span
}
