/** A line kept in a file of its own until it is taken away: what must be known after a crash and belongs in no store. */

import { closeSync, fsyncSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'
import { syncFolder } from './folder.ts'

/** Keeps a line, durably when this returns; its folder must exist. */
export function keepNote(file: string, line: string): void {
  const note = openSync(file, 'w', 0o600)
  try {
    writeSync(note, `${line}\n`)
    fsyncSync(note)
  } finally {
    closeSync(note)
  }
  // The file's name must survive too.
  syncFolder(dirname(file))
}

/** The line that is kept, if one is. */
export function noteIn(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8').trimEnd()
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  }
}

/** Takes the line away; none is no error. */
export function removeNote(file: string): void {
  rmSync(file, { force: true })
}
