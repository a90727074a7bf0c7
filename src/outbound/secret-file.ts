/** A secret that is made once and kept: what rewritten senders and bounce addresses are proved with. */

import { randomBytes } from 'node:crypto'
import { linkSync, readFileSync, unlinkSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { ConfigurationError } from '../contracts/mail-error.ts'
import { makeFolder } from '../files/folder.ts'

/**
 * The secret in a file, 64 hexadecimal digits; made on first use, readable by its owner only. Two processes that start at once get the
 * same. Throws `ConfigurationError` `MW_SECRET_FILE` for a file that holds none.
 */
export function secretFile(path: string): string {
  const kept = read(path)
  if (kept !== undefined) return kept
  makeFolder(dirname(path))
  const temporary = `${path}.${process.pid}`
  writeFileSync(temporary, `${randomBytes(32).toString('hex')}\n`, { mode: 0o600, flag: 'w' })
  try {
    // A link never replaces: whoever was first stays.
    linkSync(temporary, path)
  } catch (error) {
    if (!(error instanceof Error) || !('code' in error) || error.code !== 'EEXIST') throw error
  } finally {
    unlinkSync(temporary)
  }
  return read(path) ?? secretFile(path)
}

function read(path: string): string | undefined {
  try {
    const text = readFileSync(path, 'latin1').trim()
    if (!/^[0-9a-f]{64}$/.test(text))
      throw new ConfigurationError('MW_SECRET_FILE', `${path} holds no secret: remove it, and another is made`)
    return text
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  }
}
