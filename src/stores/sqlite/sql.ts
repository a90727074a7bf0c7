/** Prepared statements by their text, answering rows as arrays: objects cost four times as much. */

import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite'

/** One value of a row as the tables here hold them: no number is beyond 2^53. */
export type Cell = null | number | string | Uint8Array

/** One row: the values in the order of the SELECT. */
export type Row = readonly Cell[]

/**
 * A connection whose statements are kept. Texts are constants of this room; what comes from outside is always a parameter.
 * It is `LIMIT +?`, never `LIMIT ?`: at a bare parameter SQLite plans by its value, and so anew for each call, which takes longer than
 * most of the statements.
 */
export class Sql {
  readonly database: DatabaseSync
  readonly #statements = new Map<string, StatementSync>()

  constructor(database: DatabaseSync) {
    this.database = database
  }

  /** The first row, if there is one. The type says what the SELECT names. */
  row<T extends Row = Row>(text: string, ...values: readonly SQLInputValue[]): T | undefined {
    return this.#statement(text).get(...values) as unknown as T | undefined
  }

  /** All rows: for bounded answers. */
  rows<T extends Row = Row>(text: string, ...values: readonly SQLInputValue[]): readonly T[] {
    return this.#statement(text).all(...values) as unknown as readonly T[]
  }

  /** The rows one by one. */
  each<T extends Row = Row>(text: string, ...values: readonly SQLInputValue[]): IterableIterator<T> {
    return this.#statement(text).iterate(...values) as unknown as IterableIterator<T>
  }

  /** Runs a statement that changes something; answers how many rows it changed. */
  run(text: string, ...values: readonly SQLInputValue[]): number {
    return Number(this.#statement(text).run(...values).changes)
  }

  /**
   * Inserts a row; answers its number. Not by RETURNING: SQLite makes a table for what it returns, and outside of a transaction the row
   * comes before the commit, of whose failure Node tells nothing.
   */
  insert(text: string, ...values: readonly SQLInputValue[]): number {
    return Number(this.#statement(text).run(...values).lastInsertRowid)
  }

  /** The first number of the first row; 0 when there is none. */
  number(text: string, ...values: readonly SQLInputValue[]): number {
    const cell = this.row(text, ...values)?.[0]
    return typeof cell === 'number' ? cell : 0
  }

  /** Several reads of one moment. */
  together<T>(read: () => T): T {
    if (this.database.isTransaction) return read()
    this.database.exec('BEGIN')
    try {
      return read()
    } finally {
      // A read that failed may have ended it.
      if (this.database.isTransaction) this.database.exec('COMMIT')
    }
  }

  close(): void {
    this.#statements.clear()
    this.database.close()
  }

  #statement(text: string): StatementSync {
    const known = this.#statements.get(text)
    if (known !== undefined) return known
    const statement = this.database.prepare(text)
    statement.setReturnArrays(true)
    this.#statements.set(text, statement)
    return statement
  }
}
