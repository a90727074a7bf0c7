/** The two directories, made afresh: what holds for one must hold for the other. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after } from 'node:test'
import { memoryDirectory } from 'mailwright/directories/memory'
import type { DirectoryRules, FullDirectory } from 'mailwright/directories/memory'
import { sqliteDirectory } from 'mailwright/directories/sqlite'

/** Hashes that cost next to nothing, for tests that are not about their cost. */
export const CHEAP = { memory: 8, passes: 1 } as const

/** A folder that is gone when the tests of this file are over. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'mailwright-directory-'))
  after(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** A way to make one kind of directory. */
export interface Kind {
  readonly name: string
  readonly make: (rules?: DirectoryRules) => FullDirectory
}

/** Both kinds; call it once in a test file. */
export function bothKinds(): readonly Kind[] {
  const folder = temporaryFolder()
  let made = 0
  return [
    { name: 'memory', make: rules => memoryDirectory({ hashCost: CHEAP, ...rules }) },
    {
      name: 'sqlite',
      make: rules => {
        const directory = sqliteDirectory({ path: join(folder, `${++made}.db`), hashCost: CHEAP, ...rules })
        after(() => directory.close())
        return directory
      },
    },
  ]
}
