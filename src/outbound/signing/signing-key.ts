/** A private key that signs for a domain. RFC 6376 §3.1, §3.3; RFC 8301 §3.2; RFC 8463 §3. */

import { createHash, createPrivateKey, sign, type KeyObject } from 'node:crypto'
import { ConfigurationError } from '../../contracts/mail-error.ts'
import { MINIMUM_RSA_BITS, type KeyType } from '../../dkim/index.ts'
import { canonicalDomain } from '../../mime/index.ts'

/** A key as a host gives it. */
export interface SigningKey {
  /** Whose mail it signs: this domain, and domains below it that have no keys of their own. */
  readonly domain: string
  readonly selector: string
  /** PEM, or a key object. */
  readonly privateKey: string | KeyObject
  /** Default: what the key is. */
  readonly algorithm?: 'rsa-sha256' | 'ed25519-sha256'
}

/** Gives the keys in force; asked for every message, so it answers at once. */
export interface SigningKeys {
  /** Keys for exactly this domain (A-labels, lower case); empty when there are none. */
  keysOf(domain: string): readonly ReadyKey[]
}

/** A key that was checked. */
export interface ReadyKey {
  readonly domain: string
  readonly selector: string
  readonly type: KeyType
  readonly key: KeyObject
}

const SELECTOR = /^[a-z0-9](?:[a-z0-9_-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9_-]{0,61}[a-z0-9])?)*$/

/**
 * Checks a key. Throws a ConfigurationError with the code `MW_DKIM_KEY` for a domain or selector that is none, a key that cannot be
 * read, that is not what `algorithm` says, or RSA below 1024 bits.
 */
export function readyKey({ domain, selector, privateKey, algorithm }: SigningKey): ReadyKey {
  const fault = (text: string, cause?: unknown): ConfigurationError =>
    new ConfigurationError('MW_DKIM_KEY', `DKIM key ${selector} of ${domain}: ${text}`, { cause })
  const canonical = canonicalDomain(domain)
  if (canonical === undefined) throw fault('the domain is none')
  const name = selector.toLowerCase()
  if (!SELECTOR.test(name)) throw fault('a selector is letters, digits, hyphens and dots')
  let key: KeyObject
  try {
    key = typeof privateKey === 'string' ? createPrivateKey(privateKey) : privateKey
  } catch (error) {
    throw fault('the private key cannot be read', error)
  }
  const type = key.asymmetricKeyType
  if (key.type !== 'private' || (type !== 'rsa' && type !== 'ed25519')) throw fault('neither an RSA nor an Ed25519 private key')
  if (algorithm !== undefined && algorithm !== `${type}-sha256`) throw fault(`the key is for ${type}-sha256, not for ${algorithm}`)
  if (type === 'rsa' && (key.asymmetricKeyDetails?.modulusLength ?? 0) < MINIMUM_RSA_BITS)
    throw fault(`shorter than ${MINIMUM_RSA_BITS} bits, no verifier accepts it`)
  return { domain: canonical, selector: name, type, key }
}

/** Keys that stay as they are. */
export function fixedKeys(keys: readonly SigningKey[]): SigningKeys {
  const byDomain = Map.groupBy(
    keys.map(key => readyKey(key)),
    ({ domain }) => domain,
  )
  return { keysOf: domain => byDomain.get(domain) ?? [] }
}

/** The keys of a domain or, where it has none, of the nearest domain above it. */
export function keysFor(domain: string, source: SigningKeys): readonly ReadyKey[] {
  for (let name = domain; name !== ''; name = name.slice(name.indexOf('.') + 1)) {
    const keys = source.keysOf(name)
    if (keys.length > 0) return keys
    if (!name.includes('.')) break
  }
  return []
}

/** Signs octets in the thread pool, so that the event loop is free meanwhile. */
export function signWith({ type, key }: ReadyKey, input: Uint8Array): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const done = (error: Error | null, signature: Uint8Array): void => (error === null ? resolve(signature) : reject(error))
    if (type === 'rsa') sign('sha256', input, key, done)
    else sign(undefined, createHash('sha256').update(input).digest(), key, done)
  })
}
