/** Public keys as domains publish them. RFC 6376 §3.6.1, §6.1.2; RFC 8301 §3.2; RFC 8463 §4.2. */

import { createPublicKey, type KeyObject } from 'node:crypto'
import { asciiLowerCase } from '../bytes/ascii.ts'
import { octetsOfBase64 } from './base64.ts'
import { colonList, parseTagList, withoutFws } from './tag-list.ts'

/** Kinds of keys. RFC 6376 §3.3; RFC 8463 §3. */
export type KeyType = 'rsa' | 'ed25519'

/** A key record that can be used. */
export interface KeyRecord {
  readonly type: KeyType
  readonly publicKey: KeyObject
  /** Length of an RSA modulus; 256 for Ed25519. */
  readonly bits: number
  /** `t=y`: the domain is only trying; its results count as if there were no signature. */
  readonly testing: boolean
  /** `t=s`: the domain of `i=` must be that of `d=`, no subdomain. */
  readonly strict: boolean
}

/** Why a record gives no key. */
export type KeyFault = 'key-syntax' | 'key-version' | 'key-type' | 'key-hash' | 'key-service' | 'key-revoked' | 'weak-key' | 'large-key'

/** RFC 8301 §3.2. */
export const MINIMUM_RSA_BITS = 1024
/** RFC 8301 §3.2 wants 4096; beyond this a verification costs more than a signature is worth. */
const MAXIMUM_RSA_BITS = 8192
/**
 * Everybody uses 65537. With an exponent as long as the modulus, which OpenSSL takes up to 3072 bits, one verification costs as much as a
 * hundred, and whoever publishes the key chooses it (S17). Others stop at 32 bits too.
 */
const MAXIMUM_RSA_EXPONENT = 0xffff_ffffn
/** The record of a 16,384 bit key has less. */
const LONGEST_RECORD = 8192
const DER_PREFIX_OCTETS = 12

/** Reads a record: the strings of one TXT record joined. Linear in the record; the work of making a key object is done here. */
export function parseKeyRecord(text: string): KeyRecord | KeyFault {
  if (text.length > LONGEST_RECORD) return 'key-syntax'
  const tags = parseTagList(text)
  const material = tags?.get('p')
  if (tags === undefined || material === undefined) return 'key-syntax'
  const version = tags.get('v')
  // RFC 6376 §3.6.1: "This tag MUST be the first tag in the record" and is compared as a string.
  if (version !== undefined && (version !== 'DKIM1' || tags.keys().next().value !== 'v')) return 'key-version'
  const hashes = tags.get('h')
  if (hashes !== undefined && !colonList(hashes).some(hash => asciiLowerCase(hash) === 'sha256')) return 'key-hash'
  const services = tags.get('s')
  if (services !== undefined && !colonList(services).some(service => service === '*' || asciiLowerCase(service) === 'email'))
    return 'key-service'
  const type = asciiLowerCase(tags.get('k') ?? 'rsa')
  if (type !== 'rsa' && type !== 'ed25519') return 'key-type'
  const encoded = withoutFws(material)
  if (encoded === '') return 'key-revoked'
  const octets = octetsOfBase64(encoded)
  const publicKey = octets === undefined ? undefined : type === 'rsa' ? rsaKey(octets) : ed25519Key(octets)
  if (publicKey === undefined) return 'key-syntax'
  const { modulusLength: bits = 0, publicExponent = 0n } = type === 'rsa' ? (publicKey.asymmetricKeyDetails ?? {}) : { modulusLength: 256 }
  if (type === 'rsa' && bits < MINIMUM_RSA_BITS) return 'weak-key'
  if (bits > MAXIMUM_RSA_BITS || publicExponent > MAXIMUM_RSA_EXPONENT) return 'large-key'
  const flags = colonList(tags.get('t') ?? '')
  return { type, publicKey, bits, testing: flags.includes('y'), strict: flags.includes('s') }
}

/** RFC 6376 §3.6.1 says RSAPublicKey, its examples and everybody say SubjectPublicKeyInfo (erratum 3017): both are read. */
function rsaKey(octets: Buffer): KeyObject | undefined {
  for (const type of ['spki', 'pkcs1'] as const) {
    try {
      const key = createPublicKey({ key: octets, format: 'der', type })
      return key.asymmetricKeyType === 'rsa' ? key : undefined
    } catch {
      // Not this form.
    }
  }
  return undefined
}

/** RFC 8463 §4.2: the 32 octets of the key alone; a SubjectPublicKeyInfo is these behind twelve that never change (RFC 8410 §4). */
function ed25519Key(octets: Buffer): KeyObject | undefined {
  if (octets.length !== 32) return undefined
  const prefix = Buffer.from('302a300506032b6570032100', 'hex')
  try {
    return createPublicKey({ key: Buffer.concat([prefix, octets], DER_PREFIX_OCTETS + 32), format: 'der', type: 'spki' })
  } catch {
    return undefined
  }
}

/**
 * Remembers what records mean, by their text: making a key object costs more than verifying with it. Of more than `limit`
 * records (default 1000) the least recently used are forgotten. One for a whole server.
 */
export class KeyCache {
  readonly #limit: number
  readonly #known: Map<string, KeyRecord | KeyFault> = new Map()

  constructor(limit: number = 1000) {
    this.#limit = Math.max(1, limit)
  }

  /** What {@link parseKeyRecord} says of a record. */
  get(text: string): KeyRecord | KeyFault {
    const known = this.#known.get(text)
    const record = known ?? parseKeyRecord(text)
    if (text.length > LONGEST_RECORD) return record
    this.#known.delete(text)
    this.#known.set(text, record)
    const oldest = this.#known.keys().next()
    if (this.#known.size > this.#limit && oldest.done !== true) this.#known.delete(oldest.value)
    return record
  }

  /** Records remembered at present. */
  get size(): number {
    return this.#known.size
  }
}
