/** A signature's field before it is signed: what it says, and the octets to sign. RFC 6376 §3.5, §3.7, §5; RFC 8617 §4.1.2. */

import { encodeBase64 } from '../bytes/ascii.ts'
import type { Canonicalization } from './canonical-header.ts'
import type { SignableField } from './header-block.ts'
import type { KeyType } from './key-record.ts'
import { headerInput } from './verify.ts'

/** What a signature is to say. Texts go out as they are: domain and selector in A-labels, names of fields as in RFC 5322. */
export interface SignatureContent {
  readonly key: KeyType
  readonly domain: string
  readonly selector: string
  readonly headerCanonicalization: Canonicalization
  readonly bodyCanonicalization: Canonicalization
  /** Names for `h=`, in the order in which they are hashed; a name once more than there are fields forbids another. RFC 6376 §5.4. */
  readonly names: readonly string[]
  /** Base64. */
  readonly bodyHash: string
  /** Seconds since the epoch. */
  readonly timestamp?: number
  /** Seconds since the epoch; later than the timestamp. */
  readonly expires?: number
  /** `i=` of a DKIM signature, `user@domain` at or below the signing domain. Default: left out. */
  readonly identity?: string
  /** Given: an ARC-Message-Signature with this instance. */
  readonly instance?: number
}

/** A field that lacks only its signature. */
export interface UnsignedField {
  /** Up to and with `b=`. */
  readonly text: string
  /** What is to be signed: with RSA as it is (SHA-256 inside), with Ed25519 its SHA-256. */
  readonly input: Uint8Array
}

const LINE = 76

/** Builds the field and what is to be signed. Lines stay below 78 characters where names allow it (RFC 5322 §2.1.1). */
export function unsignedSignature(content: SignatureContent, fields: readonly SignableField[]): UnsignedField {
  const tags = [
    content.instance === undefined ? 'v=1' : `i=${content.instance}`,
    `a=${content.key}-sha256`,
    `c=${content.headerCanonicalization}/${content.bodyCanonicalization}`,
    `d=${content.domain}`,
    `s=${content.selector}`,
  ]
  if (content.identity !== undefined && content.instance === undefined) tags.push(`i=${content.identity}`)
  if (content.timestamp !== undefined) tags.push(`t=${content.timestamp}`)
  if (content.expires !== undefined) tags.push(`x=${content.expires}`)
  const name = content.instance === undefined ? 'DKIM-Signature' : 'ARC-Message-Signature'
  const text = foldedTags(name, [...tags, `h=${content.names.join(':')}`, `bh=${content.bodyHash}`])
  const input = headerInput(
    fields,
    content.names.map(field => field.toLowerCase()),
    { text, headerCanonicalization: content.headerCanonicalization },
  )
  return { text, input }
}

/** A field of tags, folded, that ends with an empty `b=`. */
export function foldedTags(name: string, tags: readonly string[]): string {
  let text = `${name}:`
  let line = text.length
  for (const tag of tags) {
    for (const [index, piece] of pieces(`${tag};`).entries()) {
      if (line + 1 + piece.length > LINE) {
        text += '\r\n'
        line = 0
      }
      // A list is folded behind its colons; white space there means nothing. RFC 6376 §3.5.
      const gap = index === 0 || line === 0 ? ' ' : ''
      text += gap + piece
      line += gap.length + piece.length
    }
  }
  return `${text}\r\n b=`
}

function pieces(tag: string): readonly string[] {
  return tag.startsWith('h=') ? tag.split(/(?<=:)/) : [tag]
}

/** The whole field: the signature behind what {@link unsignedSignature} built, folded, with its line end. */
export function signedField(unsigned: UnsignedField, signature: Uint8Array): string {
  const lines = encodeBase64(signature).match(/.{1,72}/g) ?? []
  return `${unsigned.text}${lines.join('\r\n  ')}\r\n`
}
