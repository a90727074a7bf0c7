/** A server's own signing keys: made on first start, published before they are used, and retired in time. RFC 6376 §3.1, §3.6. */

import type { Clock } from '../../contracts/clock.ts'
import { ConfigurationError } from '../../contracts/mail-error.ts'
import { generateKey, keyRecordName, txtStrings, type KeyType } from '../../dkim/index.ts'
import { canonicalDomain } from '../../mime/index.ts'
import { readKeyFile, withKeysLocked, writeKeyFile, type KeptKey, type KeyState } from './key-files.ts'
import { readyKey, type ReadyKey, type SigningKeys } from './signing-key.ts'

/** A TXT record to publish. */
export interface DkimRecord {
  /** `selector._domainkey.domain`. */
  readonly name: string
  readonly text: string
  /** The text as a zone file wants it: strings of at most 255 octets. */
  readonly strings: readonly string[]
  readonly state: KeyState
  /** Domain that the key signs for. */
  readonly domain: string
  readonly selector: string
  /** When it came into its state, milliseconds since the epoch. */
  readonly since: number
  /** Since when DNS shows it, as far as {@link DkimKeysOptions.published} looked. */
  readonly seen?: number
}

/** What {@link DkimKeyStore.tend} did, or waits for. */
export interface DkimKeyNews {
  readonly domain: string
  /**
   * `prepared`: successors were made, publish `records`. `unpublished`: successors wait since DNS does not show `records`. `rotated`: successors
   * sign from now on; `records` are those of their forerunners, to be left in DNS. `forgotten`: `records` may be taken out of DNS.
   */
  readonly kind: 'prepared' | 'unpublished' | 'rotated' | 'forgotten'
  readonly records: readonly DkimRecord[]
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
  /**
   * How long a new key is published before it signs, milliseconds: since `published` first saw it, or without that since it was made. Default
   * 3 days: longer than DNS caches say "no such name".
   */
  readonly publishMs?: number
  /** How long a retired key stays published, milliseconds. Default 8 days: longer than mail stays in queues. */
  readonly retireMs?: number
  /** Keys older than this get a successor by {@link DkimKeyStore.tend}, milliseconds. Default: they do not, since somebody must publish it. */
  readonly rotateAfterMs?: number
  /**
   * Whether a record can be seen in DNS, such as by `keyPublication`; one that rejects cannot tell, and then nothing changes. Default: it is taken for granted once
   * `publishMs` are over.
   */
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
  /** Forgets retired keys, whose records may be taken out of DNS then; answers these. `age`: only those retired so many milliseconds ago. Default 0. */
  forget(domain: string, age?: number): Promise<readonly DkimRecord[]>
  /** Does what is due: prepares, rotates, forgets; answers what there is to tell. Call it once an hour or once a day. */
  tend(): Promise<readonly DkimKeyNews[]>
}

const DAY = 86_400_000

/**
 * Opens the keys in a folder, and makes those that are missing: an RSA key of 2048 bits and an Ed25519 key for each domain. A
 * promise that resolves stands for keys on disk. Throws a ConfigurationError `MW_DKIM_KEYS` for a domain that is none or files that
 * others may read. Several processes may change one folder; others that sign with it see a change at their next `tend`.
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
    if ((await this.#reread(name)).some(({ state }) => state === 'next')) return
    // Long work, so not while others wait.
    const made = await this.#make(this.#kept.get(name) ?? [], 'next')
    await this.#change(name, keys => (keys.some(({ state }) => state === 'next') ? keys : [...keys, ...made]))
  }

  async rotate(domain: string): Promise<'rotated' | 'not-ready'> {
    const name = domainOf(domain)
    const { next, shown } = await this.#looked(name)
    const { publishMs = 3 * DAY, published } = this.#options
    const now = this.#clock.now()
    const isReady = ({ since, seen }: KeptKey): boolean =>
      published === undefined ? passed(since, now) >= publishMs : seen !== undefined && passed(seen, now) >= publishMs
    if (next.length === 0 || !shown || !next.every(isReady)) return 'not-ready'
    const ready = new Set(next.map(({ selector }) => selector))
    let rotated = false
    await this.#change(name, keys => {
      // Somebody else may have been faster.
      rotated = keys.some(({ state }) => state === 'next') && keys.every(({ state, selector }) => state !== 'next' || ready.has(selector))
      return rotated ? keys.map(key => turned(key, now)) : keys
    })
    return rotated ? 'rotated' : 'not-ready'
  }

  async forget(domain: string, age: number = 0): Promise<readonly DkimRecord[]> {
    const name = domainOf(domain)
    const now = this.#clock.now()
    const isOver = ({ state, since }: KeptKey): boolean => state === 'retired' && passed(since, now) >= age
    if (!(await this.#reread(name)).some(isOver)) return []
    let gone: readonly KeptKey[] = []
    await this.#change(name, keys => {
      gone = keys.filter(isOver)
      return keys.filter(key => !isOver(key))
    })
    return gone.map(key => recordOf(name, key))
  }

  async tend(): Promise<readonly DkimKeyNews[]> {
    const { rotateAfterMs, retireMs = 8 * DAY } = this.#options
    const news: DkimKeyNews[] = []
    for (const domain of this.domains) {
      const tell = (kind: DkimKeyNews['kind'], records: readonly DkimRecord[]): void => {
        if (records.length > 0) news.push({ domain, kind, records })
      }
      tell('forgotten', await this.forget(domain, retireMs))
      const now = this.#clock.now()
      const keys = await this.#reread(domain)
      const isOld = keys.some(({ state, since }) => state === 'current' && rotateAfterMs !== undefined && now - since >= rotateAfterMs)
      const hasNext = keys.some(({ state }) => state === 'next')
      if (isOld && !hasNext) {
        await this.prepare(domain)
        tell('prepared', this.#records(domain, 'next'))
      }
      const before = new Set(this.#records(domain, 'current').map(({ selector }) => selector))
      if ((await this.rotate(domain)) === 'rotated')
        tell(
          'rotated',
          this.#records(domain, 'retired').filter(({ selector }) => before.has(selector)),
        )
      else if (hasNext && this.#options.published !== undefined)
        tell(
          'unpublished',
          this.#records(domain, 'next').filter(({ seen }) => seen === undefined),
        )
    }
    return news
  }

  #records(domain: string, state: KeyState): readonly DkimRecord[] {
    return this.records(domain).filter(record => record.state === state)
  }

  /** The successors, and whether DNS shows all of them; since when it shows each is written down. */
  async #looked(name: string): Promise<{ readonly next: readonly KeptKey[]; readonly shown: boolean }> {
    const { published } = this.#options
    const next = (await this.#reread(name)).filter(({ state }) => state === 'next')
    if (published === undefined || next.length === 0) return { next, shown: true }
    const found = new Map<string, boolean>()
    let shown = true
    for (const key of next) {
      // Who cannot tell does not say that it is gone.
      const answer = await published(recordOf(name, key)).catch(() => undefined)
      if (answer !== undefined) found.set(key.selector, answer)
      shown &&= answer === true
    }
    const now = this.#clock.now()
    if (next.some(({ selector, seen }) => found.has(selector) && (seen !== undefined) !== found.get(selector))) {
      await this.#change(name, keys =>
        keys.map(key => {
          const answer = found.get(key.selector)
          if (key.state !== 'next' || answer === undefined) return key
          const { seen = now, ...rest } = key
          return answer ? { ...rest, seen } : rest
        }),
      )
    }
    return { next: (this.#kept.get(name) ?? []).filter(({ state }) => state === 'next'), shown }
  }

  /** Changes what is on disk, while nobody else does. */
  async #change(domain: string, change: (keys: readonly KeptKey[]) => readonly KeptKey[]): Promise<void> {
    await withKeysLocked(this.#options.folder, domain, async () => {
      const keys = await this.#reread(domain)
      const changed = change(keys)
      if (changed !== keys) await this.#write(domain, changed)
    })
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

function recordOf(domain: string, { selector, record, state, since, seen }: KeptKey): DkimRecord {
  const looked = seen === undefined ? {} : { seen }
  return { name: keyRecordName(domain, selector), text: record, strings: txtStrings(record), state, domain, selector, since, ...looked }
}

/** How long something has been so. A clock that was put back since has not made it less than just now. */
function passed(since: number, now: number): number {
  return Math.max(0, now - since)
}

/** One step further: what nobody has can sign no more; the public half stays for mail that is on its way. */
function turned(key: KeptKey, now: number): KeptKey {
  if (key.state === 'next') return { ...key, state: 'current', since: now }
  if (key.state === 'retired') return key
  const { selector, type, record } = key
  return { selector, type, record, state: 'retired', since: now }
}

function domainOf(text: string): string {
  const domain = canonicalDomain(text)
  if (domain === undefined) throw new ConfigurationError('MW_DKIM_KEYS', `not a domain: ${JSON.stringify(text)}`)
  return domain
}

/** RFC 6376 §3.1: a selector is never used for a second key. The day, a letter for the kind, a number above all that were known of that day. */
function freeSelector(now: number, type: KeyType, known: readonly KeptKey[]): string {
  const day = new Date(now).toISOString().slice(0, 10).replaceAll('-', '')
  const base = `mw${day}${type === 'rsa' ? 'r' : 'e'}`
  const numbers = known.flatMap(({ selector }) => (selector.startsWith(base) ? [Number(selector.slice(base.length) || 1)] : []))
  return numbers.length === 0 ? base : `${base}${Math.max(...numbers) + 1}`
}
