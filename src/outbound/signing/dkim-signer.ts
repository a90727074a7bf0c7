/** Signs what leaves: one signature for each key of the author's domain. RFC 6376 §5; RFC 8463 §6 for two at once. */

import { latin1Bytes, utf8Text } from '../../bytes/ascii.ts'
import type { Clock } from '../../contracts/clock.ts'
import type { MailAddress } from '../../contracts/directory.ts'
import { fieldValue, signedField, unsignedSignature, type SignableField } from '../../dkim/index.ts'
import { canonicalDomain, parseAddressList } from '../../mime/index.ts'
import type { Sign } from '../departures.ts'
import { readMessage } from './read-message.ts'
import { namesToSign } from './signed-names.ts'
import { fixedKeys, keysFor, signWith, type ReadyKey, type SigningKey, type SigningKeys } from './signing-key.ts'

/** Options of {@link dkimSigner}. */
export interface DkimSignerOptions {
  /** Several for one domain each sign: give an RSA and an Ed25519 key under two selectors. Or a store, such as `dkimKeys`. */
  readonly keys: readonly SigningKey[] | SigningKeys
  /** Names of further fields to sign where present. */
  readonly signedFields?: readonly string[]
  /** How long signatures hold, seconds. Default: for good. A few days limit what a spammer can do with one message of yours (replay). */
  readonly expiresAfter?: number
  readonly clock?: Pick<Clock, 'now'>
}

/**
 * A signer: answers the `DKIM-Signature` fields to put in front of a message, or no octets when no key fits. The keys are those of the
 * domain in `From`, or of the nearest domain above it (so that DMARC finds it aligned), else of the envelope sender's. Relaxed in
 * header and body; never `l=`; fields that readers see cannot be added afterwards. Streams the body, keeps none of it.
 *
 * Throws a ConfigurationError `MW_DKIM_KEY` at once for keys that cannot sign; its promises reject with what reading the message throws.
 *
 * @example
 * ```ts
 * import { dkimSigner } from 'mailwright/outbound'
 *
 * const readKey: (name: string) => string = name => `the PEM text of ${name}`
 * const sign = (): unknown =>
 *   dkimSigner({
 *     keys: [
 *       { domain: 'example.org', selector: '2026r', privateKey: readKey('rsa') },
 *       { domain: 'example.org', selector: '2026e', privateKey: readKey('ed25519') },
 *     ],
 *   })
 * ```
 */
export function dkimSigner(options: DkimSignerOptions): Sign {
  const { keys, signedFields = [], expiresAfter, clock = Date } = options
  const source = 'keysOf' in keys ? keys : fixedKeys(keys)
  return async ({ content, prefix, sender, domains }) => {
    const { fields, bodyHash } = await readMessage(content, prefix)
    const chosen = keysOfAuthor(fields, sender, domains, source)
    if (chosen.length === 0) return new Uint8Array(0)
    const names = namesToSign(fields, signedFields)
    const timestamp = Math.floor(clock.now() / 1000)
    const lifetime = expiresAfter === undefined ? {} : { expires: timestamp + expiresAfter }
    const signed = await Promise.all(
      chosen.map(async key => {
        const unsigned = unsignedSignature(
          {
            key: key.type,
            domain: key.domain,
            selector: key.selector,
            headerCanonicalization: 'relaxed',
            bodyCanonicalization: 'relaxed',
            names,
            bodyHash,
            timestamp,
            ...lifetime,
          },
          fields,
        )
        return signedField(unsigned, await signWith(key, unsigned.input))
      }),
    )
    return latin1Bytes(signed.join(''))
  }
}

/**
 * The first domain with keys decides, `From` before the envelope. Where the sender has no right to it nothing is signed: another domain's
 * signature could be taken for the author's, when it is that of the domain above.
 */
function keysOfAuthor(
  fields: readonly SignableField[],
  sender: MailAddress | undefined,
  rights: readonly string[] | undefined,
  source: SigningKeys,
): readonly ReadyKey[] {
  for (const domain of [...authorDomains(fields), ...(sender === undefined ? [] : [sender.domain])]) {
    const keys = keysFor(domain, source)
    if (keys.length > 0) return rights === undefined || rights.includes(domain) ? keys : []
  }
  return []
}

/** Domains of `From`, in A-labels, in their order. */
function authorDomains(fields: readonly SignableField[]): readonly string[] {
  const from = fields.find(({ key }) => key === 'from')
  if (from === undefined) return []
  const text = utf8Text(latin1Bytes(fieldValue(from))).replaceAll('\r\n', '')
  return parseAddressList(text).flatMap(({ host }) => (host === undefined ? [] : (canonicalDomain(host) ?? [])))
}
