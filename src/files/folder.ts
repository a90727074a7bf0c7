/** Makes folders, those above them first. Node's own way asks without end where a folder says that it is not there, as those of `/proc` do. */

import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'

/** Makes a folder unless it is there; it outlives a loss of power when this returns. Throws what the system says, `ENOENT` too, `EEXIST` for a file of that name. */
export function makeFolder(path: string, mode: number = 0o700): void {
  const folder = resolve(path)
  try {
    mkdirSync(folder, { mode })
    syncName(dirname(folder))
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    if (code === 'EEXIST' && statSync(folder).isDirectory()) return
    const above = dirname(folder)
    if (code !== 'ENOENT' || existsSync(above)) throw error
    makeFolder(above, mode)
    makeFolder(folder, mode)
  }
}

/** Brings the names in a folder to the disk: after the power went, a file that was synced is of no use when its name is not there. */
export function syncFolder(path: string): void {
  const folder = openSync(path, 'r')
  try {
    fsyncSync(folder)
  } finally {
    try {
      closeSync(folder)
    } catch {
      // What was to be on the disk is, or its failure is under way.
    }
  }
}

/** The same, where that can be asked for: not of a folder that may be written to and not read, nor of every network file system. */
function syncName(path: string): void {
  try {
    syncFolder(path)
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    if (code !== 'EACCES' && code !== 'EINVAL' && code !== 'ENOTSUP') throw error
  }
}
