/** The verdict on one signature. RFC 6376 §3.9, §6.1; RFC 8301 §3; RFC 8463 §3; RFC 8601 §2.7.1 for the words. */

import { createHash, verify, type KeyObject } from 'node:crypto'
import { latin1Bytes } from '../bytes/ascii.ts'
import type { BodyHash, BodyHashRequest } from './body-hash.ts'
import { canonicalField, canonicalSignature, chosenFields } from './canonical-header.ts'
import type { SignableField } from './header-block.ts'
import { KeyCache, type KeyFault, type KeyRecord, type KeyType } from './key-record.ts'
import { bodyRequest, identityDomain, type FaultySignature, type Signature, type SignatureFault } from './signature.ts'

/** A signature's result as RFC 8601 §2.7.1 calls it. */
export type SignatureVerdict = 'pass' | 'fail' | 'policy' | 'neutral' | 'temperror' | 'permerror'

/** Why a signature did not pass. */
export type SignatureReason =
  | SignatureFault
  | KeyFault
  | 'no-key'
  | 'key-unavailable'
  /** The key is of another kind than the signature. */
  | 'key-mismatch'
  | 'expired'
  | 'body-hash'
  /** `l=` is more than there is. */
  | 'body-length'
  | 'bad-signature'

/** The verdict on one signature, and what it covers. */
export interface SignatureResult {
  readonly result: SignatureVerdict
  /** Absent with `pass`. */
  readonly reason?: SignatureReason
  readonly domain: string | undefined
  readonly selector: string | undefined
  /** Absent where the field could not be read. */
  readonly signature?: Signature
  /** Once a key was found: the domain says that it is only trying (`t=y`). */
  readonly testing?: boolean
  readonly keyBits?: number
  /** Octets at the end of the canonical body that the signature leaves open to change (`l=`). RFC 6376 §8.2. */
  readonly unsignedOctets: number
}

/**
 * Asks for the TXT records of a name, each with its strings joined. No such name or no such record is an empty list; a
 * failure to find out is thrown.
 */
export type KeyLookup = (name: string) => Promise<readonly string[]>

/** What a verification needs beside the signature. */
export interface VerifyContext {
  readonly fields: readonly SignableField[]
  /** As answered by `BodyHasher.finish`, which was told of this signature by {@link bodyRequest}. */
  readonly bodyHash: (request: BodyHashRequest) => BodyHash
  readonly lookup: KeyLookup
  /** Default: nothing is remembered. */
  readonly keys?: KeyCache
  /** Milliseconds since the epoch, against which `x=` is held. Absent: signatures do not expire. */
  readonly now?: number
  /** Awaited between the seals of a chain, of which there may be fifty: a host that has a loop lets others have their turn. Default: no pause. */
  readonly pause?: () => Promise<void>
}

/** Of several records of one name so many are tried. */
const MOST_RECORDS = 3

/** The verdict that a fault stands for: not readable is `neutral`, forbidden by policy `policy`, the rest `permerror`. */
const VERDICTS: Readonly<Partial<Record<SignatureReason, SignatureVerdict>>> = {
  'signature-syntax': 'neutral',
  version: 'neutral',
  'unsupported-algorithm': 'neutral',
  'unsupported-canonicalization': 'neutral',
  'unsupported-query': 'neutral',
  'weak-algorithm': 'policy',
  'weak-key': 'policy',
  'large-key': 'policy',
  expired: 'policy',
  'key-unavailable': 'temperror',
  'body-hash': 'fail',
  'body-length': 'fail',
  'bad-signature': 'fail',
}

/**
 * Verifies one signature. Never throws for what a message, a signature or a key record holds, nor when `lookup` does. The
 * body is compared first, so that a broken message costs no DNS query.
 *
 * @example
 * ```ts
 * import { bodyRequest, BodyHasher, KeyCache, parseSignature, readSignableHeader, verifySignature } from 'mailwright/dkim'
 *
 * async function verdicts(message: Uint8Array, lookup: (name: string) => Promise<readonly string[]>): Promise<readonly string[]> {
 *   const { fields, bodyStart } = readSignableHeader(message)
 *   const signatures = fields.filter(field => field.key === 'dkim-signature').slice(0, 10).map(field => parseSignature(field))
 *   const hasher = new BodyHasher(signatures.flatMap(signature => ('fault' in signature ? [] : [bodyRequest(signature)])))
 *   hasher.push(message.subarray(bodyStart))
 *   const bodyHash = hasher.finish()
 *   const keys = new KeyCache()
 *   const results = await Promise.all(signatures.map(signature => verifySignature(signature, { fields, bodyHash, lookup, keys })))
 *   return results.map(({ result }) => result)
 * }
 * ```
 */
export async function verifySignature(signature: Signature | FaultySignature, context: VerifyContext): Promise<SignatureResult> {
  if ('fault' in signature)
    return { ...resultFor(signature.fault), domain: signature.domain, selector: signature.selector, unsignedOctets: 0 }
  const body = context.bodyHash(bodyRequest(signature))
  const facts = {
    domain: signature.domain,
    selector: signature.selector,
    signature,
    unsignedOctets: signature.length === undefined ? 0 : Math.max(0, body.total - signature.length),
  }
  if (body.digest === undefined) return { ...resultFor('body-length'), ...facts }
  if (!sameDigest(body.digest, signature.bodyHash)) return { ...resultFor('body-hash'), ...facts }
  if (signature.expires !== undefined && context.now !== undefined && signature.expires * 1000 < context.now)
    return { ...resultFor('expired'), ...facts }
  return { ...(await verdictOfKeys(signature, context)), ...facts }
}

type Verdict = Pick<SignatureResult, 'result' | 'reason' | 'testing' | 'keyBits'>

function resultFor(reason: SignatureReason): Verdict {
  return { result: VERDICTS[reason] ?? 'permerror', reason }
}

/** Padding is no difference. */
function sameDigest(one: string, other: string): boolean {
  return one.replace(/=+$/, '') === other.replace(/=+$/, '')
}

async function verdictOfKeys(signature: Signature, context: VerifyContext): Promise<Verdict> {
  let records: readonly string[]
  try {
    records = await context.lookup(`${signature.selector}._domainkey.${signature.domain}`)
  } catch {
    return resultFor('key-unavailable')
  }
  if (records.length === 0) return resultFor('no-key')
  const input = headerInput(context.fields, signature.names, signature)
  let verdict = resultFor('no-key')
  for (const text of records.slice(0, MOST_RECORDS)) {
    const record = context.keys?.get(text) ?? new KeyCache(1).get(text)
    verdict = verdictOfKey(signature, record, input)
    if (verdict.result === 'pass') return verdict
  }
  return verdict
}

function verdictOfKey(signature: Signature, record: KeyRecord | KeyFault, input: Uint8Array): Verdict {
  if (typeof record === 'string') return resultFor(record)
  const facts = { testing: record.testing, keyBits: record.bits }
  if (record.type !== signature.key) return { ...resultFor('key-mismatch'), ...facts }
  // RFC 6376 §3.6.1, `t=s`.
  if (record.strict && signature.identity !== '' && identityDomain(signature.identity) !== signature.domain)
    return { ...resultFor('domain-mismatch'), ...facts }
  return {
    ...(signed(record.type, record.publicKey, input, signature.signature) ? { result: 'pass' } : resultFor('bad-signature')),
    ...facts,
  }
}

/** The keys that a selector stands for, as far as they can be had and used. */
export async function usableKeys(
  { domain, selector }: Pick<Signature, 'domain' | 'selector'>,
  { lookup, keys }: Pick<VerifyContext, 'lookup' | 'keys'>,
): Promise<readonly KeyRecord[]> {
  try {
    const records = await lookup(`${selector}._domainkey.${domain}`)
    const cache = keys ?? new KeyCache(MOST_RECORDS)
    return records.slice(0, MOST_RECORDS).flatMap(text => {
      const record = cache.get(text)
      return typeof record === 'string' ? [] : [record]
    })
  } catch {
    return []
  }
}

/** Whether the octets carry this signature of this key. RFC 6376 §3.3.2; RFC 8463 §3: Ed25519 signs the SHA-256 of them. */
export function signed(type: KeyType, key: KeyObject, input: Uint8Array, signature: Uint8Array): boolean {
  try {
    return type === 'rsa'
      ? verify('sha256', input, key, signature)
      : verify(undefined, createHash('sha256').update(input).digest(), key, signature)
  } catch {
    return false
  }
}

/** What the second hash is made of: the chosen fields, then the signature's own field without its value. RFC 6376 §3.7. */
export function headerInput(
  fields: readonly SignableField[],
  names: readonly string[],
  signature: Pick<Signature, 'text' | 'headerCanonicalization'>,
): Uint8Array {
  const canonicalization = signature.headerCanonicalization
  let input = ''
  for (const field of chosenFields(fields, names)) input += canonicalField(field.text, canonicalization)
  return latin1Bytes(input + canonicalSignature(signature.text, canonicalization))
}
