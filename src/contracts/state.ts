/**
 * What filters remember: small rows with two counters, from one start of the server to the next. Not for mail: a table that is
 * lost costs patience and training, never a message.
 */

import type { CallOptions } from './call.ts'

/** One row, named by its space and key. */
export interface StateRow {
  readonly key: string
  /** A counter; what it counts is its owner's business. Whole, from 0 to 2^53 - 1. */
  readonly first: number
  /** Another one. */
  readonly second: number
  /** Milliseconds since the epoch: when the row was made. */
  readonly createdAt: number
  /** Milliseconds since the epoch: when it was changed last. */
  readonly changedAt: number
  /** Milliseconds since the epoch, from when on the row is not there any more. Absent: it stays. */
  readonly expiresAt?: number
}

/** An increment of one row. A counter left out stays; the sum stops at 0 and at 2^53 - 1. */
export interface StateChange {
  readonly key: string
  /** Added to `first`; negative takes away. */
  readonly first?: number
  /** Added to `second`. */
  readonly second?: number
  /** The row's new end. Absent: the old one stays; a new row has none. */
  readonly expiresAt?: number
}

/** A row as it shall be. */
export type NewStateRow = Pick<StateRow, 'key' | 'first' | 'second' | 'expiresAt'>

/**
 * A table of counters that several filters share, each in spaces of its own (`greylist`, `bayes/ann`), and that several
 * processes may share.
 *
 * Spaces are 1 to 300 characters, keys 1 to 500, both well-formed and without NUL, compared exactly; a call takes at most 10,000
 * rows. Whatever breaks that throws `invalid`; a table that cannot answer throws `unavailable`, and a filter goes on without it.
 *
 * A row past its `expiresAt` is not there for any method, removed or not. A space has a bound (the table's option); above it
 * the rows that were changed longest ago go first, so that strangers who fill one space push nothing out of another.
 *
 * A promise that resolves stands for a change that every later call sees, in this process and in others. How much of it
 * survives a crash is the table's to say: none (memory), or all but the last seconds.
 */
export interface StateTable {
  /** The rows that are there, by key. */
  read(space: string, keys: readonly string[], options?: CallOptions): Promise<ReadonlyMap<string, StateRow>>
  /**
   * Adds to counters, making rows that are not there; each change is atomic, all of one call become visible together. Answers
   * the rows after it, in the order of `changes`: who gets `first: 1` from `{ first: 1 }` was the first, whatever others do.
   */
  add(space: string, changes: readonly StateChange[], options?: CallOptions): Promise<readonly StateRow[]>
  /** Gives rows these counters and ends, whatever they had. `createdAt` of a row that is there stays. */
  put(space: string, rows: readonly NewStateRow[], options?: CallOptions): Promise<void>
  /** Takes rows away; not there is no error. Without keys, the whole space. */
  drop(space: string, keys?: readonly string[], options?: CallOptions): Promise<void>
  /** All rows of a space in ascending order of keys (by code point), in pages of the table's choice. A page shows one moment. */
  entries(space: string, options?: CallOptions): AsyncIterable<readonly StateRow[]>
  /** Removes expired rows and those above the bound; answers how many. Tables do this by themselves from time to time. */
  sweep(options?: CallOptions): Promise<number>
  /** Ends running calls, then lets go. Calls after it throw `unavailable`. */
  close(): Promise<void>
}
