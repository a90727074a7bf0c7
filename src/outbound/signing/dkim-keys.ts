/** A server's own signing keys: made on first start, published before they are used, and retired in time. RFC 6376 §3.1, §3.6. */

import type { Clock } from '../../contracts/clock.ts'
import { ConfigurationError } from '../../contracts/mail-error.ts'
import { generateKey, keyRecordName, txtStrings, type KeyType } from '../../dkim/index.ts'
import { canonicalDomain } from '../../mime/index.ts'
import { readKeyFile, writeKeyFile, type KeptKey, type KeyState } from './key-files.ts'
import { readyKey, type ReadyKey, type SigningKeys } from './signing-key.ts'

/** A TXT record to publish. */
export interface DkimRecord {
  /** `selector._domainkey.domain`. */
  readonly name: string
  readonly text: string
  /** The text as a zone file wants it: strings of at most 255 octets. */
  readonly strings: readonly string[]
  readonly state: KeyState
}

/** Options of {@link dkimKeys}. */
export interface DkimKeysOptions {
  /** Made when it is not there. One file for each domain, `0600`. */
  readonly folder: string
  /** Domains that sign. More can be added by {@link DkimKeyStore.add}. */
  readonly domains: readonly string[]
  /** Kinds of keys; each signs. Default: both. */
  readonly types?: readonly KeyType[]
  /** Of RSA keys. Default 2048. */
  readonly bits?: number
  /** How long a new key is published before it signs, milliseconds. Default 3 days: longer than DNS caches say "no such name". */
  readonly publishMs?: number
  /** How long a retired key stays published, milliseconds. Default 8 days: longer than mail stays in queues. */
  readonly retireMs?: number
  /** Keys older than this get a successor by {@link DkimKeyStore.tend}, milliseconds. Default: they do not, since somebody must publish it. */
  readonly rotateAfterMs?: number
  /** Whether a record can be seen in DNS. Default: it is taken for granted once `publishMs` are over. */
  readonly published?: (record: DkimRecord) => Promise<boolean>
  readonly clock?: Pick<Clock, 'now'>
}

/** The keys of a server. */
export interface DkimKeyStore extends SigningKeys {
  /** Domains with keys. */
  readonly domains: readonly string[]
  /** Those of them whose first keys were made by this store, and so are nowhere published yet. */
  readonly made: readonly string[]
  /** Makes keys for a domain that has none yet. */
  add(domain: string): Promise<void>
  /** What must be in DNS at present, for one domain or for all. */
  records(domain?: string): readonly DkimRecord[]
  /** Makes the successors of a domain's keys, to be published; nothing when there are some already. */
  prepare(domain: string): Promise<void>
  /**
   * Lets the successors sign. `not-ready`: there are none, they are not published long enough, or `published` does not see
   * them; then nothing changes.
   */
  rotate(domain: string): Promise<'rotated' | 'not-ready'>
  /** Does what is due: prepares, rotates, forgets. Call it once an hour or once a day. */
  tend(): Promise<void>
}

const DAY = 86_400_000

/**
 * Opens the keys in a folder, and makes those that are missing: an RSA key of 2048 bits and an Ed25519 key for each domain. A
 * promise that resolves stands for keys on disk. Throws a ConfigurationError `MW_DKIM_KEYS` for a domain that is none or files that
 * others may read. Changes of one folder belong to one process at a time; others that sign with it see them at their next `tend`.
 */
export async function dkimKeys(options: DkimKeysOptions): Promise<DkimKeyStore> {
  const store = new KeyStore(options)
  for (const domain of options.domains) await store.add(domain)
  return store
}

class KeyStore implements DkimKeyStore {
  readonly #options: DkimKeysOptions
  readonly #clock: Pick<Clock, 'now'>
  readonly #kept = new Map<string, readonly KeptKey[]>()
  readonly #ready = new Map<string, readonly ReadyKey[]>()
  readonly made: string[] = []

  constructor(options: DkimKeysOptions) {
    this.#options = options
    this.#clock = options.clock ?? Date
  }

  get domains(): readonly string[] {
    return [...this.#kept.keys()]
  }

  keysOf(domain: string): readonly ReadyKey[] {
    return this.#ready.get(domain) ?? []
  }

  async add(domain: string): Promise<void> {
    const name = domainOf(domain)
    if (this.#kept.has(name)) return
    const { folder } = this.#options
    const there = await readKeyFile(folder, name)
    if (there !== undefined) {
      this.#take(name, there)
      return
    }
    const made = await this.#make([], 'current')
    if (await writeKeyFile(folder, name, made, true)) {
      this.#take(name, made)
      this.made.push(name)
    } else this.#take(name, (await readKeyFile(folder, name)) ?? made)
  }

  records(domain?: string): readonly DkimRecord[] {
    const names = domain === undefined ? this.domains : [domainOf(domain)]
    return names.flatMap(name => (this.#kept.get(name) ?? []).map(key => recordOf(name, key)))
  }

  async prepare(domain: string): Promise<void> {
    const name = domainOf(domain)
    const keys = await this.#reread(name)
    if (keys.some(({ state }) => state === 'next')) return
    await this.#write(name, [...keys, ...(await this.#make(keys, 'next'))])
  }

  async rotate(domain: string): Promise<'rotated' | 'not-ready'> {
    const name = domainOf(domain)
    const { publishMs = 3 * DAY, published } = this.#options
    const now = this.#clock.now()
    const keys = await this.#reread(name)
    const next = keys.filter(({ state }) => state === 'next')
    if (next.length === 0 || next.some(({ since }) => now - since < publishMs)) return 'not-ready'
    if (published !== undefined) for (const key of next) if (!(await published(recordOf(name, key)))) return 'not-ready'
    const turned = keys.map((key): KeptKey => {
      if (key.state === 'next') return { ...key, state: 'current', since: now }
      if (key.state === 'retired') return key
      // What nobody has can sign no more; the public half stays for mail that is on its way.
      const { selector, type, record } = key
      return { selector, type, record, state: 'retired', since: now }
    })
    await this.#write(name, turned)
    return 'rotated'
  }

  async tend(): Promise<void> {
    const { rotateAfterMs, retireMs = 8 * DAY } = this.#options
    for (const domain of this.domains) {
      const now = this.#clock.now()
      const keys = await this.#reread(domain)
      const left = keys.filter(({ state, since }) => state !== 'retired' || now - since < retireMs)
      if (left.length < keys.length) await this.#write(domain, left)
      const isOld = left.some(({ state, since }) => state === 'current' && rotateAfterMs !== undefined && now - since >= rotateAfterMs)
      if (isOld) await this.prepare(domain)
      await this.rotate(domain)
    }
  }

  /** What is on disk now: another process may have changed it. */
  async #reread(domain: string): Promise<readonly KeptKey[]> {
    const known = this.#kept.get(domain)
    if (known === undefined) throw new ConfigurationError('MW_DKIM_KEYS', `no DKIM keys for ${domain}: add the domain first`)
    const keys = (await readKeyFile(this.#options.folder, domain)) ?? known
    this.#take(domain, keys)
    return keys
  }

  async #make(known: readonly KeptKey[], state: KeyState): Promise<readonly KeptKey[]> {
    const { types = ['ed25519', 'rsa'], bits } = this.#options
    const since = this.#clock.now()
    return Promise.all(
      types.map(async type => ({ ...(await generateKey(type, bits)), selector: freeSelector(since, type, known), state, since })),
    )
  }

  async #write(domain: string, keys: readonly KeptKey[]): Promise<void> {
    await writeKeyFile(this.#options.folder, domain, keys, false)
    this.#take(domain, keys)
  }

  #take(domain: string, keys: readonly KeptKey[]): void {
    const ready = keys.flatMap(({ selector, privateKey, state }) =>
      state === 'current' && privateKey !== undefined ? [readyKey({ domain, selector, privateKey })] : [],
    )
    this.#kept.set(domain, keys)
    this.#ready.set(domain, ready)
  }
}

function recordOf(domain: string, { selector, record, state }: KeptKey): DkimRecord {
  return { name: keyRecordName(domain, selector), text: record, strings: txtStrings(record), state }
}

function domainOf(text: string): string {
  const domain = canonicalDomain(text)
  if (domain === undefined) throw new ConfigurationError('MW_DKIM_KEYS', `not a domain: ${JSON.stringify(text)}`)
  return domain
}

/** RFC 6376 §3.1: a selector is never used for a second key. The day, a letter for the kind, a number where that is taken. */
function freeSelector(now: number, type: KeyType, known: readonly KeptKey[]): string {
  const day = new Date(now).toISOString().slice(0, 10).replaceAll('-', '')
  const taken = new Set(known.map(({ selector }) => selector))
  const base = `mw${day}${type === 'rsa' ? 'r' : 'e'}`
  let selector = base
  for (let count = 2; taken.has(selector); count++) selector = `${base}${count}`
  return selector
}
