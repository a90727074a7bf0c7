/** Whether a data folder is fit to serve from: the folder, the space, the mail, the accounts, the certificate. RFC 5321 §6.1. */

import { X509Certificate } from 'node:crypto'
import { accessSync, constants, existsSync, readdirSync, readFileSync, statfsSync } from 'node:fs'
import { join } from 'node:path'
import { sqliteDirectory } from '../directories/sqlite/index.ts'
import { personalFiles } from '../server/index.ts'
import { sqliteStore } from '../stores/sqlite/index.ts'
import type { Terminal } from './terminal.ts'

const GIB = 2 ** 30
const DAY = 86_400_000

/** What a look at one thing found, in words; throws where it is not well. */
type Look = () => string | Promise<string>

/** Looks at everything, tells what is well and what is not, and answers whether all is well. Makes and changes no mail or account. */
export async function examine(data: string, terminal: Terminal): Promise<boolean> {
  const files = personalFiles(data)
  if (!(await look('folder', () => folder(data), terminal))) return false
  let isWell = await look('space', () => space(data), terminal)
  for (const [name, path, of] of [
    ['mail', files.mail, mail],
    ['accounts', files.directory, accounts],
    ['certificate', files.tls, certificate],
  ] as const) {
    // Opening makes what is not there, and a doctor makes nothing.
    const found = await look(name, () => (existsSync(path) ? of(path) : 'none yet: made when the server first needs it'), terminal)
    isWell &&= found
  }
  return isWell
}

async function look(check: string, what: Look, terminal: Terminal): Promise<boolean> {
  try {
    const text = await what()
    terminal.tell(`well    ${check}: ${text}`, { check, ok: true, text })
    return true
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error)
    terminal.tell(`unwell  ${check}: ${text}`, { check, ok: false, text })
    return false
  }
}

function folder(data: string): string {
  if (!existsSync(data)) throw new Error(`${data} does not exist: name the right one with --data, or start the server to make it`)
  accessSync(data, constants.R_OK | constants.W_OK | constants.X_OK)
  return `${data} is there and can be written`
}

function space(data: string): string {
  const { bavail, bsize } = statfsSync(data)
  const free = bavail * bsize
  const text = `${(free / GIB).toFixed(1)} GiB free`
  if (free < GIB) throw new Error(`only ${text}: make room before mail has to be refused`)
  return text
}

async function mail(path: string): Promise<string> {
  const store = sqliteStore({ path })
  try {
    const problems: string[] = []
    for await (const { kind, text } of store.verify()) if (kind !== 'stray-file') problems.push(text)
    const [first] = problems
    if (first !== undefined) throw new Error(`${problems.length} problems, the first: ${first}; "mailwright verify" lists all`)
    return 'opens, and a quick look finds no damage'
  } finally {
    await store.close()
  }
}

async function accounts(path: string): Promise<string> {
  const directory = sqliteDirectory({ path })
  try {
    const [known, domains] = [await directory.accounts(), await directory.domains()]
    return `${known.length} in ${domains.length === 0 ? 'no domain' : domains.join(', ')}`
  } finally {
    directory.close()
  }
}

function certificate(path: string): string {
  const found = readdirSync(path)
    .filter(name => name.endsWith('-cert.pem'))
    .map(name => new X509Certificate(readFileSync(join(path, name))))
  for (const { subjectAltName = 'nobody', validTo, validToDate } of found) {
    if (validToDate.getTime() < Date.now() + DAY) {
      throw new Error(`for ${subjectAltName}, valid until ${validTo} only: restart the server to have a new one`)
    }
  }
  return found.length === 0
    ? 'none yet: made when the server starts'
    : found.map(({ subjectAltName, validTo }) => `for ${subjectAltName}, valid until ${validTo}`).join('; ')
}
