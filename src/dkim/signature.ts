/** A signature's field, read and checked before anything is computed. RFC 6376 §3.5, §6.1.1; RFC 8301 §3.1; RFC 8617 §4.1.2. */

import { asciiLowerCase, latin1Bytes, utf8Text } from '../bytes/ascii.ts'
import { canonicalDomain } from '../mime/address.ts'
import { octetsOfBase64 } from './base64.ts'
import type { BodyHashRequest } from './body-hash.ts'
import type { Canonicalization } from './canonical-header.ts'
import { fieldValue, type SignableField } from './header-block.ts'
import type { KeyType } from './key-record.ts'
import { colonList, parseTagList, withoutFws, type TagList } from './tag-list.ts'

/** Why a field is no signature that can be verified. */
export type SignatureFault =
  | 'signature-syntax'
  | 'missing-tag'
  | 'version'
  | 'unsupported-algorithm'
  /** SHA-1. RFC 8301 §3.1. */
  | 'weak-algorithm'
  | 'unsupported-canonicalization'
  | 'unsupported-query'
  | 'domain-mismatch'
  | 'from-not-signed'
  /** A field is signed that must not be. RFC 8617 §4.1.2. */
  | 'forbidden-field'

/** A signature that can be verified. */
export interface Signature {
  /** The whole field, octets as characters. */
  readonly text: string
  readonly key: KeyType
  readonly signature: Uint8Array
  /** `bh=` in base64, as written. */
  readonly bodyHash: string
  readonly headerCanonicalization: Canonicalization
  readonly bodyCanonicalization: Canonicalization
  /** `d=`, lower case, A-labels. */
  readonly domain: string
  /** `s=`, lower case, A-labels. */
  readonly selector: string
  /** `h=`: names in lower case, in the order in which they were hashed. */
  readonly names: readonly string[]
  /** `i=` as written, or `@` and the domain. Empty in an ARC-Message-Signature. */
  readonly identity: string
  /** `l=`: octets of the canonical body that are covered. Absent: all. */
  readonly length: number | undefined
  /** `t=`, seconds since the epoch. */
  readonly timestamp: number | undefined
  /** `x=`, seconds since the epoch. */
  readonly expires: number | undefined
}

/** What a field that cannot be verified told of itself all the same: for reports, never to be relied on. */
export interface FaultySignature {
  readonly fault: SignatureFault
  readonly domain: string | undefined
  readonly selector: string | undefined
}

const ALGORITHM = /^(?:rsa|ed25519)-sha256$/
const DOMAIN =
  /^(?=.{1,255}$)[a-z0-9_\u0080-\u00ff](?:[a-z0-9_\u0080-\u00ff-]{0,62})(?:\.[a-z0-9_\u0080-\u00ff](?:[a-z0-9_\u0080-\u00ff-]{0,62}))*$/
const NAME = /^[\u0021-\u0039\u003b-\u007e]+$/
const TIME = /^\d{1,12}$/
const LENGTH = /^\d{1,76}$/
/**
 * RFC 8617 §4.1.2 forbids sealers to sign fields of ARC at all. A seal that was signed breaks the chain by being added to;
 * the others are met, and the public suite wants them to pass.
 */
const NOT_IN_ARC = 'arc-seal'

/**
 * Reads a `DKIM-Signature` field, or an `ARC-Message-Signature` (`kind` `arc`: no version, `i=` is the instance). Strict as
 * RFC 6376 §6.1.1 asks: anything unexpected is a fault. Linear in the field.
 */
export function parseSignature(field: SignableField, kind: 'dkim' | 'arc' = 'dkim'): Signature | FaultySignature {
  const tags = parseTagList(fieldValue(field))
  if (tags === undefined) return { fault: 'signature-syntax', domain: undefined, selector: undefined }
  const read = readTags(field.text, tags, kind)
  return typeof read === 'string' ? { fault: read, domain: tags.get('d'), selector: tags.get('s') } : read
}

function readTags(text: string, tags: TagList, kind: 'dkim' | 'arc'): Signature | SignatureFault {
  const version = tags.get('v')
  if (kind === 'dkim' && version !== undefined && version !== '1') return 'version'
  const [a, b, bh, d, h, s] = ['a', 'b', 'bh', 'd', 'h', 's'].map(name => tags.get(name))
  if (a === undefined || b === undefined || bh === undefined || d === undefined || h === undefined || s === undefined) return 'missing-tag'
  if (kind === 'dkim' && version === undefined) return 'missing-tag'
  const algorithm = asciiLowerCase(a)
  if (algorithm === 'rsa-sha1') return 'weak-algorithm'
  if (!ALGORITHM.test(algorithm)) return 'unsupported-algorithm'
  const canonicalizations = canonicalizationsOf(tags.get('c'))
  if (canonicalizations === undefined) return 'unsupported-canonicalization'
  const q = tags.get('q')
  if (q !== undefined && !colonList(q).some(method => asciiLowerCase(method) === 'dns/txt')) return 'unsupported-query'
  const signature = octetsOfBase64(withoutFws(b))
  const bodyHash = withoutFws(bh)
  const domain = dnsName(d)
  const selector = dnsName(s)
  // An ARC-Message-Signature may sign nothing and have gaps in its list: the public suite wants it so.
  const names = colonList(asciiLowerCase(h)).filter(name => kind === 'dkim' || name !== '')
  if (signature === undefined || octetsOfBase64(bodyHash) === undefined) return 'signature-syntax'
  if (domain === undefined || selector === undefined || !names.every(name => NAME.test(name))) return 'signature-syntax'
  if (kind === 'dkim' && !names.includes('from')) return 'from-not-signed'
  if (kind === 'arc' && names.includes(NOT_IN_ARC)) return 'forbidden-field'
  const identity = kind === 'dkim' ? (tags.get('i') ?? `@${domain}`) : ''
  if (kind === 'dkim' && !isBelow(identityDomain(identity), domain)) return identity.includes('@') ? 'domain-mismatch' : 'signature-syntax'
  const [t, x, l] = [tags.get('t'), tags.get('x'), tags.get('l')]
  if ((t !== undefined && !TIME.test(t)) || (x !== undefined && !TIME.test(x))) return 'signature-syntax'
  if (l !== undefined && !LENGTH.test(l)) return 'signature-syntax'
  if (t !== undefined && x !== undefined && Number(x) <= Number(t)) return 'signature-syntax'
  return {
    text,
    key: algorithm.startsWith('rsa') ? 'rsa' : 'ed25519',
    signature,
    bodyHash,
    headerCanonicalization: canonicalizations[0],
    bodyCanonicalization: canonicalizations[1],
    domain,
    selector,
    names,
    identity,
    length: l === undefined ? undefined : Number(l),
    timestamp: t === undefined ? undefined : Number(t),
    expires: x === undefined ? undefined : Number(x),
  }
}

/** RFC 6376 §3.5: "simple" where nothing is said, for the body also when only the header's is said. */
function canonicalizationsOf(value: string | undefined): readonly [Canonicalization, Canonicalization] | undefined {
  const [header = '', body = 'simple', ...rest] = asciiLowerCase(value ?? 'simple').split('/')
  return rest.length === 0 && isCanonicalization(header) && isCanonicalization(body) ? [header, body] : undefined
}

function isCanonicalization(text: string): text is Canonicalization {
  return text === 'simple' || text === 'relaxed'
}

/** Domain of an `i=` in A-labels; empty where there is none. */
export function identityDomain(identity: string): string {
  return dnsName(identity.slice(identity.lastIndexOf('@') + 1)) ?? ''
}

/**
 * A domain or selector, octets as characters, in lower case and A-labels; `undefined` for what is none. U-labels are met in
 * internationalised mail (RFC 8616 §4).
 */
export function dnsName(text: string): string | undefined {
  const name = isAscii(text) ? asciiLowerCase(text) : canonicalDomain(utf8Text(latin1Bytes(text)))
  return name !== undefined && DOMAIN.test(name) ? name : undefined
}

function isAscii(text: string): boolean {
  return !/[^\u0000-\u007f]/.test(text)
}

/** Whether a domain is another or below it; both in lower case. */
function isBelow(domain: string, parent: string): boolean {
  return domain === parent || domain.endsWith(`.${parent}`)
}

/** What of the body a signature covers. */
export function bodyRequest(signature: Signature): BodyHashRequest {
  return { canonicalization: signature.bodyCanonicalization, length: signature.length }
}
