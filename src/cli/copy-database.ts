/** Copies a SQLite file while others use it. */

import { backup, DatabaseSync } from 'node:sqlite'

/** `to` must not be there. Rejects when `from` is no database. */
export async function copyDatabase(from: string, to: string): Promise<void> {
  try {
    const database = new DatabaseSync(from, { readOnly: true })
    try {
      await backup(database, to)
    } finally {
      database.close()
    }
  } catch (error) {
    throw new Error(`${from} cannot be copied: ${error instanceof Error ? error.message : String(error)}`, { cause: error })
  }
}
