/** Whether a data folder is fit to serve from: the folder, the space, the mail, the accounts, and every file that the server reads when it starts. RFC 5321 §6.1. */

import { X509Certificate } from 'node:crypto'
import { accessSync, constants, existsSync, readdirSync, readFileSync, statfsSync } from 'node:fs'
import { join } from 'node:path'
import { sqliteDirectory } from '../../directories/sqlite/index.ts'
import { secretFile } from '../../outbound/index.ts'
import { readKeyFile } from '../../outbound/signing/key-files.ts'
import { personalFiles } from '../../server/index.ts'
import { sqliteState, sqliteStore } from '../../stores/sqlite/index.ts'
import type { Finding } from './finding.ts'

const GIB = 2 ** 30
const DAY = 86_400_000

/** What a look at one thing found, in words, or what to do where it is not well; throws where it cannot be used at all. */
type Look = () => Promise<string | Unwell> | string | Unwell

interface Unwell {
  readonly found: string
  readonly todo: string
}

/** Looks at everything in the folder. Makes and changes no mail or account. */
export async function* examineFolder(data: string): AsyncGenerator<Finding, void> {
  const files = personalFiles(data)
  const first = await look('folder', () => folder(data))
  yield first
  if (first.level === 'fault') return
  yield look('space', () => space(data))
  for (const [name, path, of] of [
    ['mail', files.mail, mail],
    ['accounts', files.directory, accounts],
    ['certificate', files.tls, certificate],
    ['signing keys', files.dkim, signingKeys],
    ['return secret', files.secret, returnSecret],
    ['what filters learned', files.state, learned],
  ] as const) {
    // Opening makes what is not there, and a doctor makes nothing.
    yield look(name, () => (existsSync(path) ? of(path) : 'none yet: made when the server first needs it'))
  }
}

async function look(check: string, what: Look): Promise<Finding> {
  const common = { check, looked: check } as const
  try {
    const result = await what()
    return typeof result === 'string' ? { ...common, level: 'ok', found: result } : { ...common, level: 'fault', ...result }
  } catch (error) {
    return { ...common, level: 'fault', found: error instanceof Error ? error.message : String(error) }
  }
}

function folder(data: string): string | Unwell {
  if (!existsSync(data)) return { found: `${data} does not exist`, todo: 'name the right one with --data, or start the server to make it' }
  try {
    accessSync(data, constants.R_OK | constants.W_OK | constants.X_OK)
  } catch (error) {
    const why = error instanceof Error && 'code' in error ? ` (${String(error.code)})` : ''
    return { found: `${data} may not be read and written${why}`, todo: 'check its owner and permissions, and how its disk is mounted' }
  }
  return `${data} is there and can be written`
}

function space(data: string): string | Unwell {
  const { bavail, bsize } = statfsSync(data)
  const free = bavail * bsize
  const text = `${(free / GIB).toFixed(1)} GiB free`
  return free < GIB ? { found: `only ${text}`, todo: 'make room before mail has to be refused' } : text
}

async function mail(path: string): Promise<string | Unwell> {
  const store = sqliteStore({ path })
  try {
    const problems: string[] = []
    for await (const { kind, text } of store.verify()) if (kind !== 'stray-file') problems.push(text)
    const [first] = problems
    if (first !== undefined) return { found: `${problems.length} problems, the first: ${first}`, todo: '"mailwright verify" lists all' }
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

/** Throws, with the way out, for a file that would keep the server from starting; so do the looks below. */
async function signingKeys(folder: string): Promise<string> {
  const domains = readdirSync(folder)
    .filter(name => name.endsWith('.json'))
    .map(name => name.slice(0, -'.json'.length))
  for (const domain of domains) await readKeyFile(folder, domain)
  return domains.length === 0 ? 'none yet: made when the server starts' : `for ${domains.join(', ')}`
}

function returnSecret(path: string): string {
  secretFile(path)
  return 'is there'
}

async function learned(path: string): Promise<string> {
  await sqliteState({ path }).close()
  return 'can be read'
}

function certificate(path: string): string | Unwell {
  const found = readdirSync(path)
    .filter(name => name.endsWith('-cert.pem'))
    .map(name => new X509Certificate(readFileSync(join(path, name))))
  for (const { subjectAltName = 'nobody', validTo, validToDate } of found) {
    if (validToDate.getTime() < Date.now() + DAY)
      return { found: `for ${subjectAltName}, valid until ${validTo} only`, todo: 'restart the server to have a new one' }
  }
  return found.length === 0
    ? 'none yet: made when the server starts'
    : found.map(({ subjectAltName, validTo }) => `for ${subjectAltName}, valid until ${validTo}`).join('; ')
}
