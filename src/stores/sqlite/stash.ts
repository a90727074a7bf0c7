/** Puts a large message that lies in no file into one, so that the writer's thread can copy it without it being in memory. */

import { readdirSync, rmSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { MailError } from '../../contracts/mail-error.ts'
import type { MessageSource } from '../../contracts/message.ts'
import { makeFolder } from '../../files/folder.ts'
import { isLeftBehind, ownName } from '../own-file.ts'
import { quietly } from '../quietly.ts'
import { mailErrorOf } from './faults.ts'

const CHUNK = 262_144

/** The folder for such files inside a store's. */
function stashFolder(folder: string): string {
  return join(folder, 'incoming')
}

/** Copies the octets into a file of their own. */
export async function stashLarge(folder: string, source: MessageSource): Promise<{ readonly path: string; readonly remove: () => void }> {
  const path = join(stashFolder(folder), ownName(randomUUID()))
  const remove = (): void => rmSync(path, { force: true })
  try {
    makeFolder(stashFolder(folder))
    await using file = await open(path, 'wx', 0o600)
    for (let at = 0; at < source.size; at += CHUNK) {
      const octets = await source.read(at, at + CHUNK)
      const wanted = Math.min(CHUNK, source.size - at)
      if (octets.length !== wanted) throw new MailError('corrupt', `${octets.length} octets of ${wanted} could be read`)
      for (let done = 0; done < octets.length;) done += (await file.write(octets, done, octets.length - done, at + done)).bytesWritten
    }
    return { path, remove }
  } catch (error) {
    quietly(remove)
    throw mailErrorOf(error)
  }
}

/** Removes what a process that died left behind. */
export function clearStash(folder: string): void {
  for (const name of namesIn(stashFolder(folder))) {
    if (isLeftBehind(name)) quietly(() => rmSync(join(stashFolder(folder), name), { force: true }))
  }
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}
