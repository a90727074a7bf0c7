/** Seals what is sent on for others, so that the next hop learns what we saw before we touched it. RFC 8617 §5.1. */

import { latin1Bytes } from '../../bytes/ascii.ts'
import type { Clock } from '../../contracts/clock.ts'
import { ConfigurationError } from '../../contracts/mail-error.ts'
import {
  arcSets,
  fieldValue,
  foldedTags,
  MOST_ARC_SETS,
  sealInput,
  signedField,
  unsignedSignature,
  type ArcSet,
  type ChainState,
  type SignableField,
} from '../../dkim/index.ts'
import { canonicalDomain } from '../../mime/index.ts'
import type { Sign } from '../departures.ts'
import { readMessage } from '../signing/read-message.ts'
import { namesToSign } from '../signing/signed-names.ts'
import { fixedKeys, keysFor, signWith, type ReadyKey, type SigningKey, type SigningKeys } from '../signing/signing-key.ts'
import { ownResults, resultsFrom, type OwnResults } from './own-results.ts'

/** Options of {@link arcSealer}. */
export interface ArcSealerOptions {
  /** Who seals: the domain of this server. */
  readonly domain: string
  /** Of the domain's keys the RSA one seals where there is one: not every validator knows Ed25519. */
  readonly keys: readonly SigningKey[] | SigningKeys
  /** Under which name our own verifier writes `Authentication-Results`. */
  readonly authservId: string
  readonly clock?: Pick<Clock, 'now'>
}

/** What is known of a message, for hosts that do not read it from its header. */
export interface SealFacts {
  /** Results as in `Authentication-Results`, behind the server's name: `spf=pass smtp.mailfrom=example.org; dkim=pass`. */
  readonly results: string
  /** State of the chain as it was when the message came. */
  readonly chain: ChainState
}

/**
 * A sealer: answers the three fields of an ARC set to put in front of a message that is otherwise ready to leave (signed, changed).
 * What was verified is read from our own `Authentication-Results` fields in it, the state of the chain from their `arc=`, or both
 * from `facts`; nothing is verified here. Answers no octets where sealing says nothing: no results of ours, a chain of which
 * nothing is said, a chain that failed before us, 50 sets.
 *
 * Throws a ConfigurationError (`MW_ARC_DOMAIN`, `MW_DKIM_KEY`) at once; its promises reject with what reading the message throws.
 */
export function arcSealer(options: ArcSealerOptions): (message: Parameters<Sign>[0], facts?: SealFacts) => Promise<Uint8Array> {
  const { keys, authservId, clock = Date } = options
  const domain = canonicalDomain(options.domain)
  if (domain === undefined) throw new ConfigurationError('MW_ARC_DOMAIN', `not a domain: ${JSON.stringify(options.domain)}`)
  if (!/^[\u0021-\u007e]{1,255}$/.test(authservId) || /[;()"\\]/.test(authservId))
    throw new ConfigurationError('MW_ARC_DOMAIN', `not a name for Authentication-Results: ${JSON.stringify(authservId)}`)
  const source = 'keysOf' in keys ? keys : fixedKeys(keys)
  return async ({ content, prefix }, facts) => {
    const nothing = new Uint8Array(0)
    const ready = keysFor(domain, source)
    const key = ready.find(({ type }) => type === 'rsa') ?? ready[0]
    if (key === undefined) return nothing
    const { fields, bodyHash } = await readMessage(content, prefix)
    const own = facts === undefined ? ownResults(fields, authservId) : { ...resultsFrom(facts.results), chain: facts.chain }
    const place = placeOf(fields, own)
    if (own === undefined || place === undefined) return nothing
    return latin1Bytes(await sealed({ key, authservId, own, place, fields, bodyHash, time: Math.floor(clock.now() / 1000) }))
  }
}

/** Where the new set goes. */
interface Place {
  readonly instance: number
  readonly state: ChainState
  /** Sets that the new seal covers. RFC 8617 §5.1.2: none of a chain that failed. */
  readonly earlier: readonly ArcSet[]
}

function placeOf(fields: readonly SignableField[], own: OwnResults | undefined): Place | undefined {
  const sets = arcSets(fields)
  if (own === undefined) return undefined
  if (sets !== 'fail' && sets.length === 0)
    return own.chain === undefined || own.chain === 'none' ? { instance: 1, state: 'none', earlier: [] } : undefined
  const instance = highestInstance(fields) + 1
  if (instance > MOST_ARC_SETS) return undefined
  if (own.chain === 'pass' && sets !== 'fail') return { instance, state: 'pass', earlier: sets }
  // RFC 8617 §5.1 step 2: once it is sealed as failed, nothing is added.
  if (own.chain !== 'fail' || (sets !== 'fail' && sets.at(-1)?.state === 'fail')) return undefined
  return { instance, state: 'fail', earlier: [] }
}

/** RFC 8617 §5.1 step 3; of a broken chain too. */
function highestInstance(fields: readonly SignableField[]): number {
  let highest = 0
  for (const field of fields) {
    if (!field.key.startsWith('arc-')) continue
    const [, digits] = /(?:^|;)[ \t\r\n]{0,100}i[ \t\r\n]{0,100}=[ \t\r\n]{0,100}(\d{1,4})(?!\d)/.exec(fieldValue(field)) ?? []
    highest = Math.max(highest, Number(digits ?? 0))
  }
  return highest
}

interface SealParts {
  readonly key: ReadyKey
  readonly authservId: string
  readonly own: OwnResults
  readonly place: Place
  readonly fields: readonly SignableField[]
  readonly bodyHash: string
  readonly time: number
}

async function sealed({ key, authservId, own, place, fields, bodyHash, time }: SealParts): Promise<string> {
  const { instance, state, earlier } = place
  const results = `ARC-Authentication-Results: i=${instance}; ${authservId};\r\n\t${own.payload.replaceAll('; ', ';\r\n\t')}\r\n`
  // RFC 8617 §4.1.2: earlier DKIM signatures are covered, results and fields of ARC are not.
  const signatures = fields.filter(field => field.key === 'dkim-signature').map(() => 'DKIM-Signature')
  const unsigned = unsignedSignature(
    {
      key: key.type,
      domain: key.domain,
      selector: key.selector,
      headerCanonicalization: 'relaxed',
      bodyCanonicalization: 'relaxed',
      names: [...namesToSign(fields), ...signatures],
      bodyHash,
      timestamp: time,
      instance,
    },
    fields,
  )
  const messageSignature = signedField(unsigned, await signWith(key, unsigned.input))
  const tags = [`i=${instance}`, `a=${key.type}-sha256`, `t=${time}`, `cv=${state}`, `d=${key.domain}`, `s=${key.selector}`]
  const text = foldedTags('ARC-Seal', tags)
  const field = (key: string, value: string): SignableField => ({ key, text: value })
  const newest = {
    instance,
    results: field('arc-authentication-results', results),
    messageSignature: field('arc-message-signature', messageSignature),
    seal: field('arc-seal', text),
  }
  const input = latin1Bytes(sealInput([...earlier, newest]))
  return signedField({ text, input }, await signWith(key, input)) + messageSignature + results
}
