/** Keys of one's own: making them, and the records to publish. RFC 6376 §3.6.1, §3.6.2.1; RFC 8301 §3.2; RFC 8463 §4.2. */

import { createPublicKey, generateKeyPair, type KeyObject } from 'node:crypto'
import { encodeBase64 } from '../bytes/ascii.ts'
import { MINIMUM_RSA_BITS, type KeyType } from './key-record.ts'

/** A private key as PEM (PKCS #8), and the record that makes it known. */
export interface GeneratedKey {
  readonly type: KeyType
  /** A secret. */
  readonly privateKey: string
  /** Text of the TXT record. */
  readonly record: string
}

/** Makes a key, in the thread pool. `bits`: of an RSA key, default 2048; less than 1024 throws a RangeError. */
export async function generateKey(type: KeyType, bits: number = 2048): Promise<GeneratedKey> {
  if (type === 'rsa' && bits < MINIMUM_RSA_BITS)
    throw new RangeError(`an RSA key of ${bits} bits verifies nowhere: at least ${MINIMUM_RSA_BITS}`)
  const key = await new Promise<KeyObject>((resolve, reject) => {
    const done = (error: Error | null, _: KeyObject, privateKey: KeyObject): void => (error === null ? resolve(privateKey) : reject(error))
    if (type === 'rsa') generateKeyPair('rsa', { modulusLength: bits }, done)
    else generateKeyPair('ed25519', {}, done)
  })
  return { type, privateKey: key.export({ type: 'pkcs8', format: 'pem' }).toString(), record: keyRecordText(key) }
}

/** The TXT record for a key (private or public). Throws a TypeError for keys that are neither RSA nor Ed25519. */
export function keyRecordText(key: KeyObject): string {
  const publicKey = key.type === 'private' ? createPublicKey(key) : key
  const der = publicKey.export({ type: 'spki', format: 'der' })
  if (publicKey.asymmetricKeyType === 'rsa') return `v=DKIM1; k=rsa; p=${encodeBase64(der)}`
  // RFC 8463 §4.2: the last 32 octets are the key itself.
  if (publicKey.asymmetricKeyType === 'ed25519') return `v=DKIM1; k=ed25519; p=${encodeBase64(der.subarray(-32))}`
  throw new TypeError('neither an RSA nor an Ed25519 key')
}

/** Where a key's record belongs. RFC 6376 §3.6.2.1. */
export function keyRecordName(domain: string, selector: string): string {
  return `${selector}._domainkey.${domain}`
}

/** A record's text as the strings of a TXT record, none longer than 255 octets. RFC 1035 §3.3.14. */
export function txtStrings(text: string): readonly string[] {
  return text.match(/.{1,255}/gs) ?? ['']
}
