/** Keys on disk: one file for each domain, readable by its owner only, replaced as a whole. RFC 6376 §3.1, §8.3. */

import { link, open, readFile, rename, stat, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { randomUUID } from 'node:crypto'
import { setTimeout as wait } from 'node:timers/promises'
import { ConfigurationError, MailError } from '../../contracts/mail-error.ts'
import type { KeyType } from '../../dkim/index.ts'
import { makeFolder } from '../../files/folder.ts'

/** Where a key stands: made known but not used yet, signing, or only made known so that mail on its way still verifies. */
export type KeyState = 'next' | 'current' | 'retired'

/** A key as it is kept. */
export interface KeptKey {
  readonly selector: string
  readonly type: KeyType
  readonly state: KeyState
  /** When it came into that state, milliseconds since the epoch. */
  readonly since: number
  /** Since when DNS shows it without a break, as far as anybody looked; milliseconds since the epoch. */
  readonly seen?: number
  /** Text of the TXT record. */
  readonly record: string
  /** PEM; gone once the key is retired. */
  readonly privateKey?: string
}

/** Octets of group and others in a file's mode. */
const OTHERS = 0o077

/** Reads a domain's file; `undefined` when there is none. Throws `MW_DKIM_KEYS` when others may read it, `corrupt` for what is no key file. */
export async function readKeyFile(folder: string, domain: string): Promise<readonly KeptKey[] | undefined> {
  const path = pathOf(folder, domain)
  try {
    const { mode } = await stat(path)
    if (process.platform !== 'win32' && (mode & OTHERS) !== 0)
      throw new ConfigurationError('MW_DKIM_KEYS', `${path} can be read by others than its owner: chmod 600 ${path}`)
    const keys: unknown = (JSON.parse(await readFile(path, 'utf8')) as { keys?: unknown }).keys
    if (!Array.isArray(keys) || !keys.every(isKeptKey)) throw new MailError('corrupt', `${path} holds no DKIM keys`)
    return keys
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined
    if (error instanceof SyntaxError)
      throw new MailError(
        'corrupt',
        `${path} is damaged, it is not JSON: restore it from a backup, or move it away to have new keys, which must be published`,
        { cause: error },
      )
    throw error
  }
}

function isKeptKey(value: unknown): value is KeptKey {
  if (typeof value !== 'object' || value === null) return false
  const { selector, type, state, since, seen, record, privateKey } = value as Partial<Record<keyof KeptKey, unknown>>
  return (
    typeof selector === 'string' &&
    (type === 'rsa' || type === 'ed25519') &&
    (state === 'next' || state === 'current' || state === 'retired') &&
    typeof since === 'number' &&
    (seen === undefined || typeof seen === 'number') &&
    typeof record === 'string' &&
    (privateKey === undefined ? state === 'retired' : typeof privateKey === 'string')
  )
}

/** A change takes milliseconds: whoever holds the lock longer is gone. */
const STALE_LOCK = 10_000
const LOCK_PAUSE = 20

/** Runs `change` while no other process changes the domain's file. */
export async function withKeysLocked<T>(folder: string, domain: string, change: () => Promise<T>): Promise<T> {
  const lock = `${pathOf(folder, domain)}.lock`
  makeFolder(folder)
  for (;;) {
    try {
      await (await open(lock, 'wx', 0o600)).close()
      break
    } catch (error) {
      if (codeOf(error) !== 'EEXIST') throw error
    }
    const held = await stat(lock).catch(() => undefined)
    if (held !== undefined && Date.now() - held.mtimeMs > STALE_LOCK) await unlink(lock).catch(() => undefined)
    else await wait(LOCK_PAUSE)
  }
  try {
    return await change()
  } finally {
    await unlink(lock).catch(() => undefined)
  }
}

/** Writes a domain's file, durably and as a whole; `fresh`: only if there is none, else `false` is answered. */
export async function writeKeyFile(folder: string, domain: string, keys: readonly KeptKey[], fresh: boolean): Promise<boolean> {
  makeFolder(folder)
  const path = pathOf(folder, domain)
  const temporary = `${path}.${randomUUID()}`
  const file = await open(temporary, 'wx', 0o600)
  try {
    await file.writeFile(`${JSON.stringify({ domain, keys }, undefined, 2)}\n`)
    await file.sync()
  } finally {
    await file.close()
  }
  try {
    if (!fresh) await rename(temporary, path)
    else {
      // A link never replaces: of two servers that start on one folder, the second takes the keys of the first.
      await link(temporary, path)
      await unlink(temporary)
    }
  } catch (error) {
    await unlink(temporary).catch(() => undefined)
    if (fresh && codeOf(error) === 'EEXIST') return false
    throw error
  }
  await syncFolder(folder)
  return true
}

async function syncFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

function pathOf(folder: string, domain: string): string {
  return join(folder, `${domain}.json`)
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined
}
