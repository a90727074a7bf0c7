/** Makes folders, those above them first. Node's own way asks without end where a folder says that it is not there, as those of `/proc` do. */

import { existsSync, mkdirSync, statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'

/** Makes a folder unless it is there. Throws what the system says, `ENOENT` too, `EEXIST` for a file of that name. */
export function makeFolder(path: string, mode: number = 0o700): void {
  const folder = resolve(path)
  try {
    mkdirSync(folder, { mode })
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    if (code === 'EEXIST' && statSync(folder).isDirectory()) return
    const above = dirname(folder)
    if (code !== 'ENOENT' || existsSync(above)) throw error
    makeFolder(above, mode)
    makeFolder(folder, mode)
  }
}
