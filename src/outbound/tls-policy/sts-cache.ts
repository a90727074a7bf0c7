/** Policies of MTA-STS remembered: who has asked once cannot be talked out of it by whoever holds back the next answer. RFC 8461 §3.3, §5.1, §10.2. */

import { readFile, rename, writeFile } from 'node:fs/promises'
import type { StsPolicy } from './sts-policy.ts'

/** A policy as it was fetched. */
export interface StsEntry {
  /** Of the TXT record that it was fetched for. */
  readonly id: string
  readonly policy: StsPolicy
  /** Milliseconds since the epoch: until when it holds, whatever becomes of the record. */
  readonly expiresAt: number
}

/** Keeps policies by domain. */
export interface StsCache {
  /** What was set last, whether it still holds or not. */
  get(domain: string): Promise<StsEntry | undefined>
  /** Adds or replaces. */
  set(domain: string, entry: StsEntry): Promise<void>
}

/** Domains kept by default. */
const MOST = 10_000

/** Keeps policies while the process runs; of more than `max` (default 10,000), those that were set first go first. */
export function memoryStsCache(options: { readonly max?: number } = {}): StsCache {
  const entries = new Map<string, StsEntry>()
  return {
    get: domain => Promise.resolve(entries.get(domain)),
    set(domain, entry) {
      put(entries, domain, entry, options.max ?? MOST)
      return Promise.resolve()
    },
  }
}

/**
 * Keeps policies in a JSON file as well, written anew after each change and replaced in one step. A file that cannot be read counts as
 * empty: policies are fetched again. `set` rejects when the file cannot be written; the policy is kept in memory all the same.
 */
export function fileStsCache(path: string, options: { readonly max?: number } = {}): StsCache {
  let loaded: Promise<Map<string, StsEntry>> | undefined
  let writing: Promise<void> = Promise.resolve()
  const load = (): Promise<Map<string, StsEntry>> => (loaded ??= entriesIn(path))
  const save = async (): Promise<void> => {
    const entries = await load()
    await writeFile(`${path}.new`, JSON.stringify(Object.fromEntries(entries)), { mode: 0o600 })
    await rename(`${path}.new`, path)
  }
  return {
    get: async domain => (await load()).get(domain),
    async set(domain, entry) {
      put(await load(), domain, entry, options.max ?? MOST)
      writing = writing.then(save, save)
      await writing
    },
  }
}

function put(entries: Map<string, StsEntry>, domain: string, entry: StsEntry, max: number): void {
  entries.delete(domain)
  entries.set(domain, entry)
  const oldest = entries.size > max ? entries.keys().next().value : undefined
  if (oldest !== undefined) entries.delete(oldest)
}

async function entriesIn(path: string): Promise<Map<string, StsEntry>> {
  try {
    const parsed: unknown = JSON.parse(await readFile(path, 'utf8'))
    return new Map(typeof parsed === 'object' && parsed !== null ? Object.entries(parsed).filter(isEntry) : [])
  } catch {
    // Not there yet, or not ours: both begin anew.
    return new Map()
  }
}

function isEntry(pair: [string, unknown]): pair is [string, StsEntry] {
  const entry = pair[1]
  if (typeof entry !== 'object' || entry === null || !('policy' in entry) || !('expiresAt' in entry) || !('id' in entry)) return false
  const { policy } = entry
  return (
    typeof entry.id === 'string' &&
    typeof entry.expiresAt === 'number' &&
    typeof policy === 'object' &&
    policy !== null &&
    'mode' in policy &&
    (policy.mode === 'enforce' || policy.mode === 'testing' || policy.mode === 'none') &&
    'mx' in policy &&
    Array.isArray(policy.mx) &&
    policy.mx.every(name => typeof name === 'string') &&
    'maxAge' in policy &&
    typeof policy.maxAge === 'number'
  )
}
