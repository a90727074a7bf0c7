import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { memoryDirectory } from 'mailwright/directories/memory'
import { sqliteDirectory } from 'mailwright/directories/sqlite'
import type { SqliteDirectory } from 'mailwright/directories/sqlite'
import { directorySuite } from 'mailwright/testing'
import { CHEAP, temporaryFolder } from './both.ts'

const folder = temporaryFolder()
const files = new Map<unknown, { readonly directory: SqliteDirectory; readonly path: string }>()
let made = 0

for (const { name, run } of directorySuite({ make: async () => memoryDirectory({ hashCost: CHEAP }) })) test(`memory: ${name}`, run)

const inFiles = directorySuite({
  async make() {
    const path = join(folder, `suite-${++made}.db`)
    const directory = sqliteDirectory({ path, hashCost: CHEAP })
    files.set(directory, { directory, path })
    return directory
  },
  async dispose(directory) {
    const file = files.get(directory)
    if (file === undefined) return
    file.directory.close()
    rmSync(file.path)
  },
})
for (const { name, run } of inFiles) test(`sqlite: ${name}`, run)
