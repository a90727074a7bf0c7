/** Whether a folder is one of a server, before a command would make it one by mistake. */

import { accessSync, constants, existsSync, statSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { makeFolder } from '../files/folder.ts'
import { personalFiles } from '../server/index.ts'

/** What a command may need. */
type Need = 'mail' | 'accounts'

interface NeededFile {
  readonly called: string
  path(data: string): string
}

const FILES: Readonly<Record<Need, NeededFile>> = {
  mail: { called: 'mail store', path: data => join(personalFiles(data).mail, 'mail.sqlite') },
  accounts: { called: 'directory of accounts', path: data => personalFiles(data).directory },
}

/** Makes a folder for a server or a copy. Throws, with the way out, where none can be. */
export function newFolder(path: string): void {
  try {
    makeFolder(path)
  } catch (error) {
    throw new Error(`${resolve(path)} cannot be made: name a folder that can be written to`, { cause: error })
  }
}

/** Throws, with the way out, unless the folder has what is asked for. Makes nothing. */
export function mustHave(data: string, needs: readonly Need[]): void {
  const folder = resolve(data)
  if (existsSync(folder) && !statSync(folder).isDirectory()) throw new Error(`${folder} is a file: name the folder of a server with --data`)
  if (existsSync(folder) && !mayUse(folder))
    throw new Error(`${folder} may not be used by this user: work as the one that the server runs as`)
  for (const need of needs) {
    const needed = FILES[need]
    if (existsSync(needed.path(data))) continue
    throw new Error(`there is no ${needed.called} in ${folder}${existsSync(folder) ? '' : ', which does not exist'}: ${wayOut(data, need)}`)
  }
}

function mayUse(folder: string): boolean {
  try {
    accessSync(folder, constants.R_OK | constants.X_OK)
    return true
  } catch {
    return false
  }
}

function wayOut(data: string, need: Need): string {
  const isThere = (folder: string): boolean => existsSync(FILES[need].path(folder))
  const within = join(data, 'data')
  if (isThere(within)) return `did you mean --data ${within}?`
  const above = dirname(resolve(data))
  if (isThere(above)) return `did you mean --data ${above}?`
  const beside = join(above, 'data')
  if (basename(resolve(data)) !== 'data' && isThere(beside)) return `did you mean --data ${beside}?`
  return 'name the folder of your server with --data, or make one with "mailwright serve" or "mailwright user add ADDRESS"'
}
