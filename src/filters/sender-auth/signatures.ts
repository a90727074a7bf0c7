/** The signatures of a message: which of them are verified, and what they cover. RFC 6376 §6.1, §8.2, §8.4, §8.15; S16, S17. */

import { parseSignature, verifySignature } from '../../dkim/index.ts'
import type { FaultySignature, SignableField, Signature, SignatureResult, SignatureVerdict, VerifyContext } from '../../dkim/index.ts'
import { organisationOf } from '../organisation.ts'
import { isHostName } from './host-name.ts'
import { anotherTurn } from './read-message.ts'

/** A signature that was looked at. */
export interface CheckedSignature {
  readonly result: SignatureVerdict
  /** Why it did not pass, in a word or two. */
  readonly reason?: string
  /** Fit for a header field; `undefined` where it could not be read. */
  readonly domain: string | undefined
  readonly selector: string | undefined
  /** Bits of the key, once it was found. */
  readonly keyBits?: number
  /** The domain says that it is only trying. */
  readonly testing?: boolean
  /** First eight characters of `b=`: tells signatures of one domain apart. RFC 6008 §3. */
  readonly beginning?: string
  /** Why a pass vouches for less than the message, and so does not count for DMARC: an open end of the body, or a Content-Type that anybody may have changed. */
  readonly uncovered?: 'body' | 'content-type'
}

/** A signature's field, read. */
export type ReadSignature = Signature | FaultySignature

/** Most signatures of a message that are verified. RFC 6376 §8.4 leaves a limit to us. */
const MOST_SIGNATURES = 10
/** Of an endless header so many are read at all. */
const MOST_READ = 500
/** Octets of signatures that are read before others have their turn. */
const TURN = 32 * 1024

/** The signatures that matter most: the author's own first, then its organisation's, then the rest in their order. */
export async function chosenSignatures(
  fields: readonly SignableField[],
  author: string | undefined,
): Promise<{ readonly chosen: readonly ReadSignature[]; readonly count: number }> {
  const all = fields.filter(field => field.key === 'dkim-signature')
  const read: ReadSignature[] = []
  let octets = 0
  for (const field of all.slice(0, MOST_READ)) {
    octets += field.text.length
    if (octets > TURN) {
      await anotherTurn()
      octets = 0
    }
    read.push(parseSignature(field))
  }
  if (read.length <= 1) return { chosen: read, count: all.length }
  const organisation = author === undefined ? undefined : organisationOf(author)
  const rank = (signature: ReadSignature): number => {
    if ('fault' in signature) return 3
    if (author === undefined || organisation === undefined) return 2
    return signature.domain === author ? 0 : organisationOf(signature.domain) === organisation ? 1 : 2
  }
  const ranked = read.map(signature => ({ signature, rank: rank(signature) })).sort((one, other) => one.rank - other.rank)
  return { chosen: ranked.slice(0, MOST_SIGNATURES).map(({ signature }) => signature), count: all.length }
}

/** Verifies them one after another, so that one message keeps the loop no longer than one signature takes. */
export async function checkSignatures(
  chosen: readonly ReadSignature[],
  context: VerifyContext,
  unsignedType: 'unaligned' | 'aligned',
): Promise<readonly { readonly checked: CheckedSignature; readonly raw: SignatureResult }[]> {
  const results: { readonly checked: CheckedSignature; readonly raw: SignatureResult }[] = []
  for (const signature of chosen) {
    if (results.length > 0) await anotherTurn()
    const raw = await verifySignature(signature, context)
    results.push({ raw, checked: checkedSignature(raw, context.fields, unsignedType) })
  }
  return results
}

/** A verdict as it is told, with what it leaves uncovered. */
export function checkedSignature(
  raw: SignatureResult,
  fields: readonly SignableField[],
  unsignedType: 'unaligned' | 'aligned',
): CheckedSignature {
  const { result, reason, signature, keyBits, testing } = raw
  const uncovered = result === 'pass' ? uncoveredPart(raw, fields, unsignedType) : undefined
  return {
    result,
    domain: nameOf(raw.domain),
    selector: nameOf(raw.selector),
    ...(reason === undefined ? {} : { reason: reason.replaceAll('-', ' ') }),
    ...(keyBits === undefined ? {} : { keyBits }),
    ...(testing === true ? { testing } : {}),
    ...(signature === undefined ? {} : { beginning: beginningOf(signature) }),
    ...(uncovered === undefined ? {} : { uncovered }),
  }
}

function nameOf(text: string | undefined): string | undefined {
  return text !== undefined && isHostName(text) ? text : undefined
}

function beginningOf({ signature }: Signature): string {
  return Buffer.from(signature.subarray(0, 6)).toString('base64')
}

/** S16: what came behind `l=`, or a Content-Type on top of the signed one, shows another message under a good signature. */
function uncoveredPart(
  { signature, unsignedOctets }: SignatureResult,
  fields: readonly SignableField[],
  unsignedType: 'unaligned' | 'aligned',
): CheckedSignature['uncovered'] {
  if (signature === undefined) return undefined
  if (unsignedOctets > 0) return 'body'
  if (unsignedType === 'aligned') return undefined
  const types = fields.filter(field => field.key === 'content-type').length
  return types > signature.names.filter(name => name === 'content-type').length ? 'content-type' : undefined
}
