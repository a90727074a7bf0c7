/** Flags as they lie in a row: a bit for each system flag, and the number of a set of keywords. RFC 9051 §2.3.2. */

import type { Flag, FlagChange } from '../../contracts/message.ts'
import type { Sql } from './sql.ts'

const SYSTEM: readonly Flag[] = ['\\Seen', '\\Answered', '\\Flagged', '\\Deleted', '\\Draft']
const BIT: ReadonlyMap<Flag, number> = new Map(SYSTEM.map((flag, at) => [flag, 1 << at]))

/** The bit of `\Seen`. */
export const SEEN = 1
/** The bit of `\Deleted`. */
export const DELETED = 8
/** All bits. */
const ALL_BITS = 31

/** Flags split into both halves; keywords sorted, so that equal sets are equal texts. */
export interface SplitFlags {
  readonly bits: number
  readonly keywords: readonly Flag[]
}

/** Takes flags apart. */
export function splitFlags(flags: readonly Flag[]): SplitFlags {
  let bits = 0
  const keywords = new Set<Flag>()
  for (const flag of flags) {
    const bit = BIT.get(flag)
    if (bit === undefined) keywords.add(flag)
    else bits |= bit
  }
  return { bits, keywords: keywords.size < 2 ? [...keywords] : [...keywords].sort((a, b) => (a < b ? -1 : 1)) }
}

/** The bit of a system flag, if it is one. */
export function bitOf(flag: Flag): number | undefined {
  return BIT.get(flag)
}

/** A change as arithmetic on the bits: `(bits & keep) | gain`. */
export function bitsOfChange(change: FlagChange): { readonly keep: number; readonly gain: number } {
  const { bits } = splitFlags(change.flags)
  if (change.kind === 'set') return { keep: 0, gain: bits }
  return change.kind === 'add' ? { keep: ALL_BITS, gain: bits } : { keep: ALL_BITS & ~bits, gain: 0 }
}

/** The keywords that a set becomes by a change. */
export function keywordsAfter(keywords: readonly Flag[], change: FlagChange): readonly Flag[] {
  const named = splitFlags(change.flags).keywords
  if (change.kind === 'set') return named
  if (change.kind === 'add') return splitFlags([...keywords, ...named]).keywords
  return keywords.filter(flag => !named.includes(flag))
}

/** The sets of keywords in use, by number and by content. Rows are only ever added, so what was read once stays true. */
export class KeywordSets {
  readonly #sql: Sql
  readonly #byId = new Map<number, readonly Flag[]>([[0, []]])
  readonly #byText = new Map<string, number>([['[]', 0]])
  readonly #lists = new Map<number, readonly Flag[]>()

  constructor(sql: Sql) {
    this.#sql = sql
  }

  /** The keywords of a set. */
  get(id: number): readonly Flag[] {
    const known = this.#byId.get(id)
    if (known !== undefined) return known
    const row = this.#sql.row<[string]>('SELECT flags FROM keyword_set WHERE id = ?', id)
    const keywords = row === undefined ? [] : (JSON.parse(row[0]) as readonly Flag[])
    this.#byId.set(id, keywords)
    return keywords
  }

  /** The number of a set; within a transaction of the writer, which adds it where it is new. */
  idOf(keywords: readonly Flag[]): number {
    if (keywords.length === 0) return 0
    const text = JSON.stringify(keywords)
    const known = this.#byText.get(text)
    if (known !== undefined) return known
    this.#sql.run('INSERT INTO keyword_set (flags) VALUES (?) ON CONFLICT DO NOTHING', text)
    const id = this.#sql.number('SELECT id FROM keyword_set WHERE flags = ?', text)
    if (this.#byText.size > 10_000) this.forget()
    this.#byText.set(text, id)
    return id
  }

  /** The numbers of all sets with that keyword in them. */
  having(keyword: Flag): readonly number[] {
    const rows = this.#sql.rows<[number, string]>('SELECT id, flags FROM keyword_set')
    return rows.filter(([, text]) => (JSON.parse(text) as readonly Flag[]).includes(keyword)).map(([id]) => id)
  }

  /** Forgets what was read: some of it was rolled back. */
  forget(): void {
    this.#byId.clear()
    this.#byText.clear()
    this.#lists.clear()
    this.#byId.set(0, [])
    this.#byText.set('[]', 0)
  }

  /** Both halves together again: a frozen list, the same for equal halves. */
  flagsOf(bits: number, id: number): readonly Flag[] {
    const key = id * 32 + bits
    const known = this.#lists.get(key)
    if (known !== undefined) return known
    const flags = Object.freeze([...SYSTEM.filter((_, at) => (bits & (1 << at)) !== 0), ...this.get(id)])
    if (this.#lists.size > 10_000) this.#lists.clear()
    this.#lists.set(key, flags)
    return flags
  }
}
