/** A table of counters in memory: for tests and for servers that need not remember. Contract: `contracts/state.ts`. */

import { MailError } from '../../contracts/index.ts'
import type { Clock, NewStateRow, StateChange, StateRow, StateTable } from '../../contracts/index.ts'
import { checkKeys, checkNumbers, checkSpace, counted, STATE_PAGE } from '../state-input.ts'

/** Options of {@link memoryState}. */
export interface MemoryStateOptions {
  /** Default: the machine's clock. */
  readonly clock?: Pick<Clock, 'now'>
  /** Rows of one space; above it the rows changed longest ago go first. Default 200,000. */
  readonly rowsPerSpace?: number
}

/** Calls between two sweeps of everything. */
const SWEEP_EVERY = 10_000

/**
 * Makes a table that forgets on exit.
 *
 * @example
 * ```ts
 * import { memoryState } from 'mailwright/stores/memory'
 *
 * const state = memoryState()
 * const [row] = await state.add('visits', [{ key: 'ann', first: 1 }])
 * console.log(row?.first) // 1
 * ```
 */
export function memoryState(options: MemoryStateOptions = {}): StateTable {
  return new MemoryState(options)
}

class MemoryState implements StateTable {
  readonly #clock: Pick<Clock, 'now'>
  readonly #rowsPerSpace: number
  /** A map keeps the order of insertion; a changed row is put in anew, so the first is the one changed longest ago. */
  readonly #spaces = new Map<string, Map<string, StateRow>>()
  #calls = 0
  #closed = false

  constructor(options: MemoryStateOptions) {
    this.#clock = options.clock ?? { now: () => Date.now() }
    this.#rowsPerSpace = options.rowsPerSpace ?? 200_000
  }

  async read(space: string, keys: readonly string[]): Promise<ReadonlyMap<string, StateRow>> {
    this.#check(space, keys)
    const now = this.#clock.now()
    const found = new Map<string, StateRow>()
    for (const key of keys) {
      const row = this.#row(space, key, now)
      if (row !== undefined) found.set(key, row)
    }
    return found
  }

  async add(space: string, changes: readonly StateChange[]): Promise<readonly StateRow[]> {
    this.#check(
      space,
      changes.map(({ key }) => key),
    )
    for (const { first, second, expiresAt } of changes) checkNumbers(Number.MIN_SAFE_INTEGER, first, second, expiresAt)
    const now = this.#clock.now()
    const rows = changes.map(({ key, first, second, expiresAt }) => {
      const before = this.#row(space, key, now)
      const end = expiresAt ?? before?.expiresAt
      return this.#set(space, {
        key,
        first: counted(before?.first ?? 0, first),
        second: counted(before?.second ?? 0, second),
        createdAt: before?.createdAt ?? now,
        changedAt: now,
        ...(end === undefined ? {} : { expiresAt: end }),
      })
    })
    this.#bound(space)
    return rows
  }

  async put(space: string, rows: readonly NewStateRow[]): Promise<void> {
    this.#check(
      space,
      rows.map(({ key }) => key),
    )
    for (const { first, second, expiresAt } of rows) {
      checkNumbers(0, first, second)
      checkNumbers(Number.MIN_SAFE_INTEGER, expiresAt)
    }
    const now = this.#clock.now()
    for (const { key, first, second, expiresAt } of rows) {
      const createdAt = this.#row(space, key, now)?.createdAt ?? now
      this.#set(space, { key, first, second, createdAt, changedAt: now, ...(expiresAt === undefined ? {} : { expiresAt }) })
    }
    this.#bound(space)
  }

  async drop(space: string, keys?: readonly string[]): Promise<void> {
    this.#check(space, keys ?? [])
    if (keys === undefined) this.#spaces.delete(space)
    else for (const key of keys) this.#spaces.get(space)?.delete(key)
  }

  async *entries(space: string): AsyncGenerator<readonly StateRow[]> {
    this.#check(space, [])
    const now = this.#clock.now()
    const keys = [...(this.#spaces.get(space)?.keys() ?? [])].sort(byCodePoint)
    for (let at = 0; at < keys.length; at += STATE_PAGE) {
      const page = keys.slice(at, at + STATE_PAGE).flatMap(key => this.#row(space, key, now) ?? [])
      if (page.length > 0) yield page
    }
  }

  async sweep(): Promise<number> {
    this.#checkOpen()
    return this.#sweep()
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#spaces.clear()
  }

  #row(space: string, key: string, now: number): StateRow | undefined {
    const row = this.#spaces.get(space)?.get(key)
    return row?.expiresAt !== undefined && row.expiresAt <= now ? undefined : row
  }

  #set(space: string, row: StateRow): StateRow {
    const rows = this.#spaces.get(space) ?? new Map<string, StateRow>()
    this.#spaces.set(space, rows)
    rows.delete(row.key)
    const frozen = Object.freeze(row)
    rows.set(row.key, frozen)
    return frozen
  }

  #bound(space: string): void {
    if (++this.#calls % SWEEP_EVERY === 0) this.#sweep()
    const rows = this.#spaces.get(space)
    if (rows === undefined) return
    for (const key of rows.keys()) {
      if (rows.size <= this.#rowsPerSpace) return
      rows.delete(key)
    }
  }

  #sweep(): number {
    const now = this.#clock.now()
    let removed = 0
    for (const [space, rows] of this.#spaces) {
      for (const { key, expiresAt } of rows.values()) {
        if (expiresAt !== undefined && expiresAt <= now && rows.delete(key)) removed++
      }
      if (rows.size === 0) this.#spaces.delete(space)
    }
    return removed
  }

  #check(space: string, keys: readonly string[]): void {
    this.#checkOpen()
    checkSpace(space)
    checkKeys(keys)
  }

  #checkOpen(): void {
    if (this.#closed) throw new MailError('unavailable', 'the table of counters was closed')
  }
}

/** The order of SQLite's UTF-8: code points, not code units. */
function byCodePoint(a: string, b: string): number {
  const least = Math.min(a.length, b.length)
  for (let at = 0; at < least; at++) {
    const x = a.charCodeAt(at)
    const y = b.charCodeAt(at)
    if (x === y) continue
    // Surrogates stand for what lies beyond U+FFFF, above all that is written with one unit.
    const isPairX = x >= 0xd800 && x <= 0xdfff
    const isPairY = y >= 0xd800 && y <= 0xdfff
    return isPairX === isPairY ? x - y : isPairX ? 1 : -1
  }
  return a.length - b.length
}
