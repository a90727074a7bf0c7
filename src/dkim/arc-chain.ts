/** The chain of ARC sets on a message: read, and validated. RFC 8617 §4.2, §5.2. */

import { asciiLowerCase } from '../bytes/ascii.ts'
import { octetsOfBase64 } from './base64.ts'
import { canonicalField, canonicalSignature } from './canonical-header.ts'
import { fieldValue, type SignableField } from './header-block.ts'
import type { KeyType } from './key-record.ts'
import { dnsName, parseSignature, type FaultySignature, type Signature } from './signature.ts'
import { parseTagList, withoutFws, type TagList } from './tag-list.ts'

/** State of a chain. RFC 8617 §4.4. */
export type ChainState = 'none' | 'pass' | 'fail'

/** One ARC set, its fields as they stand in the message. */
export interface ArcSet {
  readonly instance: number
  readonly results: SignableField
  readonly messageSignature: SignableField
  readonly seal: SignableField
  /** `cv=` of the seal, lower case. */
  readonly state: string
}

/** RFC 8617 §4.2.1. */
export const MOST_ARC_SETS = 50

const KINDS: ReadonlyMap<string, keyof typeof EMPTY> = new Map([
  ['arc-authentication-results', 'results'],
  ['arc-message-signature', 'messageSignature'],
  ['arc-seal', 'seal'],
])
const EMPTY = { results: undefined, messageSignature: undefined, seal: undefined } as const
/** `arc-info`: an instance in front of what is otherwise an Authentication-Results field. RFC 8617 §4.1.1. */
const RESULTS_INSTANCE = /^[ \t\r\n]{0,200}i[ \t\r\n]{0,200}=[ \t\r\n]{0,200}(\d{1,4})[ \t\r\n]{0,200};/

/**
 * The sets of a message in the order of their instances; empty when there are none, `fail` when they make no chain: a field too
 * few or too many, a gap, more than 50. RFC 8617 §5.2 steps 1 and 3.
 */
export function arcSets(fields: readonly SignableField[]): readonly ArcSet[] | 'fail' {
  const found = new Map<number, Partial<Record<keyof typeof EMPTY, SignableField>>>()
  for (const field of fields) {
    const kind = KINDS.get(field.key)
    if (kind === undefined) continue
    const instance = kind === 'results' ? Number(RESULTS_INSTANCE.exec(fieldValue(field))?.[1]) : instanceOf(field)
    if (!(instance >= 1 && instance <= MOST_ARC_SETS)) return 'fail'
    const set = found.get(instance) ?? {}
    if (set[kind] !== undefined) return 'fail'
    set[kind] = field
    found.set(instance, set)
  }
  const sets: ArcSet[] = []
  for (let instance = 1; instance <= found.size; instance++) {
    const { results, messageSignature, seal } = found.get(instance) ?? {}
    if (results === undefined || messageSignature === undefined || seal === undefined) return 'fail'
    sets.push({ instance, results, messageSignature, seal, state: asciiLowerCase(parseTagList(fieldValue(seal))?.get('cv') ?? '') })
  }
  return sets
}

function instanceOf(field: SignableField): number {
  const text = parseTagList(fieldValue(field))?.get('i') ?? ''
  return /^\d{1,4}$/.test(text) ? Number(text) : Number.NaN
}

/** What an ARC-Seal signs: all sets from the first on, the last with its own seal's value left out. RFC 8617 §5.1.1. */
export function sealInput(sets: readonly Omit<ArcSet, 'state'>[]): string {
  let input = ''
  for (const [index, { results, messageSignature, seal }] of sets.entries()) {
    input += canonicalField(results.text, 'relaxed') + canonicalField(messageSignature.text, 'relaxed')
    input += index === sets.length - 1 ? canonicalSignature(seal.text, 'relaxed') : canonicalField(seal.text, 'relaxed')
  }
  return input
}

/** A seal as it can be verified. */
export interface Seal {
  readonly key: KeyType
  readonly signature: Uint8Array
  readonly domain: string
  readonly selector: string
}

/** Reads an ARC-Seal; `undefined` for one that is none. RFC 8617 §4.1.3: a seal with `h=` fails. */
function parseSeal(field: SignableField): Seal | undefined {
  const tags = parseTagList(fieldValue(field))
  if (tags === undefined || tags.has('h')) return undefined
  return readSeal(tags)
}

function readSeal(tags: TagList): Seal | undefined {
  const [a, b, d, s] = ['a', 'b', 'd', 's'].map(name => tags.get(name))
  if (a === undefined || b === undefined || d === undefined || s === undefined) return undefined
  const [, key] = /^(rsa|ed25519)-sha256$/.exec(asciiLowerCase(a)) ?? []
  const signature = octetsOfBase64(withoutFws(b))
  const domain = dnsName(d)
  const selector = dnsName(s)
  const t = tags.get('t')
  if (signature === undefined || domain === undefined || selector === undefined || (t !== undefined && !/^\d{1,12}$/.test(t)))
    return undefined
  return key === 'rsa' || key === 'ed25519' ? { key, signature, domain, selector } : undefined
}

/** A chain whose form is right; what remains is to verify signatures. */
export interface ReadableChain {
  readonly sets: readonly ArcSet[]
  /** Of the newest set, which alone must still match the message: the ways in which it can be read, one of which must pass. */
  readonly messageSignatures: readonly Signature[]
  readonly seals: readonly Seal[]
}

/** The chain of a message: `none`, `fail` where its form alone decides, or what is to be verified. RFC 8617 §5.2 steps 1 to 3. */
export function readChain(fields: readonly SignableField[]): ReadableChain | 'none' | 'fail' {
  const sets = arcSets(fields)
  if (sets === 'fail') return 'fail'
  const newest = sets.at(-1)
  if (newest === undefined) return 'none'
  if (!sets.every(({ instance, state }) => state === (instance === 1 ? 'none' : 'pass'))) return 'fail'
  const messageSignature: Signature | FaultySignature = parseSignature(newest.messageSignature, 'arc')
  const seals = sets.map(({ seal }) => parseSeal(seal))
  if ('fault' in messageSignature || !seals.every(seal => seal !== undefined)) return 'fail'
  // RFC 8617 §4.1.2 leaves `c=` at DKIM's simple/simple; its drafts, and sealers that follow them, mean relaxed/relaxed.
  const saysHow = parseTagList(fieldValue(newest.messageSignature))?.has('c') === true
  const drafted: Signature = { ...messageSignature, headerCanonicalization: 'relaxed', bodyCanonicalization: 'relaxed' }
  return { sets, messageSignatures: saysHow ? [messageSignature] : [messageSignature, drafted], seals }
}
